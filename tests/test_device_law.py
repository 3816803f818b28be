"""A training step and a step of dynamics stay on one device and never ask the host."""

from collections.abc import Callable

import pytest
import torch

from mdlearn.dynamics.ensembles import barostat, rescaling
from mdlearn.dynamics.integrators import State, Step, langevin, start, verlet
from mdlearn.dynamics.minimize import Descent, fire
from mdlearn.potentials.committee import Committee
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import Potential, System, evaluate, from_atoms
from mdlearn.train import OPTIMIZERS
from mdlearn.units import bar, fs, ps
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


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_a_training_step_stays_on_the_device(make: Callable[..., torch.optim.Optimizer]) -> None:
    model = random_ace([1, 6, 8, 14], cutoff=4.0).to("meta").requires_grad_()
    optimizer = make(model.parameters())
    for system in systems():
        with OneDevice():
            seen = evaluate(model, system, graph=True)
            (seen.forces.square().mean() + seen.energies.square().mean()).backward()
            torch.nn.utils.clip_grad_norm_(list(model.parameters()), 10.0)
            optimizer.step()


STEPS: dict[str, Callable[[Potential], Step]] = {
    "verlet": lambda potential: verlet(potential, fs),
    "langevin": lambda potential: langevin(potential, fs, 300.0, 1 / ps),
    "rescaling": lambda potential: rescaling(potential, fs, 300.0, ps),
    "barostat": lambda potential: barostat(potential, fs, 300.0, 1 / ps, pressure=1 * bar, time=ps),
    "full barostat": lambda potential: barostat(
        potential, fs, 300.0, 1 / ps, pressure=1 * bar, time=ps, shape="full"
    ),
}


@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS.keys())
def test_a_step_of_dynamics_stays_on_the_device(make: Callable[[Potential], Step]) -> None:
    for potential in (LennardJones(sigma=1.2, cutoff=4.0), random_ace([14], cutoff=4.0)):
        state = start(potential, from_atoms([silicon(0), silicon(1)]), temperature=300)
        tensors = {k: v.to("meta") for k, v in vars(state).items() if v is not None}
        state = State(**tensors)
        step = make(potential.to("meta") if hasattr(potential, "to") else potential)
        rows = len(state.masses) + 3 * state.system.systems
        with OneDevice():
            after = step(state, torch.empty(rows, 3, dtype=torch.float64, device="meta"))
        assert after.velocities.is_meta


def test_a_step_downhill_stays_on_the_device() -> None:
    potential = LennardJones(sigma=1.2, cutoff=4.0)
    state = start(potential, from_atoms([silicon(0), silicon(1)]), temperature=0)
    state = State(**{k: v.to("meta") for k, v in vars(state).items() if v is not None})
    like = torch.empty(2, dtype=torch.float64, device="meta")
    with OneDevice():
        after = fire(potential)(Descent(state, like, like, like))
    assert after.state.forces.is_meta


def test_the_law_catches_a_stray_tensor_and_a_read_back() -> None:
    on_device = torch.ones(3, device="meta")
    with OneDevice(), pytest.raises(RuntimeError, match="cpu tensor"):
        _ = on_device * torch.ones(3)
    with OneDevice(), pytest.raises(RuntimeError):
        on_device.sum().item()
