"""Intervals cover, curves are straight for honest models, comparisons find what is there."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_rel

from mdlearn.uncertainty import (
    calibration_curve,
    compare,
    conformal_quantile,
    coverage,
    reliability,
    standard_error,
)


def test_the_conformal_rank_is_exact():
    scores = np.arange(1.0, 100.0)
    assert conformal_quantile(scores, 0.1) == 90
    assert conformal_quantile(scores[:9], 0.1) == 9
    assert conformal_quantile(scores[:8], 0.1) == math.inf
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal_quantile(scores, 90)


def test_conformal_intervals_cover_whatever_the_distribution():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        scores = rng.pareto(1.5, 40)
        inside.append(rng.pareto(1.5) <= conformal_quantile(scores, 0.2))
    assert np.mean(inside) == pytest.approx(33 / 41, abs=0.027)  # rank/(n + 1), 3 standard errors


def test_coverage_counts_known_truths():
    truth = np.array([0.0, 1.0, np.nan, 3.0])
    assert coverage(truth, truth - 1, np.array([1.0, 0.5, 1.0, 9.0])) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no truth"):
        coverage(np.full(2, np.nan), np.zeros(2), np.ones(2))


def test_an_honest_model_is_calibrated_and_a_vain_one_is_not():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    levels, found = calibration_curve(truth, np.zeros(4000), np.ones(4000))
    np.testing.assert_allclose(found, levels, atol=0.03)
    _, vain = calibration_curve(truth, np.zeros(4000), np.full(4000, 0.2))
    assert vain[-2] < 0.4


def test_reliability_bins_probabilities():
    rng = np.random.default_rng(0)
    probability = rng.random(5000)
    truth = (rng.random(5000) < probability).astype(float)
    said, hits, counts = reliability(truth, probability, bins=5)
    np.testing.assert_allclose(said, hits, atol=0.05)
    assert counts.sum() == 5000 and len(said) == 5


def test_two_methods_are_compared_as_by_a_paired_t_test():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=25)
    a, b = hard + rng.normal(0, 0.1, 25), hard + 0.1 + rng.normal(0, 0.1, 25)
    found = compare({"a": a, "b": b})
    assert found.names == ("a", "b") and found.pairs == 25
    assert found.p[0, 1] == pytest.approx(ttest_rel(a, b).pvalue, rel=1e-3)
    assert found.effect[1, 0] == pytest.approx((b - a).mean() / (b - a).std(ddof=1))
    assert compare({"a": a, "b": b}, better="higher").names == ("b", "a")


def test_chance_is_not_taken_for_a_difference():
    rng = np.random.default_rng(1)
    same = {name: rng.normal(size=25) for name in "abcd"}
    assert compare(same).p.min() > 0.05
    better = same | {"e": rng.normal(size=25) - 2}
    found = compare(better)
    assert found.names[0] == "e" and found.p[0, 1:].max() < 0.01
    assert "behind by" in str(found)
    with pytest.raises(ValueError, match="two methods"):
        compare({"a": np.arange(3.0)})


def test_the_standard_error_of_three_values():
    assert standard_error(np.array([1.0, 2.0, 3.0])) == pytest.approx(3**-0.5)
    assert math.isnan(standard_error(np.ones(1)))
