"""Right answers of chapter 11 pass; wrong ones get the sentence that helps."""

from itertools import permutations

import numpy as np
import pytest

from mdlearn.lesson import Wrong, check


def pairs(numbers, positions):
    i, j = np.triu_indices(len(numbers), 1)
    return np.linalg.norm(positions[i] - positions[j], axis=1), numbers[i] * numbers[j]


def weighed(numbers, positions):
    lengths, kinds = pairs(numbers, positions)
    return np.sort(lengths * kinds)


def summed(numbers, positions):
    """Another right answer: histograms of distances, one for each kind of pair."""
    lengths, kinds = pairs(numbers, positions)
    return [np.exp(-(((lengths - c) / 0.3) ** 2)) @ (kinds == k) for c in (1, 2, 3) for k in (6, 8)]


def orders(energy, positions):
    return [energy(positions[list(order)]) for order in permutations(range(len(positions)))]


def mean(energy, positions):
    return np.mean(orders(energy, positions))


def cyclic(energy, positions):
    return np.mean([energy(np.roll(positions, k, axis=0)) for k in range(3)])


def by_place(energy, positions):
    return energy(positions[np.argsort(positions[:, 0])])


def spoiling(energy, positions):
    positions += 1.0
    return energy(positions)


RIGHT = [
    ("11.1", 1440),
    ("11.2", 22),
    ("11.3", weighed),
    ("11.3", summed),
    ("11.4", mean),
]
WRONG = [
    ("11.1", 720, "carbons are equal"),
    ("11.1", 362880, "name of a hydrogen"),
    ("11.1", 722, "multiply"),
    ("11.1", 12, "more than six orders"),
    ("11.1", 1439, "itself"),
    ("11.1", 100, "factorials"),
    ("11.2", 28, "known beforehand"),
    ("11.2", 27, "energy counts too"),
    ("11.2", 25, "three components more"),
    ("11.2", 21, "energy is news"),
    ("11.2", 26, "one for x"),
    ("11.2", 24, "torque in the same way"),
    ("11.2", 9, "start from 28"),
    ("11.3", lambda z, r: r.ravel(), "shift"),
    ("11.3", lambda z, r: (r - r.mean(0)).ravel(), "turn"),
    ("11.3", lambda z, r: pairs(z, r)[0], "renumber"),
    ("11.3", lambda z, r: np.sort(z), "another shape"),
    ("11.3", lambda z, r: 1 / np.linalg.norm(r[:, None] - r, axis=-1).clip(0), "finite"),
    ("11.4", lambda e, r: e(r), "as it was"),
    ("11.4", lambda e, r: sum(orders(e, r)), "the sum"),
    ("11.4", lambda e, r: min(orders(e, r)), "kink"),
    ("11.4", lambda e, r: max(orders(e, r)), "kink"),
    ("11.4", cyclic, "some order is missing"),
    ("11.4", lambda e, r: np.median(orders(e, r)), "not the mean"),
    ("11.4", spoiling, "changes the positions"),
]


def test_sorting_by_place_is_no_mean():
    with pytest.raises(Wrong):
        check("11.4", by_place)
