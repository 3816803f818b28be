"""Many copies at several temperatures: they trade places, or cool down together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.integrators import State, Step
from mdlearn.dynamics.simulate import run
from mdlearn.units import kB


@dataclass(frozen=True)
class Exchange:
    """What a replica exchange saw, a row for each round.

    Attributes:
        positions: Of all replicas at the end of each round (Å).
        energies: Potential energy of each replica (eV).
        temperatures: Of the bath each replica was in (K).
        accepted: Ratio of exchanges tried that were made.
        last: The state at the end.
    """

    positions: Float[Tensor, "rounds atoms 3"]
    energies: Float[Tensor, "rounds systems"]
    temperatures: Float[Tensor, "rounds systems"]
    accepted: float
    last: State


def exchange(
    make: Callable[[Tensor], Step],
    state: State,
    temperatures: Float[Tensor, " systems"],
    *,
    rounds: int,
    steps: int,
    seed: int = 0,
) -> Exchange:
    r"""Replica exchange: hot copies cross barriers, and hand what they found down to the cold.

    After each round neighbors in temperature trade their baths with probability
    $\min(1, e^{(\beta_i - \beta_j)(E_i - E_j)})$; velocities are rescaled with them.

    Args:
        make: From temperatures `(systems,)` to a step, say `lambda T: langevin(potential, dt, T, friction)`.
        state: A batch of replicas, of the same molecule.
        temperatures: Where each starts (K), rising.
        rounds: How often they may trade.
        steps: Steps in each round.
        seed: Of noise and trades.

    References:
        Sugita & Okamoto, Chem. Phys. Lett. 314, 141 (1999), doi:10.1016/S0009-2614(99)01123-9.
    """
    if len(temperatures) != state.system.systems:
        raise ValueError(
            f"got {len(temperatures)} temperatures for {state.system.systems} replicas"
        )
    if not bool((temperatures.diff() > 0).all()):
        raise ValueError(f"temperatures must rise, got {temperatures.tolist()} K")
    generator = torch.Generator().manual_seed(seed)
    bath = temperatures.clone()
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    made = tried = 0
    for number in range(rounds):
        state = run(make(bath), state, steps, every=steps, seed=seed + number + 1).last
        kept.append((state.system.positions, state.energies, bath))
        order = torch.argsort(bath)
        new = bath.clone()
        for low, high in zip(order[number % 2 :: 2], order[number % 2 + 1 :: 2], strict=False):
            gap = (
                (1 / bath[low] - 1 / bath[high]) / kB * (state.energies[low] - state.energies[high])
            )
            tried += 1
            if float(torch.rand(1, generator=generator)) < float(gap.clamp(max=0).exp()):
                new[low], new[high] = bath[high], bath[low]
                made += 1
        scale = (new / bath).sqrt()[state.system.index].unsqueeze(1)
        state, bath = replace(state, velocities=state.velocities * scale), new
    positions, energies, baths = (torch.stack(part) for part in zip(*kept, strict=True))
    return Exchange(positions, energies, baths, made / max(1, tried), state)


def anneal(
    make: Callable[[float], Step],
    state: State,
    temperatures: Sequence[float],
    *,
    steps: int,
    seed: int = 0,
) -> State:
    """Simulated annealing: so many steps at each temperature (K), from the hottest to the coldest."""
    if not len(temperatures):
        raise ValueError("no temperatures came; give them from hot to cold")
    for number, temperature in enumerate(temperatures):
        state = run(make(temperature), state, steps, every=steps, seed=seed + number).last
    return state
