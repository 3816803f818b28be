"""Right answers of chapter 5 pass; wrong ones get the sentence that helps; its tools keep their laws."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from ase.io import write

from mdlearn.data.fetch import load
from mdlearn.data.read import labels_of
from mdlearn.lessons.ch05 import GRID, colleague
from mdlearn.lessons.study import (
    QUESTIONS,
    divide,
    fingerprint,
    frames_of,
    measure,
    measured_share,
    question_of,
    review,
    rival,
    sha256,
    sisters,
    trajectories,
)
from mdlearn.units import kB

FRAMES = load("ethanol", report=None)
TESTED = [frame for frame in FRAMES if frame.info["split"] == "test"]
GOOD = {
    "trajectories shared": 0, "test frames": 250, "baseline": "GFN2-xTB", "repeated": True,
    "error bar": ["noise", "model"], "coverage": 85.0, "promised coverage": 90.0,
    "spread ratio": 0.8, "starts apart": 1.0, "data": "a", "package": "b",
    "bounds": {"answers": 15.0, "spread": 1.5, "start": 3.0},
}  # fmt: skip


def width(noise, votes, factor):
    return ((1.645 * noise) ** 2 + (factor * np.std(votes, ddof=1)) ** 2) ** 0.5


def share_error(share, error, kelvin):
    return share * (1 - share) * error / (kB * kelvin)


def changed(**values):
    return fingerprint(colleague(TESTED) | values, GRID)


RIGHT = [
    ("5.1", width),
    ("5.2", share_error),
    ("5.3", "BCE"),
    ("5.3", ["e", "c", "b"]),
    ("5.4", fingerprint(colleague(TESTED), GRID)),
]
WRONG = [
    ("5.1", lambda s, v, q: 1.645 * s + q * np.std(v, ddof=1), "lengths in a row"),
    ("5.1", lambda s, v, q: width(s / 1.645, v, q), "1.645 of them"),
    ("5.1", lambda s, v, q: width(s, v, q / 2), "same labels"),
    ("5.1", lambda s, v, q: width(s, v, q * 0.75**0.5), "M − 1"),
    ("5.1", lambda s, v, q: width(s, v, 1), "stretched"),
    ("5.1", lambda s, v, q: 1.645 * s, "no righter"),
    ("5.1", lambda s, v, q: q * np.std(v, ddof=1), "finite, too"),
    ("5.1", lambda s, v, q: 0.0, "term by term"),
    ("5.2", lambda p, e, k: -share_error(p, e, k), "no sign"),
    ("5.2", lambda p, e, k: e / (kB * k), "hardly change"),
    ("5.2", lambda p, e, k: p * e / (kB * k), "both states"),
    ("5.2", lambda p, e, k: p * (1 - p) * e, "divide it by kT"),
    ("5.2", lambda p, e, k: p * (1 - p) * e / k, "kB times"),
    ("5.2", lambda p, e, k: share_error(p, e, k) / 1000, "not in meV"),
    ("5.3", "BE", "on which frames|which it was tried"),
    ("5.3", "CE", "what it shares"),
    ("5.3", "BC", "causes of error"),
    ("5.3", "ABCDEF", "good practice"),
    ("5.3", "BCEF", "how others can compare"),
    ("5.3", "XYZ", "A to F"),
    ("5.4", sha256(colleague(TESTED)), "all digits"),
    ("5.4", fingerprint(colleague(FRAMES), GRID), "all frames"),
    (
        "5.4",
        fingerprint(colleague([f for f in FRAMES if f.info["split"] == "train"]), GRID),
        "to train on",
    ),
    ("5.4", fingerprint(colleague(TESTED, border=120.0), GRID), "at 90°"),
    ("5.4", changed(energy=-colleague(TESTED)["energy"]), "the sign"),
    ("5.4", changed(share=100 * colleague(TESTED)["share"]), "not percent"),
    ("5.4", changed(share=0.5), "another hash"),
    ("5.4", "12ab", "64 letters"),
]


def test_a_measure_is_that_of_ase_whatever_the_turn_and_the_hand():
    atoms = molecule("CH3CH2OH")
    atoms.rattle(0.1, seed=3)
    place = torch.tensor(atoms.positions)
    torsion = atoms.get_dihedral(3, 2, 1, 0)
    assert float(measure(place, (3, 2, 1, 0))) == pytest.approx(min(torsion, 360 - torsion))
    assert float(measure(-place, (3, 2, 1, 0))) == pytest.approx(min(torsion, 360 - torsion))
    assert float(measure(place, (3, 2, 1))) == pytest.approx(atoms.get_angle(3, 2, 1))
    assert float(measure(place, (3, 0))) == pytest.approx(atoms.get_distance(3, 0))
    assert measure(place.expand(4, 5, -1, -1), (3, 2, 1, 0)).shape == (4, 5)
    with pytest.raises(ValueError, match="two, three or four"):
        measure(place, (1,))


def test_no_trajectory_is_in_two_parts_and_both_states_are_in_all():
    places = torch.tensor(np.stack([frame.positions for frame in FRAMES]))
    low = (measure(places, QUESTIONS["ethanol"].atoms) < 120).numpy()
    parts, names = divide(FRAMES, low), np.array(trajectories(FRAMES))
    groups = [set(names[rows].tolist()) for rows in parts]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert sum(len(rows) for rows in parts) == len(FRAMES)
    assert min(int((~low[rows]).sum()) for rows in parts) >= 10
    assert len(set(trajectories([Atoms("H")] * 60))) == 12


def test_a_file_of_ones_own_gets_a_question_and_its_hash(tmp_path):
    write(tmp_path / "mine.xyz", TESTED[:30], format="extxyz")
    frames, digest = frames_of(str(tmp_path / "mine.xyz"))
    question = question_of("mine.xyz", frames)
    low = measure(torch.tensor(np.stack([f.positions for f in frames])), question.atoms)
    assert len(question.atoms) == 2 and 0.3 < float((low < question.border).double().mean()) < 0.7
    assert len(digest) == 64 and digest != frames_of("ethanol")[1]
    assert rival("mine.xyz", frames)[0] == "no force at all"
    with pytest.raises(ValueError, match="frames of one molecule"):
        question_of("mine.xyz", [*frames, molecule("H2O")])


def test_the_rival_of_ethanol_is_its_cheap_labels_on_the_same_frames():
    name, energies, forces = rival("ethanol", FRAMES)
    cheap = load("ethanol", method="xtb", report=None)
    assert name == "GFN2-xTB" and forces.shape == (len(FRAMES), 9, 3)
    assert energies[7] == pytest.approx(labels_of(cheap[7])[0])


def test_sister_questions_of_a_perfect_committee_have_no_error_and_a_shift_cancels():
    rng = np.random.default_rng(0)
    places, truth = rng.normal(size=(50, 4, 3)), rng.normal(size=50)
    error, spread = sisters(places, np.stack([truth + 1, truth - 3]), truth)
    assert len(error) == 24 and np.abs(error).max() < 1e-12 and spread.max() < 1e-12
    error, spread = sisters(places, np.stack([1.2 * truth, 1.4 * truth]), truth)
    np.testing.assert_allclose(np.abs(error) / spread, 0.3 / (0.1 * 2**0.5))


def test_the_measured_share_goes_to_that_of_free_rotation():
    assert measured_share(1e7) == pytest.approx(2 / 3, abs=1e-3)
    assert measured_share(30.0) < measured_share(300.0) < 2 / 3  # trans is lower


def test_a_fingerprint_forgets_noise_and_order_and_nothing_else():
    grid = {"a": 0.1, "b": 5.0}
    same = fingerprint({"a": 0.52, "b": 21.0}, grid)
    assert fingerprint({"b": 19.0, "a": 0.48}, grid) == same
    assert fingerprint({"a": 0.62, "b": 21.0}, grid) != same
    assert fingerprint({"b": 0.52, "a": 21.0}, grid) != same


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trajectories shared", 1),
        ("test frames", 12),
        ("baseline", ""),
        ("error bar", ["noise"]),
        ("coverage", 55.0),
        ("spread ratio", 1.7),
        ("starts apart", 3.2),
        ("bounds", {"answers": 15.0, "spread": 1.5, "start": 0.5}),
        ("repeated", False),
    ],
)
def test_a_review_finds_what_is_wrong_and_only_that(key, value):
    def verdicts(manifest):
        return [verdict for verdict, _ in review(manifest)]

    assert verdicts(GOOD) == ["yes"] * 9 + ["ask"] * 2
    assert verdicts(GOOD | {key: value}).count("no") == 1
    assert verdicts({}) == ["no"] * 9 + ["ask"] * 2
