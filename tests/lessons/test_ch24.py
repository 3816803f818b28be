"""Right answers of chapter 24 pass; wrong ones get the sentence that helps; frames keep what is needed."""

import numpy as np
import pytest
import torch

from mdlearn.lessons.ch24 import histograms, measured, melt, properties, sample
from mdlearn.potentials.pair import LennardJones
from mdlearn.units import kB, kJ_per_mol


def weights(new, old, kelvin):
    x = -(new - old) / (kB * kelvin)
    w = np.exp(x - x.max())
    return w / w.sum()


def plain(new, old, kelvin):
    with np.errstate(all="ignore"):
        w = np.exp(-(new - old) / (kB * kelvin))
        return w / w.sum()


def counting(share):
    return 1 / (share**2).sum()


def entropy(share):
    with np.errstate(all="ignore"):
        return np.exp(-(share * np.log(share)).sum())


def slope(values, own, rising, kelvin):
    return own.mean() - ((values - values.mean()) * (rising - rising.mean())).mean() / (kB * kelvin)


RIGHT = [("24.1", weights), ("24.2", counting), ("24.3", slope)]
WRONG = [
    ("24.1", lambda n, o, k: weights(o, n, k), "the sign"),
    ("24.1", lambda n, o, k: 2 * weights(n, o, k), "sum to one"),
    ("24.1", lambda n, o, k: weights(n, o, 2 * k), "with kT"),
    ("24.1", lambda n, o, k: 1.0, "one weight for each frame"),
    ("24.1", plain, "overflows"),
    ("24.2", lambda share: 1 / share.max() + 1, "equal weights"),
    ("24.2", entropy, "0 · log 0"),
    ("24.2", lambda share: share.max(), "equal weights|weights"),
    ("24.3", lambda v, o, r, k: o.mean(), "frames that are visited change too"),
    ("24.3", lambda v, o, r, k: 2 * o.mean() - slope(v, o, r, k), "the sign"),
    ("24.3", lambda v, o, r, k: o.mean() - (v * r).mean() / (kB * k), "covariance"),
    ("24.3", lambda v, o, r, k: 0.0, "cov"),
]


def test_the_measured_table_is_that_of_argon():
    table = measured()
    assert 1.37 < table[90.0]["density (g/cm³)"] < 1.39
    heats = [row["heat of vaporization (kJ/mol)"] for row in table.values()]
    assert heats == sorted(heats, reverse=True)


@pytest.fixture(scope="module")
def boxes():
    return melt(LennardJones(cutoff=7.0, tail=True), 90.0, replicas=2)


def test_melted_boxes_are_no_crystals(boxes):
    density, _ = properties(boxes.energies, boxes.system.volumes(), 90.0)
    assert density.max() < 1.5  # g/cm³; solid argon has 1.6


def test_frames_keep_histograms_that_give_their_energies(boxes):
    potential = LennardJones(cutoff=7.0)
    edges = torch.linspace(2.6, 7.0, 881, dtype=torch.float64)
    frames = sample(potential, boxes, 90.0, edges, steps=20)
    assert frames.counts.shape == (4, 880)
    middles = 0.5 * (edges[1:] + edges[:-1])
    sums = frames.counts @ potential.curve(middles**2)[0]
    torch.testing.assert_close(sums, frames.energies, rtol=2e-3, atol=0)
    assert histograms(frames.last, edges).sum() > 2 * 108 * 10


def test_properties_of_an_ideal_gas_hold_nothing_together():
    density, heat = properties(torch.tensor(0.0), torch.tensor(1e5), 90.0)
    assert float(heat * kJ_per_mol) == pytest.approx(kB * 90, abs=0.01)
    assert float(density) == pytest.approx(108 * 39.948 / 1e5 / 0.6022, rel=1e-3)
