"""A training step and a step of dynamics stay on one device and never ask the host."""

from collections.abc import Callable

import pytest
import torch

from mdlearn.dynamics.integrators import State, langevin, start, verlet
from mdlearn.potentials.committee import Committee
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import Potential, System, evaluate, from_atoms
from mdlearn.units import fs, ps
from tests.device_law import OneDevice
from tests.potentials.frames import ethanol, random_ace, silicon

MAKERS: dict[str, Callable[[], Potential]] = {
    "Lennard-Jones": lambda: LennardJones(sigma=1.2, cutoff=4.0),
    "ACE": lambda: random_ace([1, 6, 8, 14], cutoff=4.0).to("meta"),
    "committee": lambda: Committee(
        [random_ace([1, 6, 8, 14], seed, cutoff=4.0).to("meta") for seed in (0, 1)]
    ),
}


def systems() -> list[System]:
    frames = [from_atoms([ethanol(0), ethanol(1)]), from_atoms(silicon())]
    return [table(frame, 4.0).to("meta") for frame in frames]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_energies_forces_and_virial_stay_on_the_device(make: Callable[[], Potential]) -> None:
    potential = make()
    for system in systems():
        with OneDevice() as mode:
            seen = evaluate(potential, system, virial=True)
        assert seen.forces.is_meta
        assert mode.calls > 10


def test_a_training_step_stays_on_the_device() -> None:
    model = random_ace([1, 6, 8, 14], cutoff=4.0).to("meta").requires_grad_()
    optimizer = torch.optim.Adam(model.parameters(), amsgrad=True, foreach=True)
    for system in systems():
        with OneDevice():
            seen = evaluate(model, system, graph=True)
            (seen.forces.square().mean() + seen.energies.square().mean()).backward()
            torch.nn.utils.clip_grad_norm_(list(model.parameters()), 10.0)
            optimizer.step()


@pytest.mark.parametrize("name", ["verlet", "langevin"])
def test_a_step_of_dynamics_stays_on_the_device(name: str) -> None:
    potential = LennardJones(sigma=1.2, cutoff=4.0)
    state = start(potential, from_atoms([ethanol(0), ethanol(1)]), temperature=300)
    tensors = {k: v.to("meta") for k, v in vars(state).items()}
    state = State(**tensors)
    step = verlet(potential, fs) if name == "verlet" else langevin(potential, fs, 300.0, 1 / ps)
    with OneDevice():
        after = step(state, torch.empty_like(state.velocities))
    assert after.velocities.is_meta


def test_the_law_catches_a_stray_tensor_and_a_read_back() -> None:
    on_device = torch.ones(3, device="meta")
    with OneDevice(), pytest.raises(RuntimeError, match="cpu tensor"):
        _ = on_device * torch.ones(3)
    with OneDevice(), pytest.raises(RuntimeError):
        on_device.sum().item()
