"""One step of molecular dynamics: a pure function from state to state, for one system or many at once.

Next: `simulate.py`, which repeats it and keeps frames.
"""

from collections.abc import Callable
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
        masses: Of each atom (amu).
    """

    system: System
    velocities: Float[Tensor, "atoms 3"]
    forces: Float[Tensor, "atoms 3"]
    energies: Float[Tensor, " systems"]
    masses: Float[Tensor, " atoms"]


Step = Callable[..., State]  # step(state, noise=None)


def start(
    potential: Potential, system: System, *, temperature: float, seed: int = 0, skin: float = 1.0
) -> State:
    """A state with random velocities of the given temperature (K), its total momentum zero.

    Args:
        potential: Has a `cutoff`, for the neighbor table.
        system: Where the atoms are.
        temperature: Of the Maxwell–Boltzmann distribution (K).
        seed: Of the velocities.
        skin: Keep the neighbor table until an atom has moved half of this (Å).
    """
    if temperature < 0:
        raise ValueError(f"temperature must not be negative, got {temperature} K")
    getattr(potential, "check", lambda numbers: None)(system.numbers)
    system = table(system, potential.cutoff, skin=skin)
    masses = torch.as_tensor(atomic_masses).to(system.positions)[system.numbers]
    generator = torch.Generator(system.positions.device).manual_seed(seed)
    noise = torch.randn(
        system.positions.shape, generator=generator, dtype=masses.dtype, device=masses.device
    )
    velocities = noise * (kB * temperature / masses).sqrt().unsqueeze(1)
    momenta = masses.new_zeros(system.systems, 3)
    momenta = momenta.index_add(0, system.index, velocities * masses.unsqueeze(1))
    velocities = velocities - (momenta / system.total(masses).unsqueeze(1))[system.index]
    seen = evaluate(potential, system)
    return State(system, velocities, seen.forces, seen.energies, masses)


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

    def step(state: State, noise: Float[Tensor, "atoms 3"] | None = None) -> State:
        mass = state.masses.unsqueeze(1)
        velocities = state.velocities + 0.5 * dt * state.forces / mass
        system = state.system.at(state.system.positions + dt * velocities)
        seen = evaluate(potential, system)
        velocities = velocities + 0.5 * dt * seen.forces / mass
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
    keep = float(torch.exp(torch.tensor(-friction * dt, dtype=torch.float64)))

    def step(state: State, noise: Float[Tensor, "atoms 3"] | None = None) -> State:
        if noise is None:
            raise ValueError(
                "langevin needs noise: step(state, torch.randn(...)), or use simulate.run"
            )
        mass = state.masses.unsqueeze(1)
        bath = temperature
        if isinstance(bath, Tensor):
            bath = bath[state.system.index].unsqueeze(1)
        velocities = state.velocities + 0.5 * dt * state.forces / mass
        positions = state.system.positions + 0.5 * dt * velocities
        velocities = keep * velocities + ((1 - keep**2) * kB * bath / mass) ** 0.5 * noise
        system = state.system.at(positions + 0.5 * dt * velocities)
        seen = evaluate(potential, system)
        velocities = velocities + 0.5 * dt * seen.forces / mass
        return replace(
            state, system=system, velocities=velocities, forces=seen.forces, energies=seen.energies
        )

    return step
