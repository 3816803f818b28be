"""Live molecular dynamics: a molecule that moves, a thermostat to turn, a plot that grows.

The work stands in `Simulation`, tested without a browser; the widget only calls it.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import numpy as np
from ase import Atoms
from ipywidgets import HTML, Button, HBox, ToggleButton

from mdlearn.units import kB, ps
from mdlearn.view.arrays import to_numpy
from mdlearn.view.live import Echo, LivePlot, Loop, measured
from mdlearn.view.panel import Limits, Panel, at_home, heading, slider
from mdlearn.view.picture import describe, find_bonds
from mdlearn.view.scene import show3d
from mdlearn.view.theme import beside

Advance = Callable[[Any, float, int], Any]  # (state, temperature, seed) → state one frame later
REDRAW = 0.3  # seconds between two drawings of a live plot, at least
SHARE = 0.2  # of the time that may go into drawing
KEPT = 500  # frames in a live plot


class Simulation:
    """A run of molecular dynamics, frame by frame, with a temperature that may be changed.

    Attributes:
        state: The present state.
        temperature: Target of the thermostat (K); set it at any time.
        times: Of the frames kept (ps).
        traces: Name of an observable → its values at these times.
    """

    def __init__(
        self,
        advance: Advance,
        state: Any,
        *,
        interval: float,
        temperature: float,
        observe: Mapping[str, Callable[[Any], float]],
    ) -> None:
        self.work, self.interval, self.observe = advance, interval, dict(observe)
        self.first, self.temperature = state, temperature
        self.reset()

    def reset(self) -> None:
        """Back to the first state."""
        self.state, self.frames = self.first, 0
        self.times: deque[float] = deque(maxlen=KEPT)
        self.traces = {name: deque(maxlen=KEPT) for name in self.observe}

    @property
    def time(self) -> float:
        """Simulated so far, in the package's time unit."""
        return self.frames * self.interval

    def advance(self) -> None:
        """One frame at the present temperature, then look.

        Raises:
            FloatingPointError: An observable is no longer a number: the simulation has exploded.
        """
        self.state = self.work(self.state, self.temperature, self.frames)
        self.frames += 1
        seen = {name: float(function(self.state)) for name, function in self.observe.items()}
        for name, value in seen.items():
            if not np.isfinite(value):
                raise FloatingPointError(f"{name} is {value} after {self.time / ps:.2f} ps")
            self.traces[name].append(value)
        self.times.append(self.time / ps)


class LiveDynamics(Panel):
    """Molecule, plot, slider and buttons around a `Simulation`."""

    def __init__(
        self,
        simulation: Simulation,
        atoms: Atoms,
        *,
        positions: Callable[[Any], Any],
        temperature: Limits | None,
        title: str,
        alt: str,
        style: str,
    ) -> None:
        self.simulation, self.positions = simulation, positions
        self.scene = show3d(atoms, alt=alt, style=style, width=430, height=330)
        self.plot = LivePlot(list(simulation.observe), width=450, height=330)
        self.loose = atoms.cell.rank == 3 and not len(find_bonds(atoms))
        self.loop, self.echo = Loop(self.frame, self.ended), Echo()
        self.drawn, self.then = 0.0, 0.0
        button = {"layout": {"width": "92px"}}
        self.run = ToggleButton(description="run", icon="play", **button)
        self.halt = Button(description="stop", icon="stop", tooltip="back to the start", **button)
        self.run.observe(at_home(self._toggled), "value")
        self.halt.on_click(at_home(self._halted))
        row = [self.run, self.halt]
        if temperature is not None:
            self.slider = slider("temperature (K)", temperature, width=330)
            self.slider.observe(at_home(self._heated), "value")
            row.append(self.slider)
        self.status = HTML()
        self.show()
        body = HBox([self.scene, self.plot.image])
        rows = [heading(title), HBox(row), body, self.status]
        super().__init__(rows, alt=alt, still=self.picture, layout={"width": "900px"})

    def frame(self) -> None:
        """Advance; move the atoms if the browser keeps up; draw the plot now and then."""
        self.simulation.advance()
        if not self.echo.ready:
            return
        self.scene.move(self.places())
        if time.perf_counter() - self.drawn > max(REDRAW, self.plot.seconds / SHARE):
            self.show()
        self.echo.ask()

    def places(self) -> np.ndarray:
        """Where the atoms are drawn (Å): a drifting molecule in sight, loose ones in their box."""
        state = self.simulation.state
        places = to_numpy(self.positions(state))
        if self.loose:
            cell = to_numpy(state.system.cell).reshape(3, 3)
            return places - np.floor(places @ np.linalg.inv(cell)) @ cell
        if self.scene.frames[0].cell.rank == 3:
            return places
        return places - places.mean(0) + self.scene.center

    def show(self) -> None:
        """Draw the plot and write the status line."""
        simulation, now = self.simulation, time.perf_counter()
        words = [f"{simulation.time / ps:.2f} ps simulated"]
        for name, values in simulation.traces.items():
            if values:
                words.append(measured(name, values[-1]))
        if self.loop.running and now > self.drawn:
            words.append(f"{(simulation.time - self.then) / ps / (now - self.drawn):.2f} ps/s")
        self.drawn, self.then = now, simulation.time
        self.plot.draw(simulation.times, simulation.traces)
        self.say(" · ".join(words))

    def say(self, words: str) -> None:
        """Write the status line."""
        self.status.value = f'<span style="font-variant-numeric:tabular-nums">{words}</span>'

    def ended(self, error: BaseException | None) -> None:
        """What the loop calls when it is over: nothing of the last frame may be missing."""
        self.scene.move(self.places())
        self.show()
        if error is not None:
            self.run.value = False
            self.say(
                f"<b>⚠ {escape(f'{type(error).__name__}: {error}')}</b>. Press stop to start again."
            )

    def picture(self) -> bytes:
        """The molecule beside the plot."""
        return beside(self.scene.still(), self.plot.png())

    def close(self) -> None:
        """Stop, and take the widget away."""
        self.loop.stop()
        self.echo.close()
        self.scene.close()
        super().close()

    def _toggled(self, _: Any) -> None:
        going = self.run.value  # now: what was pressed may have been taken back since
        self.run.description, self.run.icon = ("pause", "pause") if going else ("run", "play")
        self.drawn, self.then = time.perf_counter(), self.simulation.time
        (self.loop.start if going else self.loop.stop)()

    def _halted(self, _: Button) -> None:
        self.loop.stop()
        self.run.value = False
        self.simulation.reset()
        self.scene.move(self.places())
        self.show()

    def _heated(self, _: Any) -> None:
        self.simulation.temperature = float(self.slider.value)


def live_dynamics(
    advance: Advance,
    state: Any,
    *,
    atoms: Atoms,
    interval: float,
    temperature: Limits | None = (100, 800, 300),
    preview: int = 20,
    positions: Callable[[Any], Any] = lambda state: state.system.positions,
    observe: Mapping[str, Callable[[Any], float]] | None = None,
    title: str = "Live molecular dynamics",
    alt: str = "",
    style: str = "ball+stick",
) -> LiveDynamics:
    """Molecular dynamics to watch and to steer: run, pause, stop, and a slider for the thermostat.

        def advance(state, temperature, seed):
            step = langevin(potential, 0.5 * fs, temperature, friction=1 / ps)
            return run(step, state, 10, every=10, seed=seed).last

        live_dynamics(advance, state, atoms=atoms, interval=5 * fs)

    Args:
        advance: A pure function of state, temperature (K) and seed: the state one frame later.
        state: Where it starts, and where stop goes back to.
        atoms: The molecule as it is drawn; its positions are those of `state`.
        interval: Simulated time of a frame, in the package's unit.
        temperature: Lowest, highest and first target (K); `None` for no slider (`advance` gets 0).
        preview: Frames run at once, so that there is something to see without a kernel.
        positions: From a state to positions (Å).
        observe: Name with unit → a number of the state, each in a plot of its own; energy and
            temperature when `None`.
        title: Stands above.
        alt: What is seen, in words.
        style: As for `show3d`.
    """
    observe = {"energy (eV)": _energy, "temperature (K)": _kelvin} if observe is None else observe
    first = 0.0 if temperature is None else float(temperature[2])
    simulation = Simulation(advance, state, interval=interval, temperature=first, observe=observe)
    for _ in range(preview):
        simulation.advance()
    alt = alt or f"{describe([atoms], title=title)}, with {' and '.join(observe)} against time"
    look = {"title": title, "alt": alt, "style": style}
    return LiveDynamics(simulation, atoms, positions=positions, temperature=temperature, **look)


def _energy(state: Any) -> float:
    """Potential energy (eV)."""
    return float(to_numpy(state.energies).sum())


def _kelvin(state: Any) -> float:
    r"""Kinetic temperature, $\sum m v^2 / 3 N k_B$ (K)."""
    velocities, masses = to_numpy(state.velocities), to_numpy(state.masses).reshape(-1, 1)
    return float((masses * velocities**2).sum() / (velocities.size * kB))
