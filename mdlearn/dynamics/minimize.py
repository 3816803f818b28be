"""Downhill to rest, for one system or many at once.

Before a simulation it takes the heat out of a bad start; alone it finds structures.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mdlearn.dynamics.integrators import State
from mdlearn.potentials.neighbors import refresh
from mdlearn.potentials.system import Potential, System, evaluate
from mdlearn.units import fs

START, SLOWER, FASTER, SOFTER, PATIENCE = 0.1, 0.5, 1.1, 0.99, 5  # the paper's settings
LONGEST = 0.1  # Å, an atom's way in one step


@dataclass(frozen=True)
class Descent:
    """Where a minimization stands.

    Attributes:
        state: Positions, velocities, forces.
        dt: Time step of each system.
        mix: How much of the velocity is turned into the direction of the force, of each system.
        downhill: Steps downhill in a row, of each system.
    """

    state: State
    dt: Float[Tensor, " systems"]
    mix: Float[Tensor, " systems"]
    downhill: Float[Tensor, " systems"]


def fire(potential: Potential, longest: float = 10 * fs) -> Callable[[Descent], Descent]:
    """One step of the fast inertial relaxation engine: run downhill, stop dead when it goes up.

    All atoms weigh the same; frozen ones do not move.

    Args:
        potential: Energy of the system.
        longest: Longest time step.

    References:
        Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006), doi:10.1103/PhysRevLett.97.170201.
    """

    def step(here: Descent) -> Descent:
        state, system = here.state, here.state.system
        moving = state.masses.isfinite().unsqueeze(1)
        forces = torch.where(moving, state.forces, 0)
        power = system.total((forces * state.velocities).sum(1))
        fall = power > 0
        speed = system.total(state.velocities.square().sum(1)).sqrt()
        strength = system.total(forces.square().sum(1)).sqrt().clamp(min=1e-12)
        pull = _spread(system, speed / strength) * forces
        mix = _spread(system, here.mix)
        turned = (1 - mix) * state.velocities + mix * pull
        downhill = torch.where(fall, here.downhill + 1, 0)
        sure = downhill > PATIENCE
        dt = torch.where(sure, (here.dt * FASTER).clamp(max=longest), here.dt)
        dt = torch.where(fall, dt, here.dt * SLOWER)
        mix = torch.where(fall, torch.where(sure, here.mix * SOFTER, here.mix), START)
        pace = _spread(system, dt)
        velocities = torch.where(_spread(system, fall), turned, 0) + pace * forces
        move = pace * velocities
        far = move.norm(dim=1, keepdim=True).clamp(min=1e-12)
        move = move * (LONGEST / far).clamp(max=1)
        system = system.at(system.positions + move)
        seen = evaluate(potential, system)
        state = State(system, velocities, seen.forces, seen.energies, state.masses)
        return Descent(state, dt, mix, downhill)

    return step


def minimize(
    potential: Potential, state: State, *, force: float = 0.01, steps: int = 2000
) -> State:
    """The state at rest: no atom that can move feels more than `force` (eV/Å).

    Raises:
        RuntimeError: Not at rest after so many steps.
    """
    like = state.energies
    here = Descent(
        replace(state, velocities=torch.zeros_like(state.velocities)),
        torch.full_like(like, 1.0 * fs),
        torch.full_like(like, START),
        torch.zeros_like(like),
    )
    step, largest = fire(potential), torch.inf
    for number in range(steps + 1):
        if number % 10 == 0:
            largest = float(_pulls(here.state).max())
            if largest <= force:
                return here.state
        moved = refresh(here.state.system)
        here = step(replace(here, state=replace(here.state, system=moved)))
    raise RuntimeError(
        f"not at rest after {steps} steps: an atom still feels {largest:.2g} eV/Å, wanted is {force}; "
        "give it more steps, or look at the structure"
    )


def _pulls(state: State) -> Float[Tensor, " atoms"]:
    return torch.where(state.masses.isfinite(), state.forces.norm(dim=1), 0)


def _spread(
    system: System, values: Float[Tensor, " systems"] | Bool[Tensor, " systems"]
) -> Float[Tensor, "atoms 1"] | Bool[Tensor, "atoms 1"]:
    return values.index_select(0, system.index).unsqueeze(1)
