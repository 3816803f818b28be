"""The way of malonaldehyde's proton: the scan that ships is one, and forces are split as they should be."""

import numpy as np
import pytest
from ase import Atoms

from mdlearn.dynamics.bias import transfer
from mdlearn.potentials.system import from_atoms
from mdlearn.recipes.malonaldehyde import ACCEPTOR, DONOR, PROTON
from mdlearn.recipes.proton_transfer import PLACES, across, written


def test_the_proton_is_where_it_should_be_and_both_sides_are_alike():
    known = written()
    places = transfer(DONOR, PROTON, ACCEPTOR)(from_atoms(known["frames"]))
    np.testing.assert_allclose(places, PLACES, atol=0.02)  # the spring gives way a little
    energies = np.array(known["dft"])
    np.testing.assert_allclose(energies, energies[::-1], atol=0.005)  # eV; a mirror image
    assert 0.05 < energies[len(PLACES) // 2] - energies.min() < 0.4


def test_a_force_along_the_way_has_nothing_across():
    frame = Atoms("OCCCOHHHH", np.random.default_rng(0).normal(0, 1.5, (9, 3)))
    along = np.zeros((9, 3))
    for atom, sign in ((DONOR, 1.0), (ACCEPTOR, -1.0)):
        arrow = frame.positions[PROTON] - frame.positions[atom]
        along[PROTON] += sign * arrow / np.linalg.norm(arrow)
        along[atom] -= sign * arrow / np.linalg.norm(arrow)
    assert across(frame, 2.5 * along) == pytest.approx(0, abs=1e-12)
    push = np.zeros((9, 3))
    push[7, 2] = 0.3  # an atom that the way does not know
    assert across(frame, along + push) == pytest.approx(0.3)
