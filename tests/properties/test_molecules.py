"""The door: each bad row gets its expected answer, and nothing is read silently as something else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from mdlearn.properties.graphs import graphs
from mdlearn.properties.molecules import clean, read, standardize
from tests.properties.examples import DOUBTED, REFUSED, SMILES


@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=lambda x: repr(x)[:20])
def test_what_is_no_molecule_is_refused_with_row_and_reason(text, reason):
    found = read(["CCO", text, "CCN"])
    (problem,) = found.problems
    assert problem.row == 1 and reason in problem.reason
    assert list(found.rows) == [0, 2] and found.count == 3
    with pytest.raises(ValueError, match="row 1"):
        read(["CCO", text, "CCN"], errors="raise")


@pytest.mark.parametrize(("text", "doubt"), DOUBTED, ids=lambda x: repr(x)[:20])
def test_what_is_unusual_is_read_and_doubted(text, doubt):
    found = read([text])
    assert not found.problems
    assert any(doubt in one.reason for one in found.doubts)


def test_names_and_molecules_are_accepted_and_ordinary_ones_not_doubted():
    found = read(["CCO ethanol", Chem.MolFromSmiles("CCN"), "[H]OCC", "[H][H]", "CC(=O)[O-]"])
    assert not found.problems
    assert [m.GetNumAtoms() for m in found.mols] == [3, 3, 3, 2, 4]  # hydrogens go, but for H2
    assert [doubt.row for doubt in found.doubts] == [3]
    assert Chem.MolToSmiles(found.mols[2]) == "CCO"


def test_one_text_is_no_list_and_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"\['CCO'\]"):
        read("CCO")
    with pytest.raises(ValueError, match="raise, nan, drop"):
        read(["CCO"], errors="ignore")


def test_values_go_back_to_their_rows():
    values = read(["C", "x", "CC"]).spread(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(values, [1.0, np.nan, 2.0])


def test_the_parent_of_a_salt_is_neutral():
    parent = standardize(Chem.MolFromSmiles("CC(=O)[O-].[Na+]"))
    assert Chem.MolToSmiles(parent) == "CC(=O)O"


def test_cleaning_merges_what_agrees_and_empties_what_does_not():
    smiles = ["CCO", "OCC", "CC(=O)[O-].[Na+]", "CC(=O)O", "nonsense", "CCN", "CCC"]
    labels = np.array([[1.0], [1.2], [0.0], [5.0], [1.0], [2.0], [np.nan]])
    cleaned = clean(smiles, labels)
    assert cleaned.smiles == ["CCO", "CCN"]
    np.testing.assert_allclose(cleaned.labels, [[1.1], [2.0]])
    assert cleaned.merged == 2 and len(cleaned.conflicts) == 2
    assert [problem.row for problem in cleaned.problems] == [2, 4, 6]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SMILES), st.data())
def test_random_edits_never_crash_and_never_pass_silently(text, data):
    place = data.draw(st.integers(0, len(text)))
    sign = data.draw(st.sampled_from([*"()[]=#@+-\\/1290%.CNOcnF*~ HBr", "é", "\n", ""]))
    cut = data.draw(st.integers(0, 2))
    edited = text[:place] + sign + text[place + cut :]
    found = read([edited])
    assert len(found.mols) + len(found.problems) == 1
    for molecule in found.mols:
        again = Chem.MolFromSmiles(edited.split()[0])
        assert Chem.MolToSmiles(molecule) == Chem.MolToSmiles(again)
        assert len(graphs([molecule]).atoms) == molecule.GetNumAtoms() > 0
