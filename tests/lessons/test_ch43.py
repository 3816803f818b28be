"""Right answers of chapter 43 pass; wrong ones get the sentence that helps."""

import numpy as np


def masked(value, players):
    without = ~np.eye(players, dtype=bool)
    return np.array([value(np.ones(players, bool)) - value(one) for one in without])


def integrated(slope, x, steps):
    return x * np.mean([slope(a * x) for a in (np.arange(steps) + 0.5) / steps])


RIGHT = [
    ("43.1", masked),
    ("43.2", integrated),
    ("43.3", lambda truth, untrained: truth > 0.5 > untrained),
]
WRONG = [
    ("43.1", lambda v, n: -masked(v, n), "sign"),
    ("43.1", lambda v, n: np.array([v(one) for one in np.eye(n, dtype=bool)]), "alone"),
    ("43.1", lambda v, n: np.zeros(n), "all but this one"),
    ("43.1", lambda v, n: np.zeros(2), "one number for each"),
    ("43.1", lambda v, n: v([True]), "one True or False"),
    ("43.2", lambda f, x, n: x * f(x), "gradient times input"),
    ("43.2", lambda f, x, n: integrated(f, x, n) / x, "times the way"),
    ("43.2", lambda f, x, n: 0, "mean of slope"),
    ("43.3", lambda t, u: False, "nothing speaks against"),
    ("43.3", lambda t, u: t > 0.5, "learned nothing"),
    ("43.3", lambda t, u: u < 0.5, "little to do"),
]
