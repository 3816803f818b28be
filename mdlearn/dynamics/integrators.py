"""One step of molecular dynamics: a pure function from state to state, for one system or many at once.

A step never asks the device for a value: random numbers come in, and the neighbor table comes with the
system. Next: `ensembles.py` for constant pressure, `simulate.py`, which repeats steps and keeps frames.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from ase.data import atomic_masses
from jaxtyping import Float
from torch import Tensor

from mdlearn.potentials.neighbors import table
from mdlearn.potentials.system import Potential, System, evaluate
from mdlearn.units import kB


@dataclass(frozen=True)
class State:
    """Everything a step needs.

    Attributes:
        system: Atoms, positions and neighbor table.
        velocities: Å per time unit.
        forces: At these positions (eV/Å).
        energies: Potential energy of each system (eV).
        masses: Of each atom (amu); infinite for an atom that is frozen.
        virial: At these positions (eV), where a barostat needs it.
    """

    system: System
    velocities: Float[Tensor, "atoms 3"]
    forces: Float[Tensor, "atoms 3"]
    energies: Float[Tensor, " systems"]
    masses: Float[Tensor, " atoms"]
    virial: Float[Tensor, "systems 3 3"] | None = None


Noise = Float[Tensor, "rows 3"]  # normal numbers: a row for each atom, then three for each system
Step = Callable[..., State]  # step(state, noise=None)


def start(
    potential: Potential,
    system: System,
    *,
    temperature: float | Tensor,
    seed: int | Sequence[int] = 0,
    skin: float = 1.0,
    frozen: Sequence[int] = (),
) -> State:
    """A state with random velocities of the given temperature (K), the total momentum zero.

    Args:
        potential: Has a `cutoff`, for the neighbor table.
        system: Where the atoms are.
        temperature: Of the Maxwell–Boltzmann distribution (K); a tensor `(systems,)` for one each.
        seed: Of the velocities; several, one for each system, so that a system gets in a batch what
            it gets alone.
        skin: Keep the neighbor table until an atom has moved half of this (Å).
        frozen: Atoms that never move: their mass is infinite. The others then keep their momentum.

    Raises:
        ValueError: A temperature below zero, or atoms that are not there.
    """
    bath = not_negative(temperature).to(system.positions)
    getattr(potential, "check", lambda numbers: None)(system.numbers)
    system = table(
        system, potential.cutoff, skin=skin, half=getattr(potential, "pairs_once", False)
    )
    masses = torch.as_tensor(atomic_masses).to(system.positions)[system.numbers]
    if len(frozen):
        masses[torch.as_tensor(frozen, device=masses.device)] = torch.inf
    bath = bath.expand(system.systems)[system.index]
    velocities = _random(system, seed) * (kB * bath / masses).sqrt().unsqueeze(1)
    if not len(frozen):
        velocities = without_drift(system, velocities, masses)
    seen = evaluate(potential, system)
    return State(system, velocities, seen.forces, seen.energies, masses)


def not_negative(temperature: float | Tensor) -> Tensor:
    """The temperature as a tensor.

    Raises:
        ValueError: It is below zero.
    """
    bath = torch.as_tensor(temperature)
    if not bool((bath >= 0).all()):
        raise ValueError(f"temperature must not be negative, got {temperature} K")
    return bath


def _random(system: System, seed: int | Sequence[int]) -> Float[Tensor, "atoms 3"]:
    """Normal numbers for all atoms, from one seed or from one for each system."""
    like, sizes = system.positions, [len(system.numbers)]
    if not isinstance(seed, int):
        sizes = torch.bincount(system.index, minlength=system.systems).tolist()
    seeds = [seed] if isinstance(seed, int) else seed
    parts = []
    for size, one in zip(sizes, seeds, strict=True):
        generator = torch.Generator(like.device).manual_seed(one)
        kind = {"dtype": like.dtype, "device": like.device}
        parts.append(torch.randn((size, 3), generator=generator, **kind))
    return torch.cat(parts)


def without_drift(
    system: System, velocities: Float[Tensor, "atoms 3"], masses: Float[Tensor, " atoms"]
) -> Float[Tensor, "atoms 3"]:
    """Velocities less that of the center of mass of each system."""
    momenta = masses.new_zeros(system.systems, 3)
    momenta = momenta.index_add(0, system.index, velocities * masses.unsqueeze(1))
    drift = momenta / system.total(masses).unsqueeze(1)
    return velocities - drift.index_select(0, system.index)


def with_masses(state: State, masses: Mapping[int, float]) -> State:
    r"""The state with other masses of some elements, velocities scaled by $\sqrt{m / m'}$ to stay as warm.

    Masses change how fast atoms move, but no average over where they are: hydrogen four times as
    heavy gives the same free energies with a time step twice as long.

    Args:
        state: Where the atoms are.
        masses: New mass of each element (amu), by atomic number.

    References:
        Feenstra et al., J. Comput. Chem. 20, 786 (1999),
        doi:10.1002/(SICI)1096-987X(199906)20:8<786::AID-JCC5>3.0.CO;2-B.
    """
    new = state.masses
    for number, mass in masses.items():
        new = torch.where(state.system.numbers == number, mass, new)
    scale = (state.masses / new).sqrt().unsqueeze(1)
    return replace(state, masses=new, velocities=state.velocities * scale)


def kick(
    velocities: Float[Tensor, "atoms 3"],
    forces: Float[Tensor, "atoms 3"],
    mass: Float[Tensor, "atoms 1"],
    time: float,
) -> Float[Tensor, "atoms 3"]:
    """Velocities (Å per time unit) after forces (eV/Å) have pulled for a time: v + t F / m, in one pass."""
    return torch.addcdiv(velocities, forces, mass, value=time)


def drift(
    positions: Float[Tensor, "atoms 3"], velocities: Float[Tensor, "atoms 3"], time: float
) -> Float[Tensor, "atoms 3"]:
    """Positions (Å) after a time of flight: R + t v, in one pass."""
    return torch.add(positions, velocities, alpha=time)


def verlet(potential: Potential, dt: float) -> Step:
    r"""Velocity Verlet: constant energy (NVE), time-reversible, error ∝ dt².

    $$v \leftarrow v + \tfrac{dt}{2} F/m, \quad R \leftarrow R + dt\, v, \quad
    v \leftarrow v + \tfrac{dt}{2} F/m$$

    Args:
        potential: Energy of the system.
        dt: Time step, for example `0.5 * fs`.

    References:
        Swope et al., J. Chem. Phys. 76, 637 (1982), doi:10.1063/1.442716.
    """

    def step(state: State, noise: Noise | None = None) -> State:
        mass = state.masses.unsqueeze(1)
        velocities = kick(state.velocities, state.forces, mass, 0.5 * dt)
        system = state.system.at(drift(state.system.positions, velocities, dt))
        seen = evaluate(potential, system)
        velocities = kick(velocities, seen.forces, mass, 0.5 * dt)
        return State(system, velocities, seen.forces, seen.energies, state.masses)

    return step


def langevin(potential: Potential, dt: float, temperature: float | Tensor, friction: float) -> Step:
    r"""Langevin dynamics (NVT) by the BAOAB splitting: kick, drift, bath, drift, kick.

    The bath step is $v \leftarrow c v + \sqrt{(1 - c^2) k_B T / m}\; \xi$ with $c = e^{-\gamma dt}$.
    It samples positions at temperature T with an error ∝ dt² that is small for every friction.

    Args:
        potential: Energy of the system.
        dt: Time step, for example `0.5 * fs`.
        temperature: Of the bath (K); a tensor `(systems,)` for a different one each.
        friction: γ, for example `1 / ps`.

    References:
        Leimkuhler & Matthews, Appl. Math. Res. Express 2013, 34, doi:10.1093/amrx/abs010.
    """
    if friction < 0 or dt <= 0:
        raise ValueError(f"need friction ≥ 0 and dt > 0, got {friction} and {dt}")
    not_negative(temperature)
    keep = float(torch.exp(torch.tensor(-friction * dt, dtype=torch.float64)))

    def step(state: State, noise: Noise | None = None) -> State:
        mass = state.masses.unsqueeze(1)
        bath = per_atom(temperature, state.system)
        noise = rows_of_atoms(noise, len(mass))
        velocities = kick(state.velocities, state.forces, mass, 0.5 * dt)
        positions = drift(state.system.positions, velocities, 0.5 * dt)
        velocities = keep * velocities + ((1 - keep**2) * kB * bath / mass) ** 0.5 * noise
        system = state.system.at(drift(positions, velocities, 0.5 * dt))
        seen = evaluate(potential, system)
        velocities = kick(velocities, seen.forces, mass, 0.5 * dt)
        return State(system, velocities, seen.forces, seen.energies, state.masses)

    return step


def per_atom(value: float | Tensor, system: System) -> float | Float[Tensor, "atoms 1"]:
    """A number, or numbers of systems as a column of their atoms."""
    if isinstance(value, Tensor) and value.dim():
        return value.index_select(0, system.index).unsqueeze(1)
    return value


def rows_of_atoms(noise: Noise | None, count: int) -> Float[Tensor, "atoms 3"]:
    """The part of the noise that is for atoms.

    Raises:
        ValueError: No noise came.
    """
    if noise is None:
        raise ValueError(
            "this step needs noise: step(state, torch.randn(...)), or use simulate.run"
        )
    return noise[:count]
