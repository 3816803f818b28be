"""Exercises of chapter 32, what evolution knows: each is tested by what must hold, not by a number."""

from collections.abc import Callable

import numpy as np

from mdlearn.lesson import Exercise, Wrong
from mdlearn.structure.alignments import weigh
from mdlearn.structure.couplings import correct


def effective_number(answer: Callable[[np.ndarray], float]) -> str:
    """A function that counts the sequences of an alignment, those 80 % alike as one."""
    rng = np.random.default_rng(0)
    table = rng.integers(0, 21, (40, 30))
    table[20:] = np.where(rng.random((20, 30)) < 0.85, table[:20], table[20:])
    got, true = float(answer(table.copy())), float(weigh(table).sum())
    if np.isclose(got, 40):
        raise Wrong("that counts every sequence; those that are alike must share one vote")
    strictly = (1 / ((table[:, None] == table[None]).mean(-1) > 0.8).sum(1)).sum()
    if np.isclose(got, strictly) and not np.isclose(got, true):
        raise Wrong("nearly: exactly 80 % alike already counts as alike, use ≥")
    distinct = len(np.unique(table, axis=0))
    if np.isclose(got, distinct) and not np.isclose(got, true):
        raise Wrong("that only joins sequences that are equal; 80 % is enough")
    if not np.isclose(got, true):
        raise Wrong(
            "for each sequence, count those at least 80 % equal to it, itself too; "
            "add up one over these counts"
        )
    return "a thousand copies of one sequence are one witness, not a thousand"


def gauge(answer: Callable[[np.ndarray], np.ndarray]) -> str:
    """A function that moves a table of couplings to the gauge in which rows and columns sum to zero."""
    table = np.random.default_rng(1).normal(size=(21, 21))
    given = table.copy()
    got = np.asarray(answer(given), dtype=float)
    if got.shape != table.shape:
        raise Wrong(f"the table keeps its shape {table.shape}, got {got.shape}")
    if not np.array_equal(given, table):
        raise Wrong("your function changes the table it was given; return a new one")
    rows, columns = np.abs(got.sum(1)).max(), np.abs(got.sum(0)).max()
    if rows > 1e-8 and columns > 1e-8:
        if abs(got.sum()) < 1e-8:
            raise Wrong("the sum of all is zero, but each row and each column must be too")
        raise Wrong("rows and columns do not sum to zero; take away the mean of each")
    if max(rows, columns) > 1e-8:
        raise Wrong("one direction is right, the other not; after both, add the mean of all back")
    kept = lambda t: t[1, 2] - t[4, 2] - t[1, 5] + t[4, 5]  # noqa: E731
    if not np.isclose(kept(got), kept(table)):
        raise Wrong("rows and columns sum to zero, but the preferences changed: use means only")
    return "the preferences stay, and what belongs to one column alone is gone from the pair"


def product_correction(answer: Callable[[np.ndarray], np.ndarray]) -> str:
    """A function that takes away from each pair what both columns have with everybody."""
    rng = np.random.default_rng(2)
    loud = rng.random(12)
    scores = np.outer(loud, loud)
    np.fill_diagonal(scores, 0.0)
    scores[2, 9] = scores[9, 2] = scores[2, 9] + 0.5
    got = np.asarray(answer(scores.copy()), dtype=float)
    if got.shape != scores.shape:
        raise Wrong("one corrected score for each pair is wanted")
    off = ~np.eye(12, dtype=bool)
    if np.allclose(got[off], scores[off]):
        raise Wrong("nothing was taken away")
    if not np.allclose(got[off], correct(scores)[off]):
        raise Wrong(
            "S − (mean of row i) · (mean of row j) / (mean of all), and the diagonal "
            "counts in none of the three means"
        )
    return "the one pair that is more than its two loud columns stands out"


EXERCISES = {
    "32.1": Exercise(
        effective_number,
        (
            "A hundred copies of one sequence: how much should each of them count?",
            "`(table[:, None] == table[None]).mean(-1)` is the likeness of all pairs of rows.",
            "`alike = (likeness >= 0.8).sum(1)`, and the answer is `(1 / alike).sum()`.",
        ),
    ),
    "32.2": Exercise(
        gauge,
        (
            "What can be added to a table without any change of which pairs it prefers?",
            "Take away the mean of each row and the mean of each column. What was taken twice?",
            "`table - table.mean(0) - table.mean(1)[:, None] + table.mean()`",
        ),
    ),
    "32.3": Exercise(
        product_correction,
        (
            "If both columns score high with everybody, what would you expect of their pair?",
            "With n columns, the mean of a row without its diagonal is its sum over n − 1.",
            "`m = scores.sum(0) / (len(scores) - 1)`; then `scores - np.outer(m, m) / m.mean()`.",
        ),
    ),
}
