"""The networks: masks hold, maps are symmetric, steps stay on the device, weights go there and back."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mdlearn.structure.alignments import Alignment
from mdlearn.structure.pairs import (
    BINS,
    CHANNELS,
    OUTPUTS,
    TURNS,
    PairNetwork,
    assemble,
    evolution,
    labels,
    pair_loss,
    predict_pairs,
)
from mdlearn.structure.proteins import Protein, load_chains
from mdlearn.structure.scores import distances
from mdlearn.structure.secondary import (
    PADDING,
    SecondaryStructure,
    accuracy,
    batches,
    directions,
    fit_torsions,
    from_relatives,
    pad,
    predict_states,
    predict_torsions,
    state_loss,
    three_states,
    torsion_errors,
)
from mdlearn.structure.sequences import encode
from mdlearn.structure.weights import card, load, save
from tests.device_law import OneDevice


def reader() -> SecondaryStructure:
    torch.manual_seed(0)
    return SecondaryStructure(16, 5, (1, 2)).eval()


def rows(count: int = 5, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 21, 10 + 7 * k).astype(np.int8) for k in range(count)]


def test_batches_hold_every_chain_once_and_no_more_than_told():
    lengths = [len(row) for row in rows(30)]
    groups = batches(lengths, residues=300)
    assert sorted(i for group in groups for i in group) == list(range(30))
    assert all(len(g) * max(lengths[i] for i in g) <= 300 or len(g) == 1 for g in groups)


def test_states_of_a_chain_do_not_depend_on_its_neighbors_in_the_batch():
    model, chains = reader(), rows()
    together = predict_states(model, chains)
    for chain, seen in zip(chains, together, strict=True):
        np.testing.assert_allclose(seen, predict_states(model, [chain])[0], atol=1e-5)
        np.testing.assert_allclose(seen.sum(1), 1, atol=1e-5)


def test_q3_sums_states_before_it_chooses():
    share = np.array([[0.3, 0.3, 0.0, 0.4, 0.0, 0.0, 0.0, 0.0]])
    assert accuracy([share], [np.array([1])]) == {"Q3": 100.0, "Q8": 0.0}
    np.testing.assert_allclose(three_states(share), [[0.6, 0.4, 0.0]])


def test_relatives_speak_for_the_columns_they_have():
    model = reader()
    table = np.stack([rows(1, seed)[0] for seed in range(4)])
    table[1:, 3] = 20
    found = from_relatives(model, table)
    assert found.shape == (10, 8)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    alone = predict_states(model, [table[0][table[0] != 20]])[0]
    assert alone.shape[0] == (table[0] != 20).sum()


def test_a_step_of_reading_stays_on_its_device():
    model = SecondaryStructure(16, 5, (1, 2)).to("meta")
    letters, states = (
        torch.empty(3, 30, dtype=torch.long, device="meta"),
        torch.empty(3, 30, dtype=torch.long, device="meta"),
    )
    with OneDevice():
        torch.nn.functional.cross_entropy(model(letters), states).backward()
    assert pad(rows(2), PADDING).shape == (2, 64)
    loss = state_loss(rows(), [row % 8 for row in rows()], [[0, 1], [2, 3, 4]])
    assert torch.isfinite(loss(reader(), torch.tensor([1])))


def test_torsions_are_learned_from_chains_and_kept(helix: Protein, tmp_path: Path):
    chains = load_chains("valid")
    letters = [encode(chain.sequence) for chain in chains]
    true = [directions(chain.backbone) for chain in chains]
    model = load(SecondaryStructure, "secondary_structure")
    fit_torsions(model, letters, true)
    found = torsion_errors(predict_torsions(model, letters), true)
    flat = torsion_errors([np.tile(directions(helix.backbone)[5], (len(t), 1)) for t in true], true)
    assert found["φ"] < 0.8 * flat["φ"] and found["ψ"] < 0.7 * flat["ψ"]
    save(model, tmp_path / "x.safetensors", {})
    back = load(SecondaryStructure, tmp_path / "x.safetensors")
    seen, again = (predict_torsions(one, letters[:2]) for one in (model, back))
    np.testing.assert_allclose(seen[1], again[1], atol=5e-3)  # weights are kept in half precision


def test_errors_of_torsions_go_around_the_circle_and_pass_over_what_is_not_known(helix: Protein):
    true = directions(helix.backbone)
    assert np.isnan(true[0, :2]).all() and np.isnan(true[-1, 2:]).all()
    turned = np.degrees(np.arctan2(true[1:-1, [1, 3]], true[1:-1, [0, 2]]))
    np.testing.assert_allclose(turned - turned[0], 0, atol=1)
    one, other = (np.radians([[a, a]]) for a in (170.0, -170.0))
    arrows = [np.stack([np.cos(a), np.sin(a)], -1).reshape(1, 4) for a in (one, other)]
    found = torsion_errors(arrows[:1], arrows[1:])
    np.testing.assert_allclose([found["φ"], found["ψ"]], 20)
    assert torsion_errors([true], [true]) == {"φ": 0.0, "ψ": 0.0}


def maps(length: int = 20) -> np.ndarray:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(length - 4, length - 4))
    states = rng.dirichlet(np.ones(3), length)
    return assemble(scores + scores.T, scores + scores.T, 300.0, np.arange(2, length - 2), states)


def test_distances_and_omega_are_the_same_from_both_sides():
    torch.manual_seed(0)
    pairs = predict_pairs([PairNetwork(8, (1, 2))], maps())
    np.testing.assert_allclose(pairs.distances, pairs.distances.transpose(1, 0, 2), atol=1e-5)
    np.testing.assert_allclose(pairs.omega, pairs.omega.transpose(1, 0, 2), atol=1e-5)
    assert not np.allclose(pairs.theta, pairs.theta.transpose(1, 0, 2), atol=1e-3)
    np.testing.assert_allclose(pairs.distances.sum(-1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="no network"):
        predict_pairs([], maps())


def test_networks_together_say_the_mean_of_their_logarithms():
    torch.manual_seed(0)
    networks = [PairNetwork(8, (1, 2)) for _ in range(3)]
    each = [predict_pairs([network], maps()) for network in networks]
    together = predict_pairs(networks, maps())
    for name in ("distances", "omega", "theta"):
        product = np.prod([getattr(pairs, name) for pairs in each], 0) ** (1 / 3)
        product /= product.sum(-1, keepdims=True)
        np.testing.assert_allclose(getattr(together, name), product, atol=1e-5)


def test_residues_without_a_column_are_marked_as_unknown():
    found = maps()
    assert found.shape == (CHANNELS, 20, 20)
    assert not found[:3, :2].any() and found[2, 2:-2, 2:-2].all()


def test_true_bins_are_those_of_the_distances(helix: Protein):
    bins, omega, theta = labels(torch.from_numpy(helix.backbone))
    near = distances(helix.cb)
    assert bins[0, 19] == BINS and bins[3, 4] == -1
    i, j = 2, 9
    assert bins[i, j] == np.floor(near[i, j]) - 4
    assert (omega == omega.T).all() and omega[0, 19] == -1 and 0 <= int(theta[2, 6]) < TURNS


def test_too_few_sequences_say_nothing_of_pairs():
    lone = Alignment(("a",), rows(1)[0][None])
    direct, mutual, effective = evolution(lone)
    assert not direct.any() and not mutual.any() and effective == 1.0


def test_a_step_on_pairs_stays_on_its_device():
    model = PairNetwork(8, (1, 2)).to("meta")
    whole = torch.empty(2, CHANNELS, 16, 16, device="meta")
    targets = [torch.empty(2, 16, 16, dtype=torch.long, device="meta") for _ in range(3)]
    with OneDevice():
        logits = model(whole)
        pair_loss(logits, *targets).backward()
    assert logits.shape == (2, OUTPUTS, 16, 16)


def test_weights_go_there_and_back_and_know_their_kind(tmp_path: Path):
    model = reader()
    save(model, tmp_path / "x.safetensors", {"name": "x"})
    back = load(SecondaryStructure, tmp_path / "x.safetensors")
    for one, two in zip(predict_states(model, rows()), predict_states(back, rows()), strict=True):
        np.testing.assert_allclose(one, two, atol=2e-3)
    assert card(tmp_path / "x.safetensors") == {"name": "x"}
    with pytest.raises(ValueError, match="holds no PairNetwork"):
        load(PairNetwork, tmp_path / "x.safetensors")
    with pytest.raises(FileNotFoundError, match="no shipped network"):
        card("nothing")
