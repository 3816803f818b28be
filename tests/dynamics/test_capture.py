"""A table with room gives the same numbers; without a GPU a captured step is the step itself."""

from collections.abc import Callable

import pytest
import torch

from mdlearn.dynamics.capture import ROOM, captured, roomy
from mdlearn.dynamics.integrators import start, verlet
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import System, evaluate, from_atoms
from mdlearn.units import fs
from tests.potentials.frames import ethanol, random_ace, silicon

FRAMES: dict[str, Callable[[], System]] = {
    "molecules": lambda: from_atoms([ethanol(0), ethanol(1)]),
    "crystals": lambda: from_atoms([silicon(0), silicon(1)]),
}


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_room_in_a_table_changes_no_number(make: Callable[[], System], half: bool) -> None:
    potential = LennardJones(sigma=1.2, cutoff=4.0) if half else random_ace([1, 6, 8, 14])
    narrow = table(make(), potential.cutoff, half=half)
    wide = roomy(narrow)
    width = wide.pairs.shape[1] if half else wide.neighbors.shape[1]
    assert width % ROOM == 0
    assert width > (narrow.pairs.shape[1] if half else narrow.neighbors.shape[1])
    here, there = (evaluate(potential, system, virial=True) for system in (narrow, wide))
    torch.testing.assert_close(there.energies, here.energies, atol=1e-10, rtol=0)
    torch.testing.assert_close(there.forces, here.forces, atol=1e-10, rtol=0)
    torch.testing.assert_close(there.virial, here.virial, atol=1e-10, rtol=0)
    assert roomy(wide) is wide


def test_on_the_processor_a_captured_step_is_the_step() -> None:
    potential = LennardJones(sigma=1.2, cutoff=4.0)
    state = start(potential, from_atoms(silicon()), temperature=300)
    step = verlet(potential, fs)
    assert torch.equal(captured(step)(state).velocities, step(state).velocities)
