"""Repeat a step of dynamics, keep frames, and stop when the simulation explodes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.dynamics.integrators import State, Step
from mdlearn.dynamics.observables import kinetic, temperatures
from mdlearn.potentials.neighbors import refresh

EXPLODED = 200.0  # eV/Å; a hot covalent bond pulls with 20


@dataclass(frozen=True)
class Trajectory:
    """Frames of a simulation.

    Attributes:
        positions: Å.
        velocities: Å per time unit.
        energies: Potential energy of each system (eV).
        kinetic: Kinetic energy of each system (eV).
        temperatures: Of each system (K), from the kinetic energy.
        every: Steps between frames.
        last: The state after the last step, to go on from.
    """

    positions: Float[Tensor, "frames atoms 3"]
    velocities: Float[Tensor, "frames atoms 3"]
    energies: Float[Tensor, "frames systems"]
    kinetic: Float[Tensor, "frames systems"]
    temperatures: Float[Tensor, "frames systems"]
    every: int
    last: State


def run(
    step: Step,
    state: State,
    steps: int,
    *,
    every: int = 10,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> Trajectory:
    """Repeat a step; the noise of thermostats comes from a generator with the given seed.

    Args:
        step: From `integrators`.
        state: Where to start.
        steps: How many steps.
        every: Keep a frame after this many.
        seed: Of the noise.
        report: Told ten times on the way.

    Raises:
        FloatingPointError: The simulation exploded: names step, atom and force.
    """
    if steps < every:
        raise ValueError(f"{steps} steps with a frame every {every} keep no frame; run longer")
    place = state.system.positions
    generator = torch.Generator(place.device).manual_seed(seed)
    frames: list[State] = []
    guard(state, 0)
    for number in range(1, steps + 1):
        noise = torch.randn(
            place.shape, generator=generator, dtype=place.dtype, device=place.device
        )
        state = step(replace(state, system=refresh(state.system)), noise)
        if number % every == 0:
            guard(state, number)
            frames.append(state)
        if report and number % max(1, steps // 10) == 0:
            report(f"{number}/{steps} steps, {float(temperatures(state).mean()):.0f} K")
    return Trajectory(
        positions=torch.stack([frame.system.positions for frame in frames]),
        velocities=torch.stack([frame.velocities for frame in frames]),
        energies=torch.stack([frame.energies for frame in frames]),
        kinetic=torch.stack([kinetic(frame) for frame in frames]),
        temperatures=torch.stack([temperatures(frame) for frame in frames]),
        every=every,
        last=state,
    )


def guard(state: State, number: int) -> None:
    """Raise when a force is no longer one of a molecule.

    Raises:
        FloatingPointError: Names step, atom and force.
    """
    size = state.forces.norm(dim=1)
    if not bool((size < EXPLODED).all()):
        atom = int((~(size < EXPLODED)).int().argmax())
        raise FloatingPointError(
            f"the simulation exploded by step {number}: atom {atom} feels {float(size[atom]):.3g} eV/Å; "
            "use a shorter time step, or a potential that was trained on such geometries"
        )
