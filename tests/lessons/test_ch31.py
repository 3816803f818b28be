"""Right answers of chapter 31 pass; wrong ones get the sentence that helps."""

import numpy as np

from mdlearn.structure.sequences import families


def turn(a, b, c, d):
    u = (c - b) / np.linalg.norm(c - b)
    v, w = (x - (x @ u) * u for x in (a - b, d - c))
    return np.arctan2(np.cross(u, v) @ w, v @ w)


def q3(a, b):
    coarse = str.maketrans("HGIEBTSL", "HHHEECCC")
    return 100 * np.mean(
        [x == y for x, y in zip(a.translate(coarse), b.translate(coarse), strict=True)]
    )


def apart(sequences):
    number = families(sequences)
    return np.isin(number, np.unique(number)[::5])


RIGHT = [("31.1", turn), ("31.2", q3), ("31.3", apart)]


WRONG = [
    ("31.1", lambda *p: np.degrees(turn(*p)), "degrees"),
    ("31.1", lambda *p: abs(turn(*p)), "arctan2"),
    ("31.1", lambda *p: -turn(*p), "mirrored"),
    ("31.1", lambda *p: 0.0, "lies along"),
    ("31.2", lambda a, b: q3(a, b) / 100, "HHHH|share"),
    ("31.2", lambda a, b: 100.0 * (a == b), "helices"),
    ("31.2", lambda a, b: 100.0, "two of three"),
    ("31.3", lambda s: np.arange(len(s)) % 4 == 0, "you part them"),
    ("31.3", lambda s: np.zeros(len(s), bool), "between 5 and 50"),
    ("31.3", lambda s: np.zeros(3, bool), "for each sequence"),
]
