"""Chapter 23, dynamics with a learned potential: how long a molecule stays whole, a map to draw, exercises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, isclose, log

import matplotlib.pyplot as plt
import numpy as np
import torch
from ase import Atoms
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from torch import Tensor

from mdlearn.dynamics.integrators import State, langevin, start
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.simulate import walk
from mdlearn.lesson import Exercise, Wrong
from mdlearn.potentials.system import Potential, from_atoms
from mdlearn.units import kB, ps
from mdlearn.view import theme
from mdlearn.view.picture import find_bonds

TORN, CRUSHED = 1.6, 0.6  # a bond of this many times its first length is no bond any more
PLANCK = 4.135667696e-15  # eV s


@dataclass(frozen=True)
class Watch:
    """What happened to replicas of a molecule.

    Attributes:
        lived: How long each stayed whole (package's time unit), at most the length of the run.
        seen: What `look` said of each at each look; NaN once it is broken.
        times: Of the looks.
    """

    lived: Float[Tensor, " systems"]
    seen: Float[Tensor, "looks systems"]
    times: Float[Tensor, " looks"]


def whole(
    positions: Float[Tensor, "systems atoms 3"],
    bonds: Int[Tensor, "bonds 2"],
    lengths: Float[Tensor, " bonds"],
) -> Tensor:
    """Which systems have all their bonds, none torn, none crushed, no atom lost."""
    now = (positions[:, bonds[:, 0]] - positions[:, bonds[:, 1]]).norm(dim=2)  # (systems, bonds)
    return ((now > CRUSHED * lengths) & (now < TORN * lengths)).all(1)


def watch(
    potential: Potential,
    atoms: Atoms,
    temperatures: Sequence[float],
    dt: float,
    time: float,
    *,
    look: Callable[[State], Tensor] | None = None,
    every: float = 0.02 * ps,
    seed: int = 0,
) -> Watch:
    """Heat replicas of a molecule, one at each temperature (K), and note how long each stays whole.

    One that broke starts over, so that it cannot disturb the batch; its time is up all the same.

    Args:
        potential: Of the molecule.
        atoms: Where they start, with all their bonds.
        temperatures: Of the baths (K).
        dt: Time step.
        time: Length of the run.
        look: Called now and then; gives one number for each system.
        every: Time between looks.
        seed: Of velocities and noise.
    """
    bath = torch.tensor(temperatures, dtype=torch.float32)
    system = from_atoms([atoms] * len(bath), dtype=torch.float32)
    first = state = start(potential, system, temperature=bath, seed=seed)
    bonds = torch.tensor(find_bonds(atoms))
    lengths = torch.tensor(atoms.positions[bonds[:, 0]] - atoms.positions[bonds[:, 1]]).norm(dim=1)
    step, noise = langevin(potential, dt, bath, 5 / ps), Source(system, seed)
    alive, lived = torch.ones(len(bath), dtype=torch.bool), torch.zeros(len(bath))
    seen, times = [], []
    for number in range(1, round(time / dt) + 1):
        _, state = next(walk(step, state, 1, noise))
        good = whole(state.system.positions.view(len(bath), len(atoms), 3), bonds, lengths)
        alive &= good
        lived += dt * alive
        state = _revived(state, first, good)
        if look is not None and number % max(1, round(every / dt)) == 0:
            seen.append(torch.where(alive, look(state), torch.nan))
            times.append(number * dt)
        if not bool(alive.any()):
            break
    return Watch(lived, torch.stack(seen) if seen else lived[None][:0], torch.tensor(times))


def _revived(state: State, first: State, good: Tensor) -> State:
    """The state, with what is broken put back to the start."""
    keep = good[state.system.index].unsqueeze(1)
    places = torch.where(keep, state.system.positions, first.system.positions)
    return replace(
        state,
        system=state.system.at(places),
        velocities=torch.where(keep, state.velocities, first.velocities),
        forces=torch.where(keep, state.forces, first.forces),
    )


def draw_map(
    energies: Float[Tensor, "bins bins"],
    *,
    title: str,
    highest: float = 0.4,
    ax: Axes | None = None,
) -> Axes:
    """A free energy over φ and ψ as a map; white where nothing was seen.

    Args:
        energies: eV, rows are φ.
        title: Stands above.
        highest: End of the colors (eV).
        ax: Where to draw; without it a figure of its own, with a scale of the colors.
    """
    alone, ax = ax is None, plt.subplots(figsize=(4.6, 4.0))[1] if ax is None else ax
    seen = np.ma.masked_invalid(energies.numpy().T)
    picture = ax.imshow(seen, origin="lower", extent=(-180, 180, -180, 180), vmin=0, vmax=highest,
                        cmap=theme.SEQUENTIAL)  # fmt: skip
    ax.set(xlabel="φ (°)", ylabel="ψ (°)", title=title)
    ax.set(xticks=range(-180, 181, 90), yticks=range(-180, 181, 90))
    ax.grid(False)
    if alone:
        ax.figure.colorbar(picture, ax=ax, label="free energy (eV)", shrink=0.85)
    return ax


def unbias(answer: Callable[[np.ndarray, float], np.ndarray]) -> str:
    """A function: from the energies of a bias on samples, and kT, to the weights that undo it."""
    rng = np.random.default_rng(0)
    for heat in (0.0259, 0.0388):
        bias = rng.exponential(0.05, 40)
        got, true = np.asarray(answer(bias, heat), float), np.exp(bias / heat)
        if got.shape != bias.shape:
            raise Wrong(f"40 samples came, {got.shape} weights went; give one for each")
        shares = got / got.sum()
        if np.allclose(shares, np.exp(-bias / heat) / np.exp(-bias / heat).sum()):
            raise Wrong(
                "the wrong way: where the spring pushed hard, samples are too rare; raise them"
            )
        if np.allclose(shares, np.exp(bias) / np.exp(bias).sum()):
            raise Wrong("an exponent has no unit: divide the bias by kT")
        if not np.allclose(shares, true / true.sum()):
            raise Wrong("p without bias ∝ p with bias × exp(+bias / kT)")
        if not isclose(got.sum(), 1):
            raise Wrong("right up to a factor; weights should add up to one")
        with np.errstate(over="ignore", invalid="ignore"):
            lifted = np.asarray(answer(bias + 40.0, heat), float)
        if not np.allclose(lifted, got):
            raise Wrong("a bias of 40 eV more everywhere changes no weight, but overflows: "
                        "subtract the largest bias first")  # fmt: skip
    return "where the spring worked against a sample, the sample counts for many"


def region(answer: Callable[[np.ndarray, np.ndarray, float], float]) -> str:
    """A function: free energy of the samples inside a region above all others."""
    rng = np.random.default_rng(1)
    for heat in (0.0259, 0.0388):
        weights, inside = rng.exponential(1.0, 200), rng.random(200) < 0.2
        here, there = weights[inside].sum(), weights[~inside].sum()
        got, true = float(answer(weights, inside, heat)), -heat * log(here / there)
        wrong = {
            "the sign: what is rarer has the higher free energy": -true,
            "that is in units of kT; multiply by kT": true / heat,
            "you counted samples; each counts with its weight": -heat * log(inside.mean() / (1 - inside.mean())),
            "compare the inside with the outside, not with everything": -heat * log(here / (here + there)),
        }  # fmt: skip
        for sentence, value in wrong.items():
            if isclose(got, value, rel_tol=1e-6):
                raise Wrong(sentence)
        if not isclose(got, true, rel_tol=1e-6):
            raise Wrong("F = −kT ln(p inside / p outside)")
    return "a free-energy difference is nothing but the logarithm of a ratio of populations"


def waiting(answer: Callable[[float, float], float]) -> str:
    """A function: mean time (s) before a barrier (eV) is crossed at a temperature (K), by Eyring."""
    for barrier, kelvin in ((0.35, 300.0), (0.2, 450.0)):
        heat = kB * kelvin
        got, true = float(answer(barrier, kelvin)), PLANCK / heat * exp(barrier / heat)
        if isclose(got, 1 / true, rel_tol=1e-3):
            raise Wrong("that is the rate, per second; the waiting time is one over it")
        if isclose(got, PLANCK / heat * exp(-barrier / heat), rel_tol=1e-3):
            raise Wrong("a higher barrier must mean a longer wait: look at the sign")
        if isclose(got, exp(barrier / heat), rel_tol=1e-3):
            raise Wrong("the molecule tries kT/h times a second: about 6·10¹² times at 300 K")
        if isclose(got, true / (2 * np.pi), rel_tol=1e-3):
            raise Wrong("that is ħ; Eyring's formula has h")
        if not isclose(got, true, rel_tol=1e-3):
            raise Wrong("rate = kT/h · exp(−barrier / kT), time = 1 / rate")
    return "every 60 meV more at 300 K are a factor of ten in time"


EXERCISES = {
    "23.1": Exercise(
        unbias,
        (
            "Which samples did the spring make rare, and should they count for more or for less?",
            "The spring multiplied the probability of a sample by exp(−bias / kT). Divide by that.",
            "`w = np.exp((bias - bias.max()) / heat)`, then `w / w.sum()`.",
        ),
    ),
    "23.2": Exercise(
        region,
        (
            "A free energy difference compares two probabilities. Where do they come from, if samples have weights?",
            "The probability of a region is the sum of the weights of the samples in it.",
            "`-heat * np.log(weights[inside].sum() / weights[~inside].sum())`",
        ),
    ),
    "23.3": Exercise(
        waiting,
        (
            "A rate is the tries in a second times the chance that a try succeeds; a waiting time is one over it.",
            "Eyring: rate = kT/h · exp(−barrier / kT), with kT in eV and h in eV s.",
            "`planck / (kB * kelvin) * np.exp(barrier / (kB * kelvin))`",
        ),
    ),
}
