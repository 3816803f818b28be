"""States from hydrogen bonds, held to what the program DSSP says of the shipped crystals."""

import numpy as np
import pytest

from mdlearn.structure.alignments import load_family
from mdlearn.structure.dssp import assign, bond_energies, secondary_structure, states
from mdlearn.structure.proteins import Protein

# DSSP's states as annotated in the sidechainnet 1.0.1 wheel
REFERENCE = {
    "dhfr": "LEEEEEEELGGGEEEBTTBLSSLLLHHHHHHHHHHHTTSEEEEEHHHHHHHLSLLTTSEEEEELSSLLSLTTSEEESSHHHHHHHTLSLSLEEELLLHHHHHHHGGGEEEEEEEEELLLLLLSEELLLLLGGGEEEEEEEEELLLSSLSSLEEEEEEEEL",  # noqa: E501
    "s1a": "LBSLEELLTTSSTTEEEEESSSEEEEEEEEETTEEEELGGGLLSSLEEEESLSBTTSLLSLLEEEEEEEEEELTTLLTTTLTTLLEEEEESSLLLLSSSSLLLBLLSSLLLTTLEEEEEESLLLLSSSLLLLSBLEEEEEEBLLHHHHHHHSTTTLLTTEEEESLTTLSLBLLTTLTTLEEEETTEEEEEEEELSSSSBTTBLEEEEEGGGSHHHHHHHHHHL",  # noqa: E501
    "rhomboid": "LLSLHHHHHHHHHHHHHHHHHHHHHHHHHHHHHSSLLSGGGTTLTTHHHHGGGLLLSHHHHHHHHHHHHHHHHHHHHHTLHHHHHHHHHHHHHHHHHHHHHHHLSLLLLSHHHHHHHHHHHHHHHHHLGGGSLLLLHHHHHHHHHHHTTTTTTTSSSLLLLHHHHHHHHHHHHHHHHHTSLL",  # noqa: E501
}


@pytest.mark.parametrize("name", REFERENCE)
def test_states_are_those_of_the_reference_program(name: str):
    protein = load_family(name)[1]
    assert states(protein) == REFERENCE[name]


def test_an_ideal_helix_is_a_helix_and_its_mirror_keeps_its_bonds(helix: Protein):
    assert secondary_structure(helix)[1:-1] == "H" * 18
    assert (bond_energies(helix) < -0.5).sum() >= 15  # no bond to the proline's nitrogen


def test_a_strand_alone_is_no_sheet():
    stretched = np.cumsum(np.full((20, 5, 3), 2.0), axis=0)
    stretched += np.random.default_rng(0).normal(0, 0.5, stretched.shape)
    assert set(secondary_structure(Protein("x", "A" * 20, stretched))) <= {"C", "H"}


def test_rotations_change_no_state(dhfr, turned):
    protein = dhfr[1]
    moved = Protein(protein.name, protein.sequence, protein.backbone @ turned + 7.0)
    assert (assign(moved) == assign(protein)).all()


def test_short_and_broken_chains_have_states(helix: Protein):
    assert len(assign(helix.take(range(2)))) == 2
    apart = helix.backbone.copy()
    apart[10:] += 30.0
    assert "H" in secondary_structure(Protein("x", helix.sequence, apart))[:9]
