"""Chapter 21, integrators and conservation: liquids to start from, two thermostats that lie, exercises."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from math import isclose, log

import numpy as np
from ase import Atoms
from ase.build import bulk

from mdlearn.dynamics.integrators import Step, verlet
from mdlearn.dynamics.observables import temperatures
from mdlearn.lesson import Exercise, Wrong
from mdlearn.potentials.system import Potential
from mdlearn.units import kB

# Reduced density → reduced energy per atom and pressure of the Lennard-Jones fluid at T* = 0.90, from
# the NIST Standard Reference Simulation Website, doi:10.18434/T4M88Q, as public code quotes them.
NIST = {0.776: (-5.4689, 0.24056), 0.82: (-5.7456, 0.82386), 0.86: (-5.9753, 1.5781)}


@dataclass(frozen=True)
class Numbers:
    """What a run measured, with error bars, a line each; the plain text has the names alone.

    Attributes:
        rows: Name → value and its standard error.
        unit: Of all of them.
        digits: After the point.
    """

    rows: dict[str, tuple[float, float]]
    unit: str = ""
    digits: int = 1

    def __repr__(self) -> str:
        return f"measured{' in ' + self.unit if self.unit else ''}: {', '.join(self.rows)}"

    def _repr_html_(self) -> str:
        digits = (
            self.digits
        )  # the notebook tests mask the span: the last digits differ between machines
        return "<br>".join(
            f'{escape(name)}: <span class="measured">{value:.{digits}f} ± {error:.{digits}f}</span>'
            f" {escape(self.unit)}"
            for name, (value, error) in self.rows.items()
        )


def liquid(repeat: int, density: float, *, seed: int = 0, size: float = 0.1) -> Atoms:
    """Argon atoms on a shaken lattice of 4 repeat³ sites, to be melted.

    Args:
        repeat: Lattice cells along each side.
        density: Atoms per Å³.
        seed: Of the shaking.
        size: Of the shaking (Å).
    """
    atoms = bulk("Ar", "fcc", a=(4 / density) ** (1 / 3), cubic=True) * ((repeat,) * 3)
    atoms.positions += np.random.default_rng(seed).normal(0, size, atoms.positions.shape)
    return atoms


def weak_coupling(potential: Potential, dt: float, temperature: float, time: float) -> Step:
    """Berendsen's thermostat: pull the temperature a little toward the wanted one after each step."""
    advance = verlet(potential, dt)

    def step(state, noise=None):
        state = advance(state)
        pull = 1 + dt / time * (temperature / temperatures(state) - 1)
        return replace(state, velocities=state.velocities * pull[state.system.index, None] ** 0.5)

    return step


def hard_scaling(potential: Potential, dt: float, temperature: float) -> Step:
    """The crudest thermostat: scale velocities to exactly the wanted temperature after each step."""
    advance = verlet(potential, dt)

    def step(state, noise=None):
        state = advance(state)
        scale = (temperature / temperatures(state)) ** 0.5
        return replace(state, velocities=state.velocities * scale[state.system.index, None])

    return step


def order(answer: Callable[[list[float], list[float]], float]) -> str:
    """A function: the order of a method from errors at several time steps."""
    for steps, power, front in (([0.1, 0.2, 0.4], 2.0, 3.0), ([1.0, 3.0], 4.0, 0.1)):
        errors = [front * step**power for step in steps]
        got = float(answer(steps, errors))
        if isclose(got, 1 / power, rel_tol=1e-3):
            raise Wrong("upside down: the error is on the vertical axis, the time step below")
        if isclose(got, power * log(10), rel_tol=1e-3) or isclose(
            got, power / log(10), rel_tol=1e-3
        ):
            raise Wrong("one logarithm is natural and the other is not; take the same for both")
        if not isclose(got, power, rel_tol=1e-3):
            raise Wrong(
                f"errors of {front} dt^{power:g} must give {power:g}, yours gives {got:.3g}: "
                "it is the slope of log(error) against log(dt)"
            )
    return "the slope in a log–log plot, whatever the factor in front"


def spread(answer: Callable[[int, float], tuple[float, float]]) -> str:
    """A function: mean and standard deviation of the kinetic energy of free atoms at a temperature."""
    for atoms, kelvin in ((108, 94.4), (2, 300.0)):
        got = answer(atoms, kelvin)
        if len(got) != 2:
            raise Wrong(f"two numbers are asked, mean and standard deviation; got {len(got)}")
        freedoms, heat = 3 * atoms - 3, kB * kelvin
        mean, deviation = 0.5 * freedoms * heat, (0.5 * freedoms) ** 0.5 * heat
        if isclose(got[0], 1.5 * atoms * heat, rel_tol=1e-6):
            raise Wrong(
                "the total momentum is zero and stays so: that takes three degrees of freedom"
            )
        if isclose(got[1], deviation**2, rel_tol=1e-6):
            raise Wrong("the mean is right; that is the variance, take its root")
        if isclose(got[1], (0.5 * freedoms * heat) ** 0.5, rel_tol=1e-6):
            raise Wrong("the unit of your deviation is √eV: the variance is (f/2)·(kT)²")
        if not isclose(got[0], mean, rel_tol=1e-6):
            raise Wrong(
                f"each degree of freedom has ½ kT; for {atoms} atoms that makes {mean:.4g} eV"
            )
        if not isclose(got[1], deviation, rel_tol=1e-6):
            raise Wrong(
                "each degree of freedom adds ½ (kT)² to the variance; take the root of the sum"
            )
    return "a thermostat must give both; the second is what the liars miss"


def leap(answer: Callable[..., tuple[float, float]]) -> str:
    """A step of velocity Verlet for one particle of mass one."""
    drift, reach = [], []
    for dt in (0.1, 0.05):
        x, v = 1.0, 0.0
        worst = 0.0
        for _ in range(round(20 / dt)):
            x, v = answer(x, v, lambda place: -place, dt)
            worst = max(worst, abs(0.5 * v * v + 0.5 * x * x - 0.5))
        drift.append(worst)
        reach.append(abs(x - np.cos(20.0)))
    if drift[0] > 0.5:
        raise Wrong(
            "the energy grows and grows: that is Euler's step, which uses the force before the move "
            "only; kick half, drift, ask for the new force, kick half"
        )
    if drift[0] > 0.02:
        raise Wrong(
            "the energy error is of first order in dt; is the second half kick made with the force "
            "at the new place, and are both kicks half?"
        )
    ratio, x, v = drift[0] / drift[1], 0.3, 0.7
    if not 3.7 < ratio < 4.3:
        raise Wrong(f"half the step gives 1/{ratio:.1f} of the error; Verlet's gives 1/4")
    for dt in (0.2, -0.2):
        x, v = answer(x, v, lambda place: -(place**3), dt)
    if not (isclose(x, 0.3, abs_tol=1e-12) and isclose(v, 0.7, abs_tol=1e-12)):
        raise Wrong("a step forward and a step backward in time do not come home")
    if reach[0] > 0.05:
        raise Wrong(
            "energy is kept but the particle is at the wrong place: check the drift, x + dt v"
        )
    return "second order, and backward in time it comes home"


EXERCISES = {
    "21.1": Exercise(
        order,
        (
            "Halve the time step: by which factor does the error fall if the order is p?",
            "error = c · dt^p, so log(error) = log(c) + p log(dt).",
            "`np.polyfit(np.log(steps), np.log(errors), 1)[0]`",
        ),
    ),
    "21.2": Exercise(
        spread,
        (
            "Which degrees of freedom has a thermostat no right to, if the box as a whole stands still?",
            "How many independent velocity components are there, if the three sums of momenta are zero?",
            "With f = 3N − 3: mean f kT / 2, standard deviation √(f / 2) kT.",
        ),
    ),
    "21.3": Exercise(
        leap,
        (
            "Second order comes from symmetry: the step must look the same backward.",
            "Three lines: half a kick with the force here, a drift, half a kick with the force there.",
            "`v += dt / 2 * force(x)`, `x += dt * v`, `v += dt / 2 * force(x)`; mass is one.",
        ),
    ),
}
