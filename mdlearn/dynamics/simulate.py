"""Repeat a step of dynamics, keep frames, and stop when the simulation explodes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.integrators import State, Step
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.observables import kinetic, temperatures
from mdlearn.potentials.committee import Committee
from mdlearn.potentials.neighbors import refresh

EXPLODED = 200.0  # eV/Å; a hot covalent bond pulls with 20


@dataclass(frozen=True)
class Trajectory:
    """Frames of a simulation.

    Attributes:
        positions: Å.
        velocities: Å per time unit.
        energies: Potential energy of each system (eV).
        kinetic: Kinetic energy of each system (eV).
        temperatures: Of each system (K), from the kinetic energy.
        volumes: Of each cell (Å³), `None` without cells.
        every: Steps between frames.
        stopped: Why a stop rule ended the run early; empty when none did.
        last: The state after the last step, to go on from.
    """

    positions: Float[Tensor, "frames atoms 3"]
    velocities: Float[Tensor, "frames atoms 3"]
    energies: Float[Tensor, "frames systems"]
    kinetic: Float[Tensor, "frames systems"]
    temperatures: Float[Tensor, "frames systems"]
    volumes: Float[Tensor, "frames systems"] | None
    every: int
    last: State
    stopped: str = ""


def run(
    step: Step,
    state: State,
    steps: int,
    *,
    every: int = 10,
    seed: int | Sequence[int] = 0,
    stop: Callable[[State], str] | None = None,
    report: Callable[[str], None] | None = None,
) -> Trajectory:
    """Repeat a step and keep frames in memory; `record.py` writes long runs to files.

    Args:
        step: From `integrators`.
        state: Where to start.
        steps: How many steps.
        every: Keep a frame after this many.
        seed: Of the noise; several, one for each system, so that a replica in a batch does what it
            does alone.
        stop: Looks at each frame; a sentence ends the run, for example that of `alarm`.
        report: Told ten times on the way.

    Raises:
        FloatingPointError: The simulation exploded: names step, atom and force.
    """
    if steps < every:
        raise ValueError(f"{steps} steps with a frame every {every} keep no frame; run longer")
    frames: list[State] = []
    why = ""
    guard(state, 0)
    for number, now in walk(step, state, steps, Source(state.system, seed)):
        if number % every == 0:
            guard(now, number)
            frames.append(now)
            why = stop(now) if stop else ""
            if why:
                break
        if report and number % max(1, steps // 10) == 0:
            report(f"{number}/{steps} steps, {float(temperatures(now).mean()):.0f} K")
    periodic = state.system.cell is not None
    return Trajectory(
        positions=torch.stack([frame.system.positions for frame in frames]),
        velocities=torch.stack([frame.velocities for frame in frames]),
        energies=torch.stack([frame.energies for frame in frames]),
        kinetic=torch.stack([kinetic(frame) for frame in frames]),
        temperatures=torch.stack([temperatures(frame) for frame in frames]),
        volumes=torch.stack([frame.system.volumes() for frame in frames]) if periodic else None,
        every=every,
        last=now,
        stopped=why,
    )


def walk(step: Step, state: State, steps: int, noise: Source) -> Iterator[tuple[int, State]]:
    """The number of each step and the state after it: refresh the neighbor table, step, again."""
    for number in range(1, steps + 1):
        state = step(replace(state, system=refresh(state.system)), noise.next())
        yield number, state


def guard(state: State, number: int) -> None:
    """Raise when a force is no longer one of a molecule.

    Raises:
        FloatingPointError: Names step, atom and force.
    """
    size = state.forces.norm(dim=1)
    if not bool((size < EXPLODED).all()):
        atom = int((~(size < EXPLODED)).int().argmax())
        cure = "use a shorter time step, or a potential that was trained on such geometries"
        if number == 0:
            cure = "do atoms lie on top of each other? Move them apart, or relax them with minimize"
        raise FloatingPointError(
            f"the simulation exploded by step {number}: atom {atom} feels {float(size[atom]):.3g} eV/Å; {cure}"
        )


def alarm(committee: Committee, limit: float) -> Callable[[State], str]:
    """A stop rule: the members of a committee disagree about a force by more than `limit` (eV/Å)."""

    def stop(state: State) -> str:
        spread = committee.spread(state.system)[1]
        atom = int(spread.argmax())
        if float(spread[atom]) <= limit:
            return ""
        return f"the committee disagrees by {float(spread[atom]):.2g} eV/Å on atom {atom}"

    return stop
