"""The audit of a table of molecules: each planted fault is found in its row, and nothing else."""

import numpy as np
import pytest

from mdlearn.data.splits import Split
from mdlearn.properties.audit import audit_molecules

CLEAN = [f"{'C' * k}O" for k in range(1, 30)]
PLANTED = [
    ("unreadable", "C1CC", 0.5),
    ("repeated", "OC", 1.1),
    ("several parts", "CCN.Cl", 1.0),
    ("metal", "C[Hg]C", 1.0),
    ("radical", "C[CH2]", 1.0),
    ("undefined stereo", "CC(F)Cl", 1.0),
    ("strange label", "CCCl", 1000.0),
    ("no label", "CCBr", np.nan),
]


@pytest.mark.parametrize(("kind", "text", "label"), PLANTED, ids=[name for name, *_ in PLANTED])
def test_a_planted_fault_is_found_in_its_row(kind, text, label):
    labels = np.array([*np.linspace(1.0, 2.0, len(CLEAN)), label])[:, None]
    assert not audit_molecules(CLEAN, labels[:-1]).findings
    found = audit_molecules([*CLEAN, text], labels)
    assert found.findings == {kind: [len(CLEAN)]}
    assert kind in str(found) and f"(rows {len(CLEAN)})" in str(found)


def test_labels_that_contradict_each_other_name_both_rows():
    found = audit_molecules(["CCO", "CCN", "OCC"], np.array([[1.0], [0.0], [2.0]]))
    assert found.findings == {"conflict": [0, 2], "repeated": [2]}
    assert "conflict" not in audit_molecules(
        ["CCO", "CCN", "OCC"], np.array([[1.0], [0.0], [2.0]]), tolerance=1.5
    ).findings  # fmt: skip


@pytest.mark.parametrize("twin", ["OCC", "[13CH3]CO", "CC(=O)[O-]", "C[C@H](N)C(=O)O", "C1=CC=NC(=O)N1"])  # fmt: skip
def test_a_molecule_of_train_in_other_clothes_is_a_leak(twin):
    plain = {"OCC": "CCO", "[13CH3]CO": "CCO", "CC(=O)[O-]": "CC(=O)O",
             "C[C@H](N)C(=O)O": "C[C@@H](N)C(=O)O", "C1=CC=NC(=O)N1": "Oc1ncccn1"}[twin]  # fmt: skip
    smiles = [plain, "CCN", twin]
    split = Split(np.array([0, 1]), np.array([], int), np.array([2]))
    labels = np.array([[1.0], [2.0], [1.0]])
    assert audit_molecules(smiles, labels, split).findings["leak"] == [2]
    apart = Split(np.array([0, 2]), np.array([], int), np.array([1]))
    assert "leak" not in audit_molecules(smiles, labels, apart).findings
