"""Exercises of chapter 31, the shape of proteins: each is tested by what must hold, not by a number."""

from collections.abc import Callable, Sequence

import numpy as np

from mdlearn.lesson import Exercise, Wrong
from mdlearn.structure.scores import dihedral
from mdlearn.structure.sequences import families, overlap


def torsion(answer: Callable[..., float]) -> str:
    """A function that gives the torsion angle of four points (radians)."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 4, 3))
    true = dihedral(*points.transpose(1, 0, 2))
    got = np.array([float(answer(*four)) for four in points])
    if np.allclose(got, np.degrees(true)):
        raise Wrong("that is in degrees; radians are wanted")
    if np.allclose(got, np.abs(true)):
        raise Wrong(
            "the size is right, but the sign tells left from right: use arctan2, not arccos"
        )
    if np.allclose(got, -true):
        raise Wrong("mirrored: seen along b → c, a turn to the right is positive")
    if not np.allclose(got, true, atol=1e-6):
        raise Wrong("take a − b and d − c, and from both away what lies along c − b")
    return "and in a mirror every torsion changes its sign"


def three_state_accuracy(answer: Callable[[str, str], float]) -> str:
    """A function that compares eight-state strings as three states (%)."""
    cases = {
        ("HHHH", "GGII"): (100.0, "H, G and I are all helices"),
        ("EEBB", "EBEB"): (100.0, "E and B are both strands"),
        ("TSL", "LTS"): (100.0, "T, S and L are all other"),
        ("HET", "EET"): (200 / 3, "two of three residues agree: that is 66.7 %"),
    }
    for (a, b), (true, said) in cases.items():
        got = float(answer(a, b))
        if np.isclose(got, true / 100) and true < 100:
            raise Wrong("that is a share; per cent are wanted")
        if not np.isclose(got, true):
            raise Wrong(f"{a} against {b}: {said}")
    return "Q3, as every paper since the 1980s reports it"


def honest_split(answer: Callable[[Sequence[str]], np.ndarray]) -> str:
    """A function that marks the test sequences so that nothing similar crosses."""
    rng = np.random.default_rng(1)
    base = ["".join(rng.choice(list("ACDEFGHIKLMNPQRSTVWY"), 40)) for _ in range(30)]
    sequences = [
        s for k, s in enumerate(base) for s in ([s, s[:30] + base[k - 1][:10]] if k % 3 else [s])
    ]
    tested = np.asarray(answer(list(sequences)))
    if tested.dtype != bool or tested.shape != (len(sequences),):
        raise Wrong("one True or False for each sequence is wanted: True for the test")
    if not 0.05 < tested.mean() < 0.5:
        raise Wrong(f"between 5 and 50 % should be tested, you test {tested.mean():.0%}")
    crossing = [
        (i, j)
        for i in np.flatnonzero(tested)
        for j in np.flatnonzero(~tested)
        if overlap(sequences[i], sequences[j]) > 0.3
    ]
    if crossing:
        i, j = crossing[0]
        raise Wrong(f"sequences {i} and {j} share more than 30 % of their words, and you part them")
    if len(np.unique(families(sequences)[tested])) < 2:
        raise Wrong("the test is a single family; take several")
    return "whole families go to one side"


EXERCISES = {
    "31.1": Exercise(
        torsion,
        (
            "Look along b → c: what do you see of a and of d? Only what stands across counts.",
            "With u along c − b, the parts v and w of a − b and d − c across u span the angle.",
            "`np.arctan2(np.cross(u, v) @ w, v @ w)`, u of length one.",
        ),
    ),
    "31.2": Exercise(
        three_state_accuracy,
        (
            "Which of the eight states count as one? Then it is a comparison, letter by letter.",
            "First a dictionary from eight letters to three, then compare.",
            '`coarse = str.maketrans("HGIEBTSL", "HHHEECCC")`, then `a.translate(coarse)`.',
        ),
    ),
    "31.3": Exercise(
        honest_split,
        (
            "Not sequences are divided here but families. Why is a random fifth of the sequences dishonest?",
            "`families(sequences)` numbers the families; nothing similar is in two of them.",
            "Choose family numbers, then `np.isin(number, chosen)`.",
        ),
    ),
}
