"""Right answers of chapter 42 pass; wrong ones get the sentence that helps."""

import math

import numpy as np


def ranked(errors, alpha):
    return np.sort(np.abs(errors))[math.ceil((len(errors) + 1) * (1 - alpha)) - 1]


def shared(scaffolds, train, test):
    return list({scaffolds[i] for i in train} & {scaffolds[i] for i in test})


RIGHT = [
    ("42.1", ranked),
    ("42.2", shared),
    ("42.3", lambda values: np.std(values, ddof=1) / len(values) ** 0.5),
]
WRONG = [
    ("42.1", lambda e, a: np.sort(e)[9], "below that"),
    ("42.1", lambda e, a: 1.645 * e.std(), "Gaussian"),
    ("42.1", lambda e, a: 5, "90th smallest"),
    ("42.1", lambda e, a: np.sort(e)[89], "size first"),
    ("42.2", lambda s, a, b: [3, 5], "these are rows"),
    ("42.2", lambda s, a, b: s, "which are common"),
    ("42.2", lambda s, a, b: ["a", "b"], "must be empty"),
    ("42.3", lambda v: np.std(v, ddof=1), "single runs"),
    ("42.3", lambda v: np.std(v) / 5**0.5, "n − 1"),
    ("42.3", lambda v: 1.0, "root of n"),
]
