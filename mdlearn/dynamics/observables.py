"""What one measures in a simulation: temperature, spectra. Arrays in, numbers out; no model."""

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.integrators import State
from mdlearn.units import kB, speed_of_light


def kinetic(state: State) -> Float[Tensor, " systems"]:
    """Kinetic energy of each system (eV)."""
    return state.system.total(0.5 * state.masses * state.velocities.square().sum(1))


def temperatures(state: State) -> Float[Tensor, " systems"]:
    """Kinetic temperature of each system (K), with three degrees of freedom an atom."""
    freedoms = 3 * state.system.total(torch.ones_like(state.masses))
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
