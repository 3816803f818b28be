"""Chapter 24, learning from experiment: measured argon, runs at constant pressure, exercises."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isclose
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mdlearn.dynamics.ensembles import barostat
from mdlearn.dynamics.integrators import State, langevin, start
from mdlearn.dynamics.simulate import run
from mdlearn.lesson import Exercise, Wrong
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials.system import Potential, from_atoms
from mdlearn.units import bar, fs, gram_per_cm3, kB, kJ_per_mol, ps

MASS = 39.948  # amu
PRESSURE = 10 * bar
FILE = Path(__file__).parents[1] / "data/files/argon.json"


def measured() -> dict[float, dict[str, float]]:
    """Temperature (K) → measured properties of the liquid at 10 bar, from the file that ships."""
    return {row["temperature (K)"]: row for row in json.loads(FILE.read_text())["rows"]}


@dataclass(frozen=True)
class Frames:
    """What is needed of the frames of a run to weight them anew.

    Attributes:
        counts: Pairs at each distance; a row for each frame.
        energies: Potential energy of a box (eV).
        volumes: Of the box (Å³).
        temperature: K.
        last: The state at the end.
    """

    counts: Tensor
    energies: Tensor
    volumes: Tensor
    temperature: float
    last: State


def melt(potential: Potential, temperature: float, *, replicas: int, seed: int = 0) -> State:
    """Boxes of 108 atoms: a lattice melted in great heat, for a half-molten box would freeze again."""
    boxes = [liquid(3, 0.0205, seed=seed + k) for k in range(replicas)]
    system = from_atoms(boxes, dtype=torch.float32)
    state = start(potential, system, temperature=6 * temperature, seed=seed, skin=0.8)
    hot = langevin(potential, 5 * fs, 3 * temperature, 2 / ps)  # in a fixed box, which cannot boil
    state = run(hot, state, 400, every=400, seed=seed).last
    return run(_step(potential, temperature), state, 200, every=200, seed=seed + 1).last


def sample(
    potential: Potential,
    state: State,
    temperature: float,
    edges: Tensor,
    *,
    steps: int,
    seed: int = 0,
) -> Frames:
    """Run boxes at constant pressure, 3 ps to settle, then keep histograms of distances every ten steps."""
    state = start(potential, state.system, temperature=temperature, seed=seed, skin=0.8)
    step = _step(potential, temperature)
    state = run(step, state, 300, every=300, seed=seed + 1).last
    counts, energies, volumes = [], [], []
    for part in range(steps // 10):
        state = run(step, state, 10, every=10, seed=1000 * seed + part).last
        counts.append(histograms(state, edges))
        energies.append(state.energies.double())
        volumes.append(state.system.volumes().double())
    flat = (torch.cat(counts), torch.cat(energies), torch.cat(volumes))
    return Frames(*flat, temperature, state)


def histograms(state: State, edges: Tensor) -> Tensor:
    """How many pairs of each box stand at each distance, a row for each box."""
    system, bins = state.system, len(edges) - 1
    first, second = system.pairs
    arrows = system.positions[second] - system.positions[first] + system.moves.T
    place = torch.bucketize(arrows.norm(dim=1).double(), edges) - 1
    inside = (place >= 0) & (place < bins)
    flat = system.index[first[inside]] * bins + place[inside]
    return torch.bincount(flat, minlength=system.systems * bins).view(system.systems, bins).double()


def properties(
    energy: Tensor, volume: Tensor, temperature: float, atoms: int = 108
) -> tuple[Tensor, Tensor]:
    """Density (g/cm³) and the heat to pull the liquid apart (kJ/mol), from mean energy and volume."""
    heat = -energy / atoms + kB * temperature - PRESSURE * volume / atoms
    return atoms * MASS / volume / gram_per_cm3, heat / kJ_per_mol


def _step(potential: Potential, temperature: float):
    return barostat(
        potential,
        10 * fs,
        temperature,
        0.5 / ps,
        pressure=PRESSURE,
        time=0.15 * ps,
        compressibility=2.5e-4 / bar,
    )


def new_weights(answer: Callable[[np.ndarray, np.ndarray, float], np.ndarray]) -> str:
    """A function: weights of frames for another potential."""
    rng = np.random.default_rng(0)
    old, change = rng.normal(-5, 0.1, 50), rng.normal(0.02, 0.01, 50)
    for kelvin in (90.0, 300.0):
        got = np.asarray(answer(old + change, old, kelvin), dtype=float)
        if got.shape != old.shape:
            raise Wrong(f"one weight for each frame: got the shape {got.shape}")
        true = np.exp(-change / (kB * kelvin))
        true = true / true.sum()
        if np.allclose(got, 1 / true / (1 / true).sum(), rtol=1e-6):
            raise Wrong("the sign: a frame whose energy rises is seen less often")
        if not isclose(got.sum(), 1, rel_tol=1e-6):
            raise Wrong(f"weights sum to one; yours sum to {got.sum():.3g}")
        if not np.allclose(got, true, rtol=1e-6):
            raise Wrong("weights go as exp(−(new − old) / kT), with kT = kB times the temperature")
    far = np.asarray(answer(old + 1e4, old, 90.0), dtype=float)
    if not np.isfinite(far).all():
        raise Wrong(
            "a constant added to all energies overflows; subtract the largest exponent first"
        )
    return "the same frames, another potential, no new simulation"


def still_counting(answer: Callable[[np.ndarray], float]) -> str:
    """A function: how many frames still count."""
    cases = ((np.ones(40) / 40, 40.0), (np.eye(7)[2], 1.0), (np.repeat([0.25, 0.0], [4, 9]), 4.0))
    for share, true in cases:
        got = float(answer(share))
        if not np.isfinite(got):
            raise Wrong("a weight of zero makes 0 · log 0; leave those frames out of the sum")
        if not isclose(got, true, rel_tol=1e-6):
            raise Wrong(
                f"{np.count_nonzero(share)} equal weights among {len(share)} frames count as {true:g}, "
                f"yours gives {got:.3g}; 1 / Σ w² or exp(−Σ w ln w) will do"
            )
    return "when this falls to a few, simulate anew"


def slope(answer: Callable[[np.ndarray, np.ndarray, np.ndarray, float], float]) -> str:
    """A function: derivative of a mean by a parameter, from frames."""
    rng = np.random.default_rng(1)
    rising = rng.normal(0, 0.1, 400)
    values = 3 * rising + rng.normal(0, 0.1, 400)
    own = rng.normal(0.5, 0.1, 400)
    true = own.mean() - np.cov(values, rising, bias=True)[0, 1] / (kB * 90)
    got = float(answer(values, own, rising, 90.0))
    if isclose(got, own.mean(), rel_tol=1e-3):
        raise Wrong("that is how the value itself changes; the frames that are visited change too")
    if isclose(got, 2 * own.mean() - true, rel_tol=2e-2):
        raise Wrong("the sign of the second term: frames whose energy rises are visited less")
    if isclose(
        got, own.mean() - (values * rising).mean() / (kB * 90), rel_tol=1e-4
    ) and not isclose(got, true, rel_tol=1e-4):
        raise Wrong("a covariance: take the means off first")
    if not isclose(got, true, rel_tol=1e-2):
        raise Wrong("⟨∂A/∂θ⟩ − cov(A, ∂U/∂θ) / kT")
    return "a gradient through a simulation, without differentiating a single step"


EXERCISES = {
    "24.1": Exercise(
        new_weights,
        (
            "How much more often would the new potential have visited this frame than the old one did?",
            "exp(−(new − old) / kT), then divide by the sum.",
            "`x = -(new - old) / (kB * kelvin)`, `w = np.exp(x - x.max())`, `w / w.sum()`.",
        ),
    ),
    "24.2": Exercise(
        still_counting,
        (
            "Try the two extremes first: all weights equal, and one weight that has everything.",
            "Equal weights 1/n must give n, a single weight 1.",
            "`1 / (share**2).sum()`",
        ),
    ),
    "24.3": Exercise(
        slope,
        (
            "θ moves the mean in two ways: through the value itself, and through which frames count.",
            "Two terms: the mean of the value's own change, and a covariance.",
            "`own.mean() - ((values - values.mean()) * rising).mean() / (kB * kelvin)`",
        ),
    ),
}
