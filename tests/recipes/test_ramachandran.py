"""The map of alanine dipeptide: its windows, its set, the run that ships."""

import math

import numpy as np
import pytest
import torch
from ase import Atoms

from mdlearn.data.fetch import load
from mdlearn.potentials.fit import Labelled, errors
from mdlearn.potentials.weights import card
from mdlearn.potentials.weights import load as load_potential
from mdlearn.recipes.alanine_dipeptide import PHI, PSI
from mdlearn.recipes.ramachandran import last_frames, reference
from mdlearn.recipes.sampling import torsion


def frame(split: str, phi: float, psi: float, step: int) -> Atoms:
    """An atom that notes four pairs of angles, all of them the step."""
    atoms = Atoms("H")
    atoms.info = {"split": split, "window_phi": phi, "window_psi": psi, "step": step}
    atoms.info["observed"] = np.arange(8.0) + 100 * step
    return atoms


def test_samples_of_a_window_come_in_the_order_of_time():
    mixed = [
        frame("train", 90.0, -90.0, 40),
        frame("test", 10.0, 10.0, 20),
        frame("train", -90.0, 90.0, 20),
        frame("train", 90.0, -90.0, 20),
        frame("train", -90.0, 90.0, 40),
    ]
    grid = reference(mixed)
    assert grid.angles.shape == (8, 2, 2)  # two frames of four looks, two windows, two angles
    torch.testing.assert_close(torch.rad2deg(grid.centers).tolist(), [[-90.0, 90.0], [90.0, -90.0]])
    assert grid.angles[:, 0, 0].tolist() == [2000, 2002, 2004, 2006, 4000, 4002, 4004, 4006]
    assert [(f.info["window_phi"], f.info["step"]) for f in last_frames(mixed)] == [
        (-90, 40),
        (90, 40),
    ]


def test_the_set_covers_the_map_and_its_last_look_is_the_frame():
    frames = load("alanine_dipeptide", report=None)
    train = [f for f in frames if f.info["split"] == "train"]
    assert len(train) >= 3000 and len(frames) - len(train) >= 100
    seen = np.stack([f.info["observed"].reshape(4, 2) for f in train])
    for atoms, looks in list(zip(train, seen, strict=True))[::300]:
        angles = [torsion(four)(atoms.positions)[0] for four in (PHI, PSI)]
        np.testing.assert_allclose(angles, looks[-1], atol=1e-5)
    places = np.floor(seen.reshape(-1, 2) / (2 * math.pi) * 12) % 12
    assert len(np.unique(places, axis=0)) > 0.9 * 144  # squares of 30° that were visited


def test_the_potential_that_ships_is_as_good_as_its_card_says():
    model = load_potential("alanine_dipeptide", dtype=torch.float32)
    test = [f for f in load("alanine_dipeptide", report=None) if f.info["split"] == "test"]
    told = card("alanine_dipeptide")["errors on unseen trajectories (meV/Å, meV/atom)"]["300 K"]
    seen = errors(model, Labelled.from_atoms(test, model.cutoff))
    assert told["frames"] == len(test)
    assert seen["force_mae"] == pytest.approx(told["force_mae"], rel=0.01)  # the card is of float64
