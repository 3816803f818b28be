"""Attributions of functions whose answer is known."""

import numpy as np
import pytest
import torch

from mdlearn.explain import (
    agreement,
    correlation,
    gradient_times_input,
    integrated_gradients,
    masking,
    sanity,
    shapley,
)

WEIGHTS = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


def linear(x):
    return (x * WEIGHTS).sum()


def test_all_methods_agree_on_a_linear_model():
    x = torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64)
    wanted = x * WEIGHTS
    torch.testing.assert_close(gradient_times_input(linear, x)[0], wanted)
    torch.testing.assert_close(integrated_gradients(linear, x)[0], wanted)

    def masked(masks):
        return masks @ wanted.numpy()

    np.testing.assert_allclose(masking(masked, 3), wanted)
    np.testing.assert_allclose(shapley(masked, 3), wanted)


def test_integrated_gradients_add_up_where_gradients_do_not():
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)

    def model(x):
        return (x[0] * x[1]) ** 2

    assert float(integrated_gradients(model, x, steps=200)[0].sum()) == pytest.approx(4, rel=1e-4)
    assert float(gradient_times_input(model, x)[0].sum()) == pytest.approx(16)


def test_the_shares_of_a_game_are_shapleys():
    def gloves(masks):  # one left glove, two right ones: a pair is worth 1
        return (masks[:, 0] & (masks[:, 1] | masks[:, 2])).astype(float)

    np.testing.assert_allclose(shapley(gloves, 3), [2 / 3, 1 / 6, 1 / 6])


def test_sampled_shares_add_up_and_come_near():
    rng = np.random.default_rng(1)
    weights = rng.normal(size=14)

    def game(masks):
        return masks @ weights + masks[:, 0] * masks[:, 1]

    found = shapley(game, 14, samples=200, seed=0)
    wanted = weights + 0.5 * (np.arange(14) < 2)
    assert found.sum() == pytest.approx(weights.sum() + 1)
    np.testing.assert_allclose(found, wanted, atol=0.15)  # 4 standard errors of 0.5 / √200
    np.testing.assert_array_equal(found, shapley(game, 14, samples=200, seed=0))


def test_agreement_and_sanity_tell_right_from_wrong():
    rng = np.random.default_rng(0)
    truths = [rng.normal(size=8) for _ in range(20)]
    noise = [rng.normal(size=8) for _ in range(20)]
    right = agreement([3 * one for one in truths], truths)
    assert right["r"] == pytest.approx(1) and right["sign"] == 1
    wrong = agreement(noise, truths)
    assert abs(wrong["r"]) < 4 * wrong["r error"]
    assert sanity(truths, truths) == pytest.approx(1) and abs(sanity(noise, truths)) < 0.4
    assert np.isnan(correlation(np.ones(3), np.arange(3.0)))
    with pytest.raises(ValueError, match="constant"):
        agreement([np.ones(3)], [np.ones(3)])
