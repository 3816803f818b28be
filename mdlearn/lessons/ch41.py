"""Exercises of chapter 41, molecules as graphs: tested by what must hold."""

from collections.abc import Callable, Sequence

import numpy as np
from rdkit import Chem

from mdlearn.lesson import Exercise, Wrong

# (CH)8 twice: three neighbors everywhere, the same atoms and bonds, another arrangement
CUBANE = "C12C3C4C1C5C2C3C45"
CUNEANE = "C12C3C4C3C5C1C2C45"


def planar(smiles: str) -> Chem.Mol:
    """A cage drawn so that no bonds cross: a ring outside, each other atom amid its neighbors.

    References:
        Tutte, Proc. London Math. Soc. 13, 743 (1963), doi:10.1112/plms/s3-13.1.743.
    """
    molecule = Chem.MolFromSmiles(smiles)
    bonded = Chem.GetAdjacencyMatrix(molecule).astype(float)
    ring = list(max(molecule.GetRingInfo().AtomRings(), key=len))
    angle = 2 * np.pi * (np.arange(len(ring)) + 0.5) / len(ring)
    laplace, places = np.diag(bonded.sum(1)) - bonded, np.zeros((len(bonded), 2))
    laplace[ring] = np.eye(len(bonded))[ring]
    places[ring] = 3 * np.stack([np.cos(angle), np.sin(angle)], 1)
    places = np.linalg.solve(laplace, places)
    shape = Chem.Conformer(len(bonded))
    shape.Set3D(False)
    for atom, (x, y) in enumerate(places.tolist()):
        shape.SetAtomPosition(atom, (x, y, 0.0))
    molecule.AddConformer(shape)
    return molecule


def refinement(answer: Callable[[Sequence[int], Sequence[Sequence[int]]], Sequence[int]]) -> str:
    """One round of color refinement: equal if and only if own color and neighbors' colors agree."""
    chain = [[1], [0, 2], [1, 3], [2, 4], [3]]
    got = list(answer([0, 0, 0, 0, 0], chain))
    if len(got) != 5:
        raise Wrong(f"one color per atom is wanted, 5 of them; got {len(got)}")
    if len(set(got)) == 1:
        raise Wrong("ends and middle have different numbers of neighbors; their colors must differ")
    if len(set(got)) > 2:
        raise Wrong("atoms 1, 2 and 3 see the same; they must keep one color")
    star = [[1, 2], [0], [0]]
    for colors, same in (([0, 1, 2], False), ([0, 1, 1], True)):
        new = list(answer(colors, star))
        if (new[1] == new[2]) != same:
            raise Wrong(
                "the own color counts too: equal only if it and the neighbors' colors agree"
            )
    order = list(answer([0, 1, 2, 0], [[1, 2], [0, 3], [0, 3], [2, 1]]))
    if order[0] != order[3]:
        raise Wrong("neighbors have no order: sort their colors before you compare")
    return "that is the Weisfeiler–Leman test, and the limit of every message-passing network"


def tanimoto(answer: Callable[[set, set], float]) -> str:
    """Similarity of two sets of features."""
    for a, b in (({1, 2, 3}, {2, 3, 4, 5}), ({1}, {2}), ({7, 8}, {7, 8})):
        got, true = float(answer(a, b)), len(a & b) / len(a | b)
        told = {
            2 * len(a & b) / (len(a) + len(b)): "that is Dice's; Tanimoto divides by the union",
            1 - true: "that is the distance; similarity of equal sets is 1",
            len(a & b) / len(a): "divide by the union, so that a and b can change places",
        }
        if abs(got - true) > 1e-9:
            for value, sentence in told.items():
                if abs(got - value) < 1e-9:
                    raise Wrong(sentence)
            raise Wrong("features in both, over features in either")
    return "1 for equal sets, 0 for strangers, and the same from either side"


def incoming(answer: Callable[[Sequence[tuple[int, int]]], Sequence[Sequence[int]]]) -> str:
    """For each directed bond, the bonds whose message it hears."""
    bonds = [(0, 1), (1, 0), (1, 2), (2, 1), (1, 3), (3, 1)]
    got = [sorted(row) for row in answer(bonds)]
    true = [[k for k, (a, b) in enumerate(bonds) if b == v and a != w] for v, w in bonds]
    with_back = [[k for k, (a, b) in enumerate(bonds) if b == v] for v, w in bonds]
    if got == with_back:
        raise Wrong("nearly: a message must not come straight back; leave out the reverse bond")
    if len(got) != 6:
        raise Wrong(f"one list per directed bond is wanted, 6 of them; got {len(got)}")
    if got != true:
        raise Wrong("bond (v, w) hears the bonds that end at v, all but (w, v)")
    return "the line graph: message passing is a sum over these lists, nothing else"


def rmse(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """Root mean square error."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=9), rng.normal(size=9)
    got, miss = float(answer(a, b)), a - b
    told = {
        float((miss**2).mean()): "that is the mean square; take the root",
        float(np.abs(miss).mean()): "that is the MAE; square before the mean",
        float(np.sqrt((miss**2).sum())): "that is the root of a sum; take the mean first",
    }
    true = float(np.sqrt((miss**2).mean()))
    if abs(got - true) > 1e-9:
        for value, sentence in told.items():
            if abs(got - value) < 1e-9:
                raise Wrong(sentence)
        raise Wrong("root of the mean of the squared differences")
    return "in units of the label: for logS, one is a factor of ten"


EXERCISES = {
    "41.1": Exercise(
        refinement,
        (
            "What must two atoms share to get the same new color? Put all of it into one name.",
            "Make a name for each atom: `(colors[i], tuple(sorted(colors[j] for j in …)))`.",
            "Number the names: `names.index(name)` gives equal numbers to equal names.",
        ),
    ),
    "41.2": Exercise(
        tanimoto,
        (
            "What do both have, and what does at least one of them have?",
            "`a & b` and `a | b` are sets.",
            "len(a & b) / len(a | b)",
        ),
    ),
    "41.3": Exercise(
        incoming,
        (
            "A bond v → w collects what flows into v, but must not hear itself coming back.",
            "Two loops: for each bond (v, w), over all bonds (a, b).",
            "Keep k if b == v and a != w.",
        ),
    ),
    "41.4": Exercise(
        rmse,
        (
            "Its unit is that of the label. Which step takes the sign away, which one brings the unit back?",
            "Difference, square, mean, root.",
            "np.sqrt(((a - b) ** 2).mean())",
        ),
    ),
}
