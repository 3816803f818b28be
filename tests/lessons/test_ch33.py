"""Right answers of chapter 33 pass; wrong ones get the sentence that helps."""

import numpy as np


def laid(a, b, *, turn_only=True):
    a, b = a - a.mean(0), b - b.mean(0)
    u, _, v = np.linalg.svd(a.T @ b)
    if turn_only and np.linalg.det(u @ v) < 0:
        u[:, -1] *= -1
    return np.sqrt(((a @ u @ v - b) ** 2).sum(1).mean())


def hand(trace):
    a, b, c = (np.diff(trace, axis=0)[k : len(trace) - 3 + k] for k in range(3))
    return (np.cross(a, b) * c).sum()


def tables(model, native):
    return (np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (model, native))


def kept(model, native):
    a, b = tables(model, native)
    counts = (b < 15) & ~np.eye(len(b), dtype=bool)
    return np.mean([(np.abs(a - b) < limit)[counts] for limit in (0.5, 1, 2, 4)])


def kept_with_self(model, native):
    a, b = tables(model, native)
    return np.mean([(np.abs(a - b) < limit)[b < 15] for limit in (0.5, 1, 2, 4)])


def kept_far(model, native):
    a, b = tables(model, native)
    others = ~np.eye(len(b), dtype=bool)
    return np.mean([(np.abs(a - b) < limit)[others] for limit in (0.5, 1, 2, 4)])


RIGHT = [("33.1", laid), ("33.2", hand), ("33.3", kept)]


WRONG = [
    ("33.1", lambda a, b: np.sqrt(((a - b) ** 2).sum(1).mean()), "nothing was superposed"),
    ("33.1", lambda a, b: laid(a, b, turn_only=False), "reflection"),
    ("33.1", lambda a, b: laid(a, b) * 1.1, "not for others"),
    ("33.2", lambda t: np.linalg.norm(t[0] - t[-1]), "same in a mirror"),
    ("33.2", lambda t: t[0, 0], "turned or shifted"),
    ("33.2", lambda t: 0.0, "zero"),
    ("33.3", kept_with_self, "to itself"),
    ("33.3", kept_far, "under 15 Å"),
    ("33.3", lambda a, b: 0.5, "two tables"),
]
