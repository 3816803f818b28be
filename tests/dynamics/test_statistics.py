"""Error bars hold what they promise."""

import math

import pytest
import torch

from mdlearn.dynamics.statistics import blocking, bootstrap


def remembering(frames: int, systems: int, memory: float, seed: int) -> torch.Tensor:
    """A series whose neighbors are alike: x' = c x + √(1 − c²) ξ, with variance one."""
    noise = torch.randn(frames, systems, generator=torch.Generator().manual_seed(seed)).double()
    keep, here, rows = math.exp(-1 / memory), noise[0], []
    for row in noise:
        here = keep * here + math.sqrt(1 - keep**2) * row
        rows.append(here)
    return torch.stack(rows)


def test_blocking_finds_the_error_of_a_series_with_memory() -> None:
    """The variance of the mean is (1 + c) / (1 − c) / n; a naive error would be 4.5 times too small."""
    frames, memory = 8192, 10.0
    keep = math.exp(-1 / memory)
    wanted = math.sqrt((1 + keep) / (1 - keep) / frames)
    found = [blocking(remembering(frames, 1, memory, seed)[:, 0]) for seed in range(6)]
    errors = [one.error for one in found]
    assert sum(errors) / 6 == pytest.approx(wanted, rel=0.15)
    misses = [abs(one.value) / one.error for one in found]
    assert max(misses) < 4
    assert sum(one.samples for one in found) / 6 == pytest.approx(frames / 20, rel=0.5)


def test_systems_are_independent_samples() -> None:
    series = remembering(2048, 16, 5.0, 1)
    one, all_of_them = blocking(series[:, 0]), blocking(series)
    assert all_of_them.error == pytest.approx(one.error / 4, rel=0.35)


def test_a_series_too_short_for_its_memory_says_so() -> None:
    assert math.isnan(blocking(remembering(64, 1, 200.0, 0)[:, 0]).error)
    with pytest.raises(ValueError, match="two frames or more"):
        blocking(torch.zeros(1))
    assert blocking(torch.ones(10)).error == 0


def test_bootstrap_gives_the_standard_error() -> None:
    samples = torch.randn(400, generator=torch.Generator().manual_seed(0)).double()
    value, error = bootstrap(lambda rows: rows.mean(), samples, seed=1)
    assert float(value) == float(samples.mean())
    assert float(error) == pytest.approx(1 / 20, rel=0.15)
    again = bootstrap(lambda rows: rows.mean(), samples, seed=1)[1]
    assert torch.equal(again, error)
    with pytest.raises(ValueError, match="two samples"):
        bootstrap(lambda rows: rows.mean(), samples[:1])
