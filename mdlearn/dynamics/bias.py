"""Pushing a simulation where it would not go by itself: umbrellas, and hills that fill a valley.

A bias is a potential of a collective variable; add it to the molecule's with `Sum`. What it did is
undone in `free_energy.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.distributions import torsions
from mdlearn.dynamics.integrators import State, Step
from mdlearn.dynamics.simulate import run
from mdlearn.potentials.system import Potential, System, evaluate
from mdlearn.potentials.terms import Sum
from mdlearn.units import kB

Variable = Callable[[System], Float[Tensor, " systems"]]


def torsion(a: int, b: int, c: int, d: int) -> Variable:
    """A dihedral angle (rad) of four atoms, numbered within each system; all systems have equal size."""
    return lambda system: torsions(_each(system), torch.tensor([[a, b, c, d]]))[:, 0]


def distance(a: int, b: int) -> Variable:
    """The distance of two atoms (Å), numbered within each system."""

    def value(system: System) -> Float[Tensor, " systems"]:
        places = _each(system)
        return (places[:, b] - places[:, a]).norm(dim=1)

    return value


def transfer(donor: int, moving: int, acceptor: int) -> Variable:
    """How far an atom has gone from a donor to an acceptor: difference of its two distances (Å)."""
    from_donor, from_acceptor = distance(donor, moving), distance(acceptor, moving)
    return lambda system: from_donor(system) - from_acceptor(system)


def wrap(difference: Float[Tensor, "..."], period: float | None) -> Float[Tensor, "..."]:
    """A difference of a periodic variable, by the shorter way around."""
    if period is None:
        return difference
    return difference - period * torch.round(difference / period)


@dataclass(frozen=True)
class Umbrella:
    r"""A spring on a collective variable, $\tfrac12 k (\xi - \xi_0)^2$, for each system its own center.

    Attributes:
        variable: ξ of each system.
        centers: ξ₀ of each system.
        stiffness: k (eV per unit of ξ squared).
        period: Of the variable, 2π for an angle; `None` otherwise.
    """

    variable: Variable
    centers: Float[Tensor, " systems"]
    stiffness: float
    period: float | None = None

    def at(self, values: Float[Tensor, "*values"], center: Float[Tensor, "..."]) -> Tensor:
        """Energy of the spring at values of the variable (eV)."""
        return 0.5 * self.stiffness * wrap(values - center, self.period) ** 2

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        return self.at(self.variable(system), self.centers)


@dataclass(frozen=True)
class Windows:
    """What umbrella sampling saw.

    Attributes:
        values: Of the variable; a row for each frame, a column for each window.
        umbrella: The springs.
        temperature: K.
        last: The state at the end.
    """

    values: Float[Tensor, "frames systems"]
    umbrella: Umbrella
    temperature: float
    last: State


def umbrella_sampling(
    potential: Potential,
    make: Callable[[Potential], Step],
    state: State,
    umbrella: Umbrella,
    temperature: float,
    *,
    steps: int,
    every: int = 10,
    settle: int = 0,
    seed: int = 0,
) -> Windows:
    """One window in each system of a batch, all at once.

    Args:
        potential: Of the molecule.
        make: From a potential to a step, say `lambda p: langevin(p, dt, temperature, friction)`.
        state: As many copies of the molecule as the umbrella has centers, each near its own.
        umbrella: The springs.
        temperature: Of the bath (K).
        steps: Steps that are measured.
        every: Measure after this many.
        settle: Steps before.
        seed: Of the noise.
    """
    if len(umbrella.centers) != state.system.systems:
        raise ValueError(f"{len(umbrella.centers)} centers for {state.system.systems} systems")
    both = Sum([potential, umbrella])
    step = make(both)
    seen = evaluate(both, state.system)
    state = replace(state, forces=seen.forces, energies=seen.energies)
    if settle:
        state = run(step, state, settle, every=settle, seed=seed + 1).last
    path = run(step, state, steps, every=every, seed=seed)
    values = [umbrella.variable(state.system.at(place)) for place in path.positions]
    return Windows(torch.stack(values).detach(), umbrella, temperature, path.last)


@dataclass(frozen=True)
class Hills:
    """Gaussians on a collective variable; the bias of all systems (walkers) is common.

    Attributes:
        variable: ξ of each system.
        centers: Where hills stand.
        heights: eV.
        width: In units of ξ.
        period: Of the variable; `None` for none.
    """

    variable: Variable
    centers: Float[Tensor, " hills"]
    heights: Float[Tensor, " hills"]
    width: float
    period: float | None = None

    def at(self, values: Float[Tensor, " values"]) -> Float[Tensor, " values"]:
        """The bias at values of the variable (eV)."""
        far = wrap(values.unsqueeze(1) - self.centers, self.period) / self.width
        return ((-0.5 * far * far).exp() * self.heights).sum(1)

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Bias of each system (eV)."""
        return self.at(self.variable(system))


def metadynamics(
    potential: Potential,
    make: Callable[[Potential], Step],
    state: State,
    variable: Variable,
    temperature: float,
    *,
    rounds: int,
    steps: int = 50,
    height: float = 0.02,
    width: float = 0.2,
    factor: float = 8.0,
    period: float | None = 2 * pi,
    seed: int = 0,
    watch: Callable[[int, Hills], None] | None = None,
) -> tuple[Hills, Float[Tensor, "rounds systems"]]:
    r"""Well-tempered metadynamics with many walkers: each leaves a hill where it is, smaller where hills are.

    A hill has the height $h\, e^{-V/(\gamma - 1) k_B T}$, so V goes to $-(1 - 1/\gamma) F$.

    Args:
        potential: Of the molecule.
        make: From a potential to a step.
        state: A batch of walkers; one is enough.
        variable: What is pushed.
        temperature: T of the bath (K).
        rounds: Hills of each walker.
        steps: Steps between two hills.
        height: h of the first hills (eV).
        width: Of a hill, in units of the variable.
        factor: γ, by which the barriers seem lower.
        period: Of the variable; `None` for none.
        seed: Of the noise.
        watch: Called after each round.

    Returns:
        The hills, and the variable of each walker at each round.

    References:
        Barducci, Bussi & Parrinello, Phys. Rev. Lett. 100, 020603 (2008),
        doi:10.1103/PhysRevLett.100.020603.
    """
    if factor <= 1:
        raise ValueError(f"the factor must be above 1, got {factor}")
    empty = state.energies.new_zeros(0)
    hills, path = Hills(variable, empty, empty, width, period), []
    soft = (factor - 1) * kB * temperature
    for number in range(rounds):
        both = Sum([potential, hills])
        seen = evaluate(both, state.system)
        state = replace(state, forces=seen.forces, energies=seen.energies)
        state = run(make(both), state, steps, every=steps, seed=seed + number).last
        here = variable(state.system).detach()
        new = height * torch.exp(-hills.at(here) / soft)
        hills = replace(
            hills,
            centers=torch.cat([hills.centers, here]),
            heights=torch.cat([hills.heights, new]),
        )
        path.append(here)
        if watch:
            watch(number, hills)
    return hills, torch.stack(path)


def _each(system: System) -> Float[Tensor, "systems atoms 3"]:
    atoms = len(system.numbers)
    if atoms % system.systems:
        raise ValueError("a collective variable needs systems of equal size in a batch")
    return system.positions.view(system.systems, -1, 3)
