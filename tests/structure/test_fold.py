"""Folding: known distances fold to the native, in its own hand; confidence falls with noise."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mdlearn.structure import scores
from mdlearn.structure.confidence import expected_lddt
from mdlearn.structure.dssp import secondary_structure
from mdlearn.structure.energy import make_field, terms
from mdlearn.structure.fold import Fold, embed, fold, folding, rough_distances
from mdlearn.structure.geometry import orientations, quaternion
from mdlearn.structure.pairs import BINS, TURNS, Pairs, labels
from mdlearn.structure.proteins import Protein, load_chains
from tests.device_law import OneDevice


def believed(protein: Protein, sure: float = 0.85) -> tuple[Pairs, np.ndarray]:
    """The truth, with some doubt."""
    truth = labels(torch.from_numpy(protein.backbone))
    tables = []
    for bins, count in zip(truth, (BINS + 1, TURNS, TURNS), strict=True):
        table = np.full((*bins.shape, count), (1 - sure) / (count - 1))
        i, j = np.nonzero(bins.numpy() >= 0)
        table[i, j, bins.numpy()[i, j]] = sure
        table[bins.numpy() < 0] = 1 / count
        tables.append(table)
    seen = secondary_structure(protein)
    return Pairs(*tables), np.array([[0.9 if s == k else 0.05 for k in "HEC"] for s in seen])


@pytest.fixture(scope="module")
def native() -> Protein:
    """A chain of 40 to 60 residues with helices and strands."""
    for chain in load_chains("test"):
        seen = secondary_structure(chain)
        if 40 <= len(chain) <= 55 and min(seen.count("H"), seen.count("E")) >= 9:
            return chain
    raise AssertionError("no such chain ships")


@pytest.fixture(scope="module")
def folded(native: Protein) -> Fold:
    # 400 steps: the chosen model has come to rest for every seed; 200 leave that to chance
    return fold(native.sequence, *believed(native), replicas=4, steps=400)


def test_true_distances_fold_to_the_native(native: Protein, folded: Fold):
    assert scores.tm_score(folded.model.ca, native.ca) > 0.6
    assert scores.tm_score(folded.model.ca * [1, 1, -1], native.ca) < 0.5
    assert (np.diff(folded.energies) >= 0).all() and len(folded.models) == 4


def test_the_chosen_model_has_good_manners(folded: Fold):
    steps = np.linalg.norm(np.diff(folded.model.ca, axis=0), axis=1)
    assert np.abs(steps - 3.8).max() < 0.3 and not folded.model.breaks().any()
    assert folded.model.backbone.shape[1:] == (5, 3) and np.isfinite(folded.model.backbone).all()


def test_equal_seeds_give_equal_folds(native: Protein):
    pairs, states = believed(native)
    a, b = (list(folding(pairs, states, replicas=2, steps=4, seed=1))[-1] for _ in "ab")
    assert torch.equal(a.backbone, b.backbone)


def test_rough_distances_embed_to_themselves():
    rng = np.random.default_rng(0)
    places = rng.normal(size=(30, 3))
    found = embed(scores.distances(places))
    np.testing.assert_allclose(scores.distances(found), scores.distances(places), atol=1e-8)


def test_rough_distances_obey_the_triangle(native: Protein):
    rough = rough_distances(believed(native)[0])
    assert (rough == rough.T).all() and rough.max() <= 5.7 * len(native) ** 0.38


def test_the_energy_does_not_turn_with_the_world_and_tells_the_mirror(native: Protein, turned):
    pairs, states = believed(native)
    field = make_field(pairs, states)
    places = torch.from_numpy(native.backbone[None, :, :3]).float()
    turn = torch.from_numpy(turned).float()
    one = terms(field, places).total(1.0)
    torch.testing.assert_close(terms(field, places @ turn.T).total(1.0), one, rtol=1e-4, atol=0.1)
    mirror = terms(field, places * torch.tensor([1.0, 1.0, -1.0]))
    assert mirror.total(1.0) > one + 20
    assert mirror.secondary > terms(field, places).secondary


def test_orientations_pull_where_the_dihedrals_of_the_pairs_say(native: Protein):
    pairs, states = believed(native, 0.8)
    field = make_field(pairs, states)
    rng = np.random.default_rng(0)
    moved = native.backbone[:, :3] + rng.normal(0, 0.5, (2, len(native), 3, 3))
    backbone = torch.tensor(moved, dtype=torch.float32)
    expected = 0.0
    for belief, angle in zip((field.omega, field.theta), orientations(backbone), strict=True):
        angle = angle.flatten(1)[:, field.near]
        expected = expected - (belief[0] * angle.cos() + belief[1] * angle.sin()).sum(1) / 2
    torch.testing.assert_close(terms(field, backbone).orientation, expected, rtol=1e-3, atol=0.01)


def test_confidence_falls_as_beliefs_grow_vague(native: Protein):
    means = [expected_lddt(native, believed(native, sure)[0]).mean() for sure in (0.95, 0.6, 0.2)]
    assert means == sorted(means, reverse=True)
    moved = replace(native, backbone=native.backbone * 1.3)
    pairs = believed(native)[0]
    assert expected_lddt(moved, pairs).mean() < expected_lddt(native, pairs).mean()


def test_lengths_that_do_not_fit_are_refused(native: Protein):
    pairs, states = believed(native)
    with pytest.raises(ValueError, match="same chain"):
        next(folding(pairs, states[:-1]))
    with pytest.raises(ValueError, match="letters"):
        fold(native.sequence[:-1], pairs, states)


def test_a_step_of_folding_stays_on_its_device(native: Protein):
    field = make_field(*believed(native)).to("meta")
    places = torch.empty(2, len(native), 3, 3, device="meta", requires_grad=True)
    with OneDevice():
        terms(field, places).total(0.5).sum().backward()
    assert quaternion(torch.eye(3)[None]).shape == (1, 4)
