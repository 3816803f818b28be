"""What one measures in a simulation: temperature, pressure, diffusion, spectra.

How atoms stand to each other is in `distributions.py`, error bars of means in `statistics.py`.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.integrators import State
from mdlearn.dynamics.statistics import Mean
from mdlearn.potentials.system import Potential, evaluate
from mdlearn.units import fs, kB, speed_of_light


def kinetic(state: State) -> Float[Tensor, " systems"]:
    """Kinetic energy of each system (eV)."""
    masses = torch.where(state.masses.isfinite(), state.masses, 0)  # frozen atoms have none
    return state.system.total(0.5 * masses * state.velocities.square().sum(1))


def temperatures(state: State) -> Float[Tensor, " systems"]:
    """Kinetic temperature of each system (K), with three degrees of freedom an atom that can move."""
    freedoms = 3 * state.system.total(state.masses.isfinite().to(state.velocities))
    return 2 * kinetic(state) / (freedoms * kB)


def vibrational_spectrum(
    velocities: Float[Tensor, "frames atoms 3"], masses: Float[Tensor, " atoms"], interval: float
) -> tuple[Float[Tensor, " waves"], Float[Tensor, " waves"]]:
    r"""Vibrational density of states: the power spectrum of mass-weighted velocities.

    By the Wiener–Khinchin theorem it is the Fourier transform of the velocity autocorrelation.

    Args:
        velocities: Of every frame (Å per time unit); mean and drift should be small.
        masses: amu.
        interval: Time between frames, for example `2 * fs`.

    Returns:
        Wavenumbers (1/cm) and the density, normalized to an area of one.

    References:
        Dickey & Paskin, Phys. Rev. 188, 1407 (1969), doi:10.1103/PhysRev.188.1407.
    """
    frames = len(velocities)
    weighted = velocities * masses.sqrt().unsqueeze(1)
    window = torch.hann_window(frames, periodic=False).to(weighted)
    amplitudes = torch.fft.rfft(weighted * window.view(-1, 1, 1), dim=0)
    power = amplitudes.abs().square().sum((1, 2))
    per_length = torch.fft.rfftfreq(frames, interval) / speed_of_light  # 1/Å
    wavenumbers = (per_length * 1e8).to(power)  # 1/cm
    return wavenumbers, power / torch.trapezoid(power, wavenumbers)


def pressures(potential: Potential, state: State) -> Float[Tensor, " systems"]:
    r"""Pressure of each system (eV/Å³), $P = (2K + \mathrm{tr}\, W) / 3V$ with the virial W."""
    virial = state.virial
    if virial is None:
        virial = evaluate(potential, state.system, virial=True).virial
    trace = virial.diagonal(dim1=1, dim2=2).sum(1)
    return (2 * kinetic(state) + trace) / (3 * state.system.volumes())


def shortest_period(potential: Potential, state: State, *, tries: int = 12, seed: int = 0) -> float:
    r"""Period of the fastest vibration (time unit), by power iteration on the mass-weighted Hessian.

    Verlet is stable up to $dt = T / \pi$ and good up to about T / 10. Products with the Hessian are
    differences of forces, so any potential will do.

    Args:
        potential: Energy of the system.
        state: Where to look; only vibrations that are stiff there are seen.
        tries: Iterations.
        seed: Of the first direction.
    """
    masses = state.masses.unsqueeze(1)
    light = masses**-0.5  # zero for frozen atoms
    generator = torch.Generator(masses.device).manual_seed(seed)
    kind = {"dtype": masses.dtype, "device": masses.device}
    way = torch.randn(state.velocities.shape, generator=generator, **kind) * (light > 0)
    squared, push, place = 0.0, 1e-3, state.system.positions  # push in Å
    for _ in range(tries):
        way = way / way.norm()
        size = push / float((light * way).abs().max())
        ends = [
            evaluate(potential, state.system.at(place + sign * size * light * way)).forces
            for sign in (1, -1)
        ]
        new = light * (ends[1] - ends[0]) / (2 * size)
        squared = float((new * way).sum())
        way = new
    return float("inf") if squared <= 0 else 2 * math.pi / math.sqrt(squared)


def warn_of_step(potential: Potential, state: State, dt: float) -> str:
    """A sentence when the time step is too long for the fastest vibration; empty when it is fine."""
    period = shortest_period(potential, state)
    if dt <= period / 8:
        return ""
    fate = "the simulation will explode" if dt > period / math.pi else "energies will be rough"
    return (
        f"the time step of {dt / fs:.2g} fs is long for the fastest vibration, which has a period of "
        f"{period / fs:.2g} fs: {fate}; use {period / 10 / fs:.2g} fs or less"
    )


def mean_square_displacement(
    positions: Float[Tensor, "frames atoms 3"], *, longest: int | None = None
) -> Float[Tensor, "lags atoms"]:
    r"""$\langle |R(t_0 + t) - R(t_0)|^2 \rangle$ of each atom over all origins (Å²), for lags from zero.

    By Fourier transforms, in a time that grows as n log n. Positions must not be wrapped into the cell;
    those of this package never are.

    Args:
        positions: Å.
        longest: Lags, a count of frames; a third of them by default.

    References:
        Kneller et al., Comput. Phys. Commun. 91, 191 (1995), doi:10.1016/0010-4655(95)00048-K.
    """
    frames = len(positions)
    longest = longest or max(2, frames // 3)
    place = (positions - positions.mean(0)).double()
    same = _correlate(place, longest)
    squares = place.square().sum(2)  # (frames, atoms)
    before = torch.cat([torch.zeros_like(squares[:1]), squares.cumsum(0)])
    lags = torch.arange(longest, device=positions.device)
    early = before[frames - lags]  # sum of squares of the first frames − lag
    late = before[frames] - before[lags]
    count = (frames - lags).unsqueeze(1)
    return (early + late) / count - 2 * same


def diffusion(
    positions: Float[Tensor, "frames atoms 3"], interval: float, *, start: float, end: float
) -> Mean:
    r"""Diffusion constant (Å² per time unit), the slope of the mean square displacement over six.

    The error comes from five groups of atoms, which is a little too small: atoms push each other.

    Args:
        positions: Not wrapped (Å).
        interval: Time between frames.
        start: Where the line begins, after the ballistic time.
        end: Where it ends, well below the length of the run.
    """
    first, last = round(start / interval), round(end / interval)
    if not 0 <= first < last < len(positions):
        raise ValueError(
            f"the line from {start} to {end} does not fit into {len(positions)} frames of {interval}"
        )
    curve = mean_square_displacement(positions, longest=last + 1)[first : last + 1]
    time = interval * torch.arange(first, last + 1, dtype=torch.float64)
    time = time - time.mean()
    slopes = (time @ curve.to(time)) / time.square().sum() / 6  # (atoms,)
    groups = torch.stack([part.mean() for part in slopes.tensor_split(5)])
    return Mean(float(slopes.mean()), float(groups.std() / 5**0.5), 5)


def velocity_autocorrelation(
    velocities: Float[Tensor, "frames atoms 3"], *, longest: int
) -> Float[Tensor, " lags"]:
    r"""$\langle v(t_0) \cdot v(t_0 + t) \rangle$ over atoms and origins, one at lag zero."""
    curve = _correlate(velocities.double(), longest).mean(1)
    return curve / curve[0]


def _correlate(
    series: Float[Tensor, "frames atoms 3"], longest: int
) -> Float[Tensor, "lags atoms"]:
    """Mean over origins of the dot product with itself, some frames later."""
    frames = len(series)
    waves = torch.fft.rfft(series, 2 * frames, dim=0)
    sums = torch.fft.irfft(waves.abs().square(), 2 * frames, dim=0)[:longest].sum(2)
    return sums / (frames - torch.arange(longest, device=series.device)).unsqueeze(1)
