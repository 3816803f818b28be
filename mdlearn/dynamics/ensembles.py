"""Heat baths and pressure that sample the right distribution, not only the right mean.

Next: `simulate.py`, which repeats steps and keeps frames.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.integrators import (
    Noise,
    State,
    Step,
    drift,
    kick,
    not_negative,
    per_atom,
    rows_of_atoms,
    verlet,
    without_drift,
)
from mdlearn.potentials.system import Potential, evaluate
from mdlearn.units import bar, kB


def rescaling(potential: Potential, dt: float, temperature: float | Tensor, time: float) -> Step:
    r"""Stochastic velocity rescaling (NVT): Verlet, then all velocities of a system times one number.

    That number brings the kinetic energy to what a Langevin bath would have made of it,

    $$K' = \tfrac12 \sum m |\sqrt{c}\, v + \sqrt{(1 - c) k_B T / m}\; \xi|^2, \quad c = e^{-dt/\tau},$$

    so K has its canonical distribution while the directions of motion stay: diffusion and spectra
    are hardly disturbed. Multiplied out, this is Eq. A7 of the reference. A system without frozen
    atoms keeps its total momentum, which then counts for no degree of freedom.

    Args:
        potential: Energy of the system.
        dt: Time step.
        temperature: Of the bath (K); a tensor `(systems,)` for a different one each.
        time: τ, in which the bath acts, for example `0.1 * ps`.

    References:
        Bussi, Donadio & Parrinello, J. Chem. Phys. 126, 014101 (2007), doi:10.1063/1.2408420.
    """
    if time <= 0 or dt <= 0:
        raise ValueError(f"need time > 0 and dt > 0, got {time} and {dt}")
    not_negative(temperature)
    keep = float(torch.exp(torch.tensor(-dt / time, dtype=torch.float64)))
    advance = verlet(potential, dt)

    def step(state: State, noise: Noise | None = None) -> State:
        state = advance(state)
        system, mobile = state.system, state.masses.isfinite()
        masses = torch.where(mobile, state.masses, 0)
        heat = per_atom(temperature, system) * kB
        kicks = rows_of_atoms(noise, len(masses)) * (heat / state.masses.unsqueeze(1)) ** 0.5
        floats = (system.total((~mobile).to(masses)) == 0).index_select(0, system.index)
        kicks = torch.where(floats.unsqueeze(1), without_drift(system, kicks, masses), kicks)
        bathed = keep**0.5 * state.velocities + (1 - keep) ** 0.5 * kicks
        before = system.total(masses * state.velocities.square().sum(1))
        after = system.total(masses * bathed.square().sum(1))
        scale = torch.where(before > 0, (after / before).sqrt(), 1.0)
        return replace(state, velocities=state.velocities * per_atom(scale, system))

    return step


def barostat(
    potential: Potential,
    dt: float,
    temperature: float,
    friction: float,
    *,
    pressure: float,
    time: float,
    compressibility: float = 2e-4 / bar,
    shape: str = "isotropic",
) -> Step:
    r"""Langevin dynamics at constant pressure (NPT): BAOAB, with a random step of the cell in its middle.

    The cell diffuses toward the pressure asked for, with just the noise that samples
    $V^N e^{-(U + PV)/k_BT}$. Isotropic, with $\lambda = \sqrt V$ and the pressure $P_i$ inside:

    $$d\lambda = \frac{\beta\lambda}{2\tau} (P_i - P + \frac{k_BT}{2V}) dt
      + \sqrt{\frac{k_BT \beta}{2\tau}}\, dW$$

    "full" does the same with the whole cell, its angles too: for crystals. Atoms move with the cell,
    frozen ones as well. It needs the virial of the potential.

    Args:
        potential: Energy of the system.
        dt: Time step.
        temperature: K.
        friction: Of the Langevin bath, for example `1 / ps`.
        pressure: P, for example `1 * bar`.
        time: τ, in which the pressure relaxes if the compressibility is right, for example `1 * ps`.
        compressibility: β, a guess of the right order: it sets the pace, not the distribution.
        shape: "isotropic" or "full".

    References:
        Bernetti & Bussi, J. Chem. Phys. 153, 114107 (2020), doi:10.1063/5.0020514.
    """
    if shape not in ("isotropic", "full"):
        raise ValueError(f'shape is "isotropic" or "full", got {shape!r}')
    if min(dt, time, compressibility) <= 0 or friction < 0 or temperature < 0:
        raise ValueError(
            "dt, time and compressibility must be positive, friction and temperature not negative; "
            f"got {dt}, {time}, {compressibility}, {friction}, {temperature}"
        )
    keep = float(torch.exp(torch.tensor(-friction * dt, dtype=torch.float64)))
    stretch = _isotropic if shape == "isotropic" else _full
    heat, pace = kB * temperature, compressibility * dt / time

    def step(state: State, noise: Noise | None = None) -> State:
        mass, count = state.masses.unsqueeze(1), len(state.masses)
        rows = rows_of_atoms(noise, count)
        virial = state.virial
        if virial is None:
            virial = evaluate(potential, state.system, virial=True).virial
        velocities = kick(state.velocities, state.forces, mass, 0.5 * dt)
        positions = drift(state.system.positions, velocities, 0.5 * dt)
        velocities = keep * velocities + ((1 - keep**2) * heat / mass) ** 0.5 * rows
        system = state.system.at(drift(positions, velocities, 0.5 * dt))
        volumes = system.volumes()
        atoms = system.total(torch.ones_like(state.masses))
        inside = (
            virial
            + torch.eye(3, dtype=virial.dtype, device=virial.device) * (atoms * heat).view(-1, 1, 1)
        ) / (volumes.view(-1, 1, 1))
        random = noise[count:].view(system.systems, 3, 3)
        system = system.strained(stretch(inside, volumes, random, pressure, heat, pace))
        seen = evaluate(potential, system, virial=True)
        velocities = kick(velocities, seen.forces, mass, 0.5 * dt)
        return State(system, velocities, seen.forces, seen.energies, state.masses, seen.virial)

    return step


Stretch = Callable[..., Float[Tensor, "systems 3 3"]]


def _isotropic(
    inside: Float[Tensor, "systems 3 3"],
    volumes: Float[Tensor, " systems"],
    random: Float[Tensor, "systems 3 3"],
    pressure: float,
    heat: float,
    pace: float,
) -> Float[Tensor, "systems 3 3"]:
    """Strain of the volume's random step."""
    mean = inside.diagonal(dim1=1, dim2=2).mean(1)
    root = volumes.sqrt()
    push = 0.5 * pace * root * (mean - pressure + 0.5 * heat / volumes)
    after = root + push + (0.5 * heat * pace) ** 0.5 * random[:, 0, 0]
    strain = (after / root) ** (2 / 3) - 1
    return torch.eye(3, dtype=inside.dtype, device=inside.device) * strain.view(-1, 1, 1)


def _full(
    inside: Float[Tensor, "systems 3 3"],
    volumes: Float[Tensor, " systems"],
    random: Float[Tensor, "systems 3 3"],
    pressure: float,
    heat: float,
    pace: float,
) -> Float[Tensor, "systems 3 3"]:
    """Strain of the cell's random step, symmetric, so that the cell hardly turns."""
    one = torch.eye(3, dtype=inside.dtype, device=inside.device)
    push = pace / 3 * (0.5 * (inside + inside.mT) - pressure * one)
    width = (2 * heat * pace / (3 * volumes)).sqrt().view(-1, 1, 1)
    small = push + width * 0.5 * (random + random.mT)
    return small + 0.5 * small @ small + small @ small @ small / 6  # exp(small) - 1
