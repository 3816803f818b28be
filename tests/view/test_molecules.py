"""Drawings say what they show, and are small; shapes in 3D are likely ones."""

import re

import numpy as np
import pytest
from rdkit import Chem

from mdlearn.view.molecules import conformer, draw

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")


def test_a_drawing_is_small_and_has_words():
    values = np.linspace(-1, 1, 13)
    drawing = draw([ASPIRIN, ASPIRIN], [values, -values], legends=["gradient × input", "other"])
    assert len(drawing.svg) < 24_000 and "gradient × input" in drawing.alt
    data, _ = drawing._repr_mimebundle_()
    assert 'alt="Drawing of gradient' in data["text/html"] and data["text/plain"] == drawing.alt
    assert drawing == draw([ASPIRIN] * 2, [values, -values], legends=["gradient × input", "other"])


def test_colors_follow_the_values():
    plain = draw(ASPIRIN)
    assert plain.svg != draw(ASPIRIN, np.ones(13)).svg != draw(ASPIRIN, -np.ones(13)).svg
    with pytest.raises(ValueError, match="one value per heavy atom"):
        draw(ASPIRIN, np.ones(3))


def test_a_peptide_of_600_atoms_is_named_and_not_drawn():
    peptide = Chem.MolFromSmiles("NCC(=O)" * 160 + "O")
    crowd = peptide.GetNumAtoms()
    for values in (None, [np.ones(13), np.ones(crowd)]):
        drawing = draw([ASPIRIN, peptide], values)
        assert len(drawing.svg) < 24_000
        assert f"{crowd} atoms, too many to draw" in drawing.alt
        letters = "".join(re.findall(r">(\S)</text>", drawing.svg))  # RDKit puts each alone
        assert f"{crowd}atoms" in letters
    assert len(draw(peptide, np.ones(crowd)).svg) < 6_000


def test_a_shape_keeps_the_order_of_heavy_atoms():
    atoms = conformer(ASPIRIN, seed=1)
    assert list(atoms.numbers[:13]) == [atom.GetAtomicNum() for atom in ASPIRIN.GetAtoms()]
    assert len(atoms) == 21 and len(conformer(ASPIRIN, hydrogens=False)) == 13
    lengths = [
        atoms.get_distance(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        for bond in ASPIRIN.GetBonds()
    ]
    assert min(lengths) > 1.1 and max(lengths) < 1.6
    np.testing.assert_array_equal(atoms.positions, conformer(ASPIRIN, seed=1).positions)
