"""Right answers of chapter 12 pass; wrong ones get the sentence that helps."""

import numpy as np
import pytest

from mdlearn.lessons.ch12 import ENERGIES, LENGTHS, spring, spring_forces, stretched
from mdlearn.potentials.labels import DFT


def central(energy, positions, step):
    forces = np.zeros_like(positions)
    for place in np.ndindex(positions.shape):
        move = np.zeros_like(positions)
        move[place] = step
        forces[place] = -(energy(positions + move) - energy(positions - move)) / (2 * step)
    return forces


def one_sided(energy, positions, step):
    forces = np.zeros_like(positions)
    for place in np.ndindex(positions.shape):
        move = np.zeros_like(positions)
        move[place] = 30 * step
        forces[place] = -(energy(positions + move) - energy(positions)) / (30 * step)
    return forces


def displacing(energy, positions, step):
    positions += step
    return spring_forces(positions)


def error(predicted, reference):
    return 1000 * np.abs(predicted - reference).mean()


def whole_trajectories(trajectories):
    held = np.isin(trajectories, np.unique(trajectories)[:1])
    return np.flatnonzero(~held), np.flatnonzero(held)


def at_random(trajectories):
    order = np.random.default_rng(0).permutation(len(trajectories))
    return order[5:], order[:5]


def overlapping(trajectories):
    return np.arange(len(trajectories)), whole_trajectories(trajectories)[1]


def wasteful(trajectories):
    train, test = whole_trajectories(trajectories)
    return train[::2], test


def bill(labels, dear, training, cheap):
    return (labels * dear + training) / (dear - cheap)


RIGHT = [("12.1", central), ("12.2", error), ("12.3", whole_trajectories), ("12.4", bill)]
WRONG = [
    ("12.1", lambda *a: -central(*a), "downhill"),
    ("12.1", lambda *a: 2 * central(*a), "½ is missing"),
    ("12.1", lambda *a: 1000 * central(*a), "not meV"),
    ("12.1", one_sided, "one-sided"),
    ("12.1", displacing, "displaced"),
    ("12.1", lambda *a: central(*a)[0], "shape"),
    ("12.1", lambda *a: 0 * central(*a), "not −dE/dx"),
    ("12.2", lambda p, r: error(p, r) / 1000, "in eV/Å"),
    ("12.2", lambda p, r: 1000 * (p - r).mean(), "cancel"),
    ("12.2", lambda p, r: 1000 * np.sqrt(((p - r) ** 2).mean()), "RMSE"),
    ("12.2", lambda p, r: 1000 * np.linalg.norm(p - r, axis=1).mean(), "components"),
    ("12.2", lambda p, r: 1000 * np.abs(p - r).sum(), "sum"),
    ("12.2", lambda p, r: 1000 * np.abs(p - r).max(), "not the mean"),
    ("12.3", at_random, "a leak"),
    ("12.3", overlapping, "what was taught"),
    ("12.3", wasteful, "thrown away"),
    ("12.3", lambda t: (np.arange(len(t)), []), "empty"),
    ("12.3", lambda t: whole_trajectories(t)[::-1], "more frames to test"),
    ("12.4", lambda n, d, t, c: n, "only cost"),
    ("12.4", lambda n, d, t, c: n * d / (d - c), "training has a price"),
    ("12.4", lambda n, d, t, c: (n * d + t) / d, "costs something"),
    ("12.4", lambda n, d, t, c: (n * d + t) / c, "cost as much"),
    ("12.4", lambda n, d, t, c: n * d, "both bills"),
]


def test_the_springs_pull_as_their_energy_says():
    rng = np.random.default_rng(3)
    positions = np.arange(9.0).reshape(3, 3) / 4 + rng.normal(0, 0.1, (3, 3))
    np.testing.assert_allclose(
        central(spring, positions, 1e-4), spring_forces(positions), atol=1e-6
    )


def test_only_the_hydrogen_moves_when_the_bond_is_stretched():
    short, long = stretched([0.9, 1.7])
    moved = np.flatnonzero(np.abs(long.positions - short.positions).max(1))
    assert list(moved) == [3] and str(long.symbols[3]) == "H"
    assert long.get_distance(2, 3) == pytest.approx(1.7)


@pytest.mark.slow
def test_the_reference_of_the_stretch_can_be_computed_again():
    place = LENGTHS.index(1.0)
    frame = stretched([LENGTHS[place]])[0]
    frame.calc = DFT().calculator()
    assert frame.get_potential_energy() == pytest.approx(ENERGIES[place], abs=2e-3)
