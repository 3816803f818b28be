"""Live dynamics stay in sight, however far the atoms go."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms

from mdlearn.units import fs
from mdlearn.view.dynamics import LiveDynamics, live_dynamics

BOX = np.diag([8.0, 9.0, 10.0])


def drifting(atoms: Atoms, cell: np.ndarray | None = None) -> LiveDynamics:
    """Three ångströms to the right in each frame; the box, if any, stays."""

    def state(frame: int) -> SimpleNamespace:
        places = atoms.positions + np.array([3.0 * frame, 0, 0])
        system = SimpleNamespace(positions=places, cell=None if cell is None else cell[None])
        return SimpleNamespace(system=system)

    return live_dynamics(
        lambda _, kelvin, frame: state(frame + 1),
        state(0),
        atoms=atoms,
        interval=fs,
        preview=0,
        observe={"time (fs)": lambda state: 0.0},
    )


@pytest.mark.parametrize("frames", [1, 50])
def test_a_molecule_that_drifts_stays_in_sight(frames):
    atoms = Atoms("CO", positions=[[0, 0, 0], [1.1, 0, 0]])
    panel = drifting(atoms)
    for _ in range(frames):
        panel.frame()
    np.testing.assert_allclose(panel.places(), atoms.positions, atol=1e-9)
    panel.close()


def test_loose_atoms_are_drawn_in_their_box():
    argon = Atoms("Ar2", positions=[[1, 2, 3], [6, 7, 8]], cell=BOX, pbc=True)
    panel = drifting(argon, BOX)
    for _ in range(3):
        panel.frame()
    np.testing.assert_allclose(panel.places(), [[2, 2, 3], [7, 7, 8]], atol=1e-9)  # 9 Å on, of 8
    panel.close()


def test_a_molecule_in_a_box_is_not_torn():
    atoms = Atoms("CO", positions=[[6, 2, 3], [7.1, 2, 3]], cell=BOX, pbc=True)
    panel = drifting(atoms, BOX)
    panel.frame()
    np.testing.assert_allclose(panel.places(), atoms.positions + np.array([3.0, 0, 0]), atol=1e-9)
    panel.close()
