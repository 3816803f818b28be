"""Scores: rotations change nothing, a structure is like itself, mirrors are told apart, TM-align agrees."""

import numpy as np
import pytest
import tmtools
import torch

from mdlearn.structure import scores
from mdlearn.structure.geometry import build
from mdlearn.structure.proteins import Protein, complete

MIRROR = np.array([1.0, 1.0, -1.0])


def shaken(protein: Protein, size: float, seed: int = 0) -> np.ndarray:
    """The CA trace bent by a random walk and smoothed."""
    steps = np.random.default_rng(seed).normal(0, size, protein.ca.shape)
    return protein.ca + np.cumsum(steps, 0)


def test_a_structure_is_like_itself_wherever_it_lies(dhfr, turned):
    ca = dhfr[1].ca
    moved = ca @ turned + [3, -4, 20]
    assert scores.rmsd(moved, ca) < 1e-9
    assert scores.tm_score(moved, ca) == pytest.approx(1)
    assert scores.gdt(moved, ca) == pytest.approx(1)
    assert scores.lddt(moved, ca).min() == pytest.approx(1)


def test_rotations_change_no_score(dhfr, turned):
    ca, model = dhfr[1].ca, shaken(dhfr[1], 0.4)
    for score in (scores.rmsd, scores.tm_score):
        assert score(model @ turned + 5.0, ca) == pytest.approx(score(model, ca), abs=2e-3)
    np.testing.assert_allclose(scores.lddt(model @ turned, ca), scores.lddt(model, ca))


def test_the_mirror_image_is_another_fold_but_keeps_all_distances(dhfr):
    ca = dhfr[1].ca
    assert scores.tm_score(ca * MIRROR, ca) < 0.45
    assert scores.rmsd(ca * MIRROR, ca) > 5
    assert scores.lddt(ca * MIRROR, ca).min() == pytest.approx(1)


def test_a_wrong_order_of_residues_is_seen(dhfr):
    ca = dhfr[1].ca
    assert scores.tm_score(ca[::-1].copy(), ca) < 0.5


@pytest.mark.parametrize("size", [0.1, 0.25, 0.4])
def test_tm_align_agrees(dhfr, size: float):
    protein = dhfr[1]
    model = shaken(protein, size)
    theirs = tmtools.tm_align(model, protein.ca, protein.sequence, protein.sequence).tm_norm_chain2
    ours = scores.tm_score(model, protein.ca)
    assert ours <= theirs + 0.015
    if theirs > 0.6:  # below, TM-align may shift the sequence
        assert ours == pytest.approx(theirs, abs=0.03)


def test_scores_fall_as_noise_grows(dhfr):
    noisy = [shaken(dhfr[1], size) for size in (0.0, 0.1, 0.3, 0.8)]
    for score in (scores.tm_score, scores.gdt, lambda a, b: scores.lddt(a, b).mean()):
        values = [score(model, dhfr[1].ca) for model in noisy]
        assert values == sorted(values, reverse=True)


def test_lddt_by_hand():
    native = np.array([[0.0, 0, 0], [5, 0, 0], [10, 0, 0]])
    model = np.array([[0.0, 0, 0], [5, 0, 0], [11.5, 0, 0]])
    # distances 5, 10, 5 become 5, 11.5, 6.5: off by 0, 1.5, 1.5, so 4/4, 2/4, 2/4 kept
    np.testing.assert_allclose(scores.lddt(model, native), [0.75, 0.75, 0.5])


def test_precision_counts_contacts_among_the_best_pairs():
    places = np.zeros((10, 3))
    places[:, 0] = 3.8 * np.arange(10)
    true = scores.distances(places)
    true[0, 9] = true[9, 0] = 6.0
    guess = np.zeros((10, 10))
    guess[0, 9] = guess[9, 0] = 2.0
    guess[1, 9] = guess[9, 1] = 1.0
    residues = np.arange(10)
    find = lambda share: scores.contact_precision(guess, true, residues, separation=6, share=share)  # noqa: E731
    assert find(0.1) == 1.0 and find(0.2) == 0.5
    with pytest.raises(ValueError, match="no pair"):
        scores.contact_precision(guess, true, residues, separation=20)


def test_torsions_and_manners_of_an_ideal_helix(helix):
    phi, psi, omega = scores.torsions(helix).T
    np.testing.assert_allclose(phi[1:], -1.09, atol=1e-6)
    np.testing.assert_allclose(psi[:-1], -0.77, atol=1e-6)
    np.testing.assert_allclose(np.abs(omega[:-1]), np.pi, atol=1e-6)
    assert scores.ramachandran_outliers(helix) == 0 and scores.clashes(helix) == 0
    turn = torch.full((20,), 2.0, dtype=torch.float64)  # φ of 115 degrees: only glycine goes there
    strained = Protein("strained", "A" * 20, complete(build(turn, -turn).numpy()))
    assert scores.ramachandran_outliers(strained) == 1.0
    folded = helix.backbone.copy()
    folded[10:] = folded[:10]
    assert scores.clashes(Protein("x", helix.sequence, folded)) >= 10


@pytest.mark.parametrize("score", [scores.rmsd, scores.tm_score, scores.lddt, scores.gdt])
def test_what_cannot_be_compared_is_refused(score, helix):
    with pytest.raises(ValueError, match="20 residues, the native 10"):
        score(helix.ca, helix.ca[:10])
    with pytest.raises(ValueError, match="too few"):
        score(helix.ca[:2], helix.ca[:2])
    with pytest.raises(ValueError, match="NaN"):
        score(helix.ca * np.nan, helix.ca)
