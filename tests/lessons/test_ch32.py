"""Right answers of chapter 32 pass; wrong ones get the sentence that helps."""

import numpy as np


def neff(table):
    return (1 / ((table[:, None] == table[None]).mean(-1) >= 0.8).sum(1)).sum()


def zero(table):
    return table - table.mean(0) - table.mean(1)[:, None] + table.mean()


def apc(scores):
    mean = scores.sum(0) / (len(scores) - 1)
    return scores - np.outer(mean, mean) / mean.mean()


def changing(table):
    table -= table.mean()
    return table


RIGHT = [("32.1", neff), ("32.2", zero), ("32.3", apc)]


WRONG = [
    ("32.1", len, "counts every sequence"),
    ("32.1", lambda t: neff(t) / len(t), "add up one over"),
    ("32.1", lambda t: len(np.unique(t, axis=0)) - 0.5, "add up one over"),
    ("32.2", changing, "return a new one"),
    ("32.2", lambda t: t - t.mean(), "each row and each column"),
    ("32.2", lambda t: t - t.mean(0), "one direction"),
    ("32.2", lambda t: t[:20, :20], "keeps its shape"),
    ("32.2", lambda t: 0 * t, "preferences changed"),
    ("32.3", lambda s: s, "nothing was taken"),
    ("32.3", lambda s: s[:, 0], "for each pair"),
    ("32.3", lambda s: s - np.outer(s.mean(0), s.mean(0)) / s.mean(), "the diagonal"),
]
