"""Free energies over two angles: springs on a grid of windows, all in one batch, undone by MBAR.

One variable is in `bias.py` and `free_energy.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import pi

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mdlearn.dynamics.bias import Umbrella, Variable, wrap
from mdlearn.dynamics.free_energy import mbar
from mdlearn.dynamics.integrators import State, Step
from mdlearn.dynamics.simulate import run
from mdlearn.potentials.system import Potential, evaluate
from mdlearn.potentials.terms import Sum
from mdlearn.units import kB


@dataclass(frozen=True)
class Grid:
    """What windows over two angles saw.

    Attributes:
        angles: Of each window at each time (rad).
        centers: Where the springs of each window pull to (rad).
        stiffness: Of the springs (eV/rad²).
        temperature: K.
    """

    angles: Float[Tensor, "frames systems 2"]
    centers: Float[Tensor, "systems 2"]
    stiffness: float
    temperature: float


def grid_sampling(
    potential: Potential,
    make: Callable[[Potential], Step],
    state: State,
    variables: Sequence[Variable],
    centers: Float[Tensor, "systems 2"],
    temperature: float,
    *,
    stiffness: float,
    steps: int,
    every: int = 10,
    settle: int = 0,
    seed: int = 0,
) -> tuple[Grid, State]:
    """Umbrella sampling over two angles, a window in each system of a batch.

    Args:
        potential: Of the molecule.
        make: From a potential to a step, say `lambda p: langevin(p, dt, temperature, friction)`.
        state: As many copies of the molecule as there are centers, each near its own.
        variables: The two angles (rad).
        centers: Of the springs (rad).
        temperature: Of the bath (K).
        stiffness: Of the springs (eV/rad²).
        steps: Steps that are measured.
        every: Measure after this many.
        settle: Steps before.
        seed: Of the noise.

    Returns:
        What was seen, and the state at the end.
    """
    if len(centers) != state.system.systems:
        raise ValueError(f"{len(centers)} centers for {state.system.systems} systems")
    springs = [
        Umbrella(variable, center.to(state.energies), stiffness, 2 * pi)
        for variable, center in zip(variables, centers.T, strict=True)
    ]
    both = Sum([potential, *springs])
    step, seen = make(both), evaluate(both, state.system)
    state = replace(state, forces=seen.forces, energies=seen.energies)
    if settle:
        state = run(step, state, settle, every=settle, seed=seed + 1).last
    path = run(step, state, steps, every=every, seed=seed)
    angles = [
        torch.stack([variable(state.system.at(place)) for variable in variables], 1)
        for place in path.positions
    ]
    return Grid(torch.stack(angles).double(), centers.double(), stiffness, temperature), path.last


def unbiased(grid: Grid) -> Float[Tensor, "frames systems"]:
    """The weight of each sample in the molecule without springs; together they make one."""
    flat = grid.angles.flatten(0, 1)  # (samples, 2)
    off = wrap(flat - grid.centers.unsqueeze(1), 2 * pi)  # (systems, samples, 2)
    biases = 0.5 * grid.stiffness * off.square().sum(-1) / (kB * grid.temperature)
    counts = flat.new_full((len(grid.centers),), len(grid.angles))
    return mbar(biases, counts)[1].view(grid.angles.shape[:2])


def surface(grid: Grid, *, bins: int = 24) -> Float[Tensor, "bins bins"]:
    """Free energy over both angles, from −π to π: F = −kT ln p (eV), its lowest value zero.

    Rows belong to the first angle. Infinite where nothing was seen.
    """
    place = ((wrap(grid.angles, 2 * pi) + pi) / (2 * pi) * bins).floor().long().clamp(0, bins - 1)
    flat = (place[..., 0] * bins + place[..., 1]).flatten()
    mass = torch.zeros(bins * bins, dtype=torch.float64)
    mass = mass.index_add(0, flat, unbiased(grid).flatten()).view(bins, bins)
    energies = -kB * grid.temperature * mass.log()
    return energies - energies.min()


def difference(
    grid: Grid,
    start: Callable[[Tensor, Tensor], Bool[Tensor, "frames systems"]],
    end: Callable[[Tensor, Tensor], Bool[Tensor, "frames systems"]],
) -> float:
    """Free energy of one region of the map above that of another (eV).

    Args:
        grid: What was seen.
        start: From the two angles (rad, −π to π) to the samples that are inside.
        end: The same for the other region.
    """
    shares, angles = unbiased(grid), wrap(grid.angles, 2 * pi)
    here, there = (float(shares[inside(*angles.unbind(-1))].sum()) for inside in (start, end))
    if not here or not there:
        raise ValueError("one of the regions was never visited; make it larger or run longer")
    return -kB * grid.temperature * float(torch.tensor(there / here).log())


def resampled(grid: Grid, *, blocks: int = 5, draws: int = 20, seed: int = 0) -> list[Grid]:
    """The same run as chance could have made it: blocks of time, drawn again in each window for itself.

    The scatter of an answer over these is its standard error, if a block is longer than the memory of
    the angles.

    Args:
        grid: What was seen.
        blocks: Stretches of time in each window; a rest at the end is left out.
        draws: How many runs to make.
        seed: Of the draws.
    """
    length = len(grid.angles) // blocks
    if blocks < 2 or not length:
        raise ValueError(f"{len(grid.angles)} frames do not make {blocks} blocks; run longer")
    parts = grid.angles[: blocks * length].unflatten(0, (blocks, length))
    windows = torch.arange(len(grid.centers))
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(draws):
        chosen = torch.randint(blocks, (blocks, len(windows)), generator=generator)
        angles = parts[chosen, :, windows]  # (blocks, systems, length, 2)
        found.append(replace(grid, angles=angles.transpose(1, 2).flatten(0, 1)))
    return found
