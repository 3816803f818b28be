"""Right answers of chapter 23 pass; wrong ones get the sentence that helps."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from ase.build import molecule

from mdlearn.lessons.ch23 import PLANCK, draw_map, watch, whole
from mdlearn.potentials.weights import load
from mdlearn.units import fs, kB, ps


def weights(bias, heat):
    shares = np.exp((bias - bias.max()) / heat)
    return shares / shares.sum()


def plain(bias, heat):
    return np.exp(bias / heat) / np.exp(bias / heat).sum()


def backward(bias, heat):
    return weights(-bias, heat)


def raised(weights, inside, heat):
    return -heat * np.log(weights[inside].sum() / weights[~inside].sum())


def counted(weights, inside, heat):
    return raised(np.ones(len(weights)), inside, heat)


def of_all(weights, inside, heat):
    return -heat * np.log(weights[inside].sum() / weights.sum())


def wait(barrier, kelvin):
    return PLANCK / (kB * kelvin) * np.exp(barrier / (kB * kelvin))


RIGHT = [("23.1", weights), ("23.2", raised), ("23.3", wait)]
WRONG = [
    ("23.1", backward, "wrong way"),
    ("23.1", lambda bias, heat: weights(bias, 1.0), "no unit"),
    ("23.1", lambda bias, heat: np.exp((bias - bias.max()) / heat), "add up to one"),
    ("23.1", plain, "overflows"),
    ("23.1", lambda bias, heat: bias, "p with bias"),
    ("23.1", lambda bias, heat: 1.0, "one for each"),
    ("23.2", lambda w, i, heat: -raised(w, i, heat), "the sign"),
    ("23.2", lambda w, i, heat: raised(w, i, 1.0), "units of kT"),
    ("23.2", counted, "counts with its weight"),
    ("23.2", of_all, "with the outside"),
    ("23.2", lambda w, i, heat: 0.1, "p inside"),
    ("23.3", lambda barrier, kelvin: 1 / wait(barrier, kelvin), "one over it"),
    ("23.3", lambda barrier, kelvin: wait(-barrier, kelvin), "longer wait"),
    ("23.3", lambda b, kelvin: np.exp(b / (kB * kelvin)), "times a second"),
    ("23.3", lambda b, kelvin: wait(b, kelvin) / (2 * np.pi), "ħ"),
    ("23.3", lambda b, kelvin: 1.0, "exp"),
]


def test_torn_crushed_and_lost_molecules_are_not_whole():
    place = torch.zeros(4, 2, 3)
    place[:, 1, 0] = torch.tensor([1.0, 1.7, 0.5, torch.nan])
    bonds, lengths = torch.tensor([[0, 1]]), torch.tensor([1.0])
    assert whole(place, bonds, lengths).tolist() == [True, False, False, False]


def test_a_molecule_lives_at_a_short_step_and_breaks_at_a_long_one():
    ethanol, atoms = load("ethanol", dtype=torch.float32), molecule("CH3CH2OH")
    good = watch(ethanol, atoms, [300.0, 300.0], 0.5 * fs, 0.02 * ps,
                 look=lambda state: state.energies.float(), every=0.005 * ps)  # fmt: skip
    torch.testing.assert_close(good.lived, torch.full((2,), 0.02 * ps))
    assert good.seen.shape == (4, 2) and bool(good.seen.isfinite().all())
    bad = watch(ethanol, atoms, [300.0, 300.0], 6 * fs, 1 * ps)
    assert float(bad.lived.max()) < 0.2 * ps


def test_the_map_has_its_first_angle_along_x():
    energies = torch.full((4, 4), torch.inf)
    energies[3, 0] = 0.0
    ax = draw_map(energies, title="one bin")
    drawn = ax.images[0].get_array()
    assert not drawn.mask[0, 3] and drawn.mask.sum() == 15
    assert ax.get_xlabel() == "φ (°)" and "eV" in ax.figure.axes[1].get_ylabel()
    plt.close(ax.figure)
