"""Confidence is judged by families that drew no line."""

import numpy as np

from mdlearn.recipes.confidence import held_out, judge


def families(count: int = 8) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    said = [rng.uniform(0.2, 0.6, 30) for _ in range(count)]
    return said, [0.1 + 0.9 * row + 0.02 * rng.normal(size=30) for row in said]


def test_a_family_says_nothing_in_its_own_judgement():
    said, true = families()
    before = held_out(said, true)
    moved = [row.copy() for row in true]
    moved[3] = 1 - moved[3]
    after = held_out(said, moved)
    np.testing.assert_array_equal(after[3], before[3])
    assert np.abs(after[2] - before[2]).max() > 0.01


def test_perfect_guesses_are_judged_perfect_and_noise_is_not():
    _, true = families()
    for value, low, high in list(judge(true, true, draws=50).values())[:2]:
        np.testing.assert_allclose([value, low, high], 1.0)
    assert judge(true, true, draws=50)["mean error per protein"] == (0.0, 0.0, 0.0)
    rng = np.random.default_rng(1)
    blind = [rng.permutation(row) for row in true[::-1]]
    value, low, high = judge(blind, true, draws=200)["correlation per residue"]
    assert low < value < high and low < 0.2
    assert judge(blind, true, draws=200) == judge(blind, true, draws=200)
