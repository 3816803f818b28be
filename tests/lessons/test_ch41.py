"""Right answers of chapter 41 pass; wrong ones get the sentence that helps."""

from itertools import combinations

import numpy as np
import pytest
from rdkit import Chem

from mdlearn.lessons.ch41 import CUBANE, CUNEANE, planar
from mdlearn.view.molecules import _flat


def refine(colors, neighbors):
    names = [
        (c, tuple(sorted(colors[j] for j in n))) for c, n in zip(colors, neighbors, strict=True)
    ]
    return [names.index(name) for name in names]


def hears(bonds):
    return [[k for k, (a, b) in enumerate(bonds) if b == v and a != w] for v, w in bonds]


RIGHT = [
    ("41.1", refine),
    ("41.2", lambda a, b: len(a & b) / len(a | b)),
    ("41.3", hears),
    ("41.4", lambda a, b: np.sqrt(((a - b) ** 2).mean())),
]
WRONG = [
    ("41.1", lambda c, n: c, "must differ"),
    ("41.1", lambda c, n: [0, 1], "one color per atom"),
    ("41.1", lambda c, n: list(range(len(c))), "keep one color"),
    ("41.1", lambda c, n: [len(x) for x in n], "own color counts"),
    ("41.1", lambda c, n: [str((c[i], [c[j] for j in x])) for i, x in enumerate(n)], "no order"),
    ("41.2", lambda a, b: 2 * len(a & b) / (len(a) + len(b)), "Dice"),
    ("41.2", lambda a, b: 1 - len(a & b) / len(a | b), "distance"),
    ("41.2", lambda a, b: len(a & b) / len(a), "change places"),
    ("41.2", lambda a, b: 9, "features in both"),
    ("41.3", lambda bonds: [[k for k, (a, b) in enumerate(bonds) if b == v] for v, w in bonds], "straight back"),
    ("41.3", lambda bonds: [[]], "one list per"),
    ("41.3", lambda bonds: [[]] * 6, "all but"),
    ("41.4", lambda a, b: ((a - b) ** 2).mean(), "take the root"),
    ("41.4", lambda a, b: np.abs(a - b).mean(), "MAE"),
    ("41.4", lambda a, b: np.sqrt(((a - b) ** 2).sum()), "mean first"),
    ("41.4", lambda a, b: 0, "root of the mean"),
]  # fmt: skip


def test_the_twins_are_two_molecules_of_one_formula():
    first, second = (Chem.MolFromSmiles(text) for text in (CUBANE, CUNEANE))
    assert Chem.MolToSmiles(first) != Chem.MolToSmiles(second)
    for molecule in (first, second):
        assert molecule.GetNumAtoms() == 8
        assert {atom.GetDegree() for atom in molecule.GetAtoms()} == {3}


@pytest.mark.parametrize("smiles", [CUBANE, CUNEANE])
def test_a_cage_is_drawn_without_crossing_bonds_and_stays_so(smiles):
    molecule = planar(smiles)
    x = molecule.GetConformer().GetPositions()[:, :2]
    bonds = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]

    def side(a, b, c):
        return np.sign(np.linalg.det(np.stack([x[b] - x[a], x[c] - x[a]])))

    for (a, b), (c, d) in combinations(bonds, 2):
        if not {a, b} & {c, d}:
            assert side(a, b, c) == side(a, b, d) or side(c, d, a) == side(c, d, b)
    assert np.array_equal(_flat(molecule).GetConformer().GetPositions()[:, :2], x)
