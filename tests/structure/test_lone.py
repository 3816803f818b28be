"""The small network end to end: losses that see what they should, baselines that are what they say."""

import numpy as np
import pytest
import torch

from mdlearn.structure.attention import SmallFold, fape
from mdlearn.structure.geometry import Frames, frames
from mdlearn.structure.lone import (
    Example,
    before_moves,
    chain_loss,
    end_to_end_loss,
    examples,
    fit_start,
    ideal_helix,
    nearest_fragment,
    of_one_length,
    predict_lone,
    sizes,
    torn,
)
from mdlearn.structure.proteins import Protein, load_chains
from mdlearn.structure.scores import rmsd, tm_score
from mdlearn.structure.secondary import SecondaryStructure
from mdlearn.structure.weights import card, load
from tests.device_law import OneDevice


@pytest.fixture(scope="module")
def reader() -> SecondaryStructure:
    return load(SecondaryStructure, "secondary_structure")


def truth(chain: Protein) -> Frames:
    return frames(torch.from_numpy(chain.backbone).float())


def test_the_truth_has_no_loss_and_a_mirror_or_a_tear_has(reader, helix):
    item = examples([helix], reader)[0]
    logits = 50 * torch.nn.functional.one_hot(item.bins.clamp(min=0), 17).float()
    right = chain_loss([item.truth], logits, item)
    assert right < 0.02
    mirrored = frames(torch.from_numpy(helix.backbone).float() * torch.tensor([1.0, 1.0, -1.0]))
    assert chain_loss([mirrored], logits, item) > right + 0.1
    shifted = Frames(item.truth.rotation, item.truth.place * 1.2)
    assert torn(item.truth) < 1e-3 < 0.1 < torn(shifted)
    assert chain_loss([item.truth], -logits, item) > right + 1


def test_near_points_are_those_near_along_the_chain(helix):
    true = truth(helix)
    bent = Frames(true.rotation, true.place.clone())
    bent.place[-1] += 50.0  # only the last residue is far off
    all_of_them = fape(bent, bent.place, true, true.place, clamp=None)
    near = fape(bent, bent.place, true, true.place, clamp=None, near=1)
    first = Frames(bent.rotation[:10], bent.place[:10])
    whole = Frames(true.rotation[:10], true.place[:10])
    assert near < all_of_them
    assert fape(first, first.place, whole, whole.place, near=1) < 0.0011


def test_a_few_steps_bring_the_loss_down(reader, helix):
    items = examples([helix], reader)
    torch.manual_seed(0)
    model = SmallFold(single=16, pair=8, blocks=1, moves=2)
    loss, rows = end_to_end_loss(items), torch.zeros(1, dtype=torch.long)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    before = float(loss(model, rows).detach())
    for _ in range(25):
        optimizer.zero_grad()
        loss(model, rows).backward()
        optimizer.step()
    assert loss(model, rows) < 0.8 * before


def test_a_network_in_training_unfolds_from_one_point(reader, helix):
    torch.manual_seed(0)
    model = SmallFold(single=16, pair=8, blocks=1, moves=2)
    seen = sizes(model, examples([helix], reader), steps=30, rate=1e-2)
    assert len(seen) == 30 and seen[0] < 0.1 and seen[-1] > 0.3


def test_the_shipped_network_gives_a_whole_chain_and_its_card_has_the_baselines(reader):
    model = load(SmallFold, "small_fold")
    native = load_chains("test")[0]
    made, pairs = predict_lone(model, reader, native.sequence)
    again, _ = predict_lone(model, reader, native.sequence)
    assert np.array_equal(made.backbone, again.backbone)
    assert made.backbone.shape == native.backbone.shape and np.isfinite(made.backbone).all()
    assert np.allclose(pairs.distances.sum(-1), 1)
    rows = card("small_fold")["test"]
    assert {"network", "torsions alone", "ideal helix", "nearest fragment"} <= rows.keys()


def test_the_start_is_a_chain_with_the_torsions_of_its_states(reader, helix):
    torch.manual_seed(0)
    model = SmallFold(single=16, pair=8, blocks=1, moves=2, chain=True)
    fit_start(model, examples([helix] * 3, reader))
    assert rmsd(before_moves(model, reader, helix.sequence).ca, helix.ca) < 2.0
    step = np.diff(before_moves(model, reader, helix.sequence).ca, axis=0)
    assert np.allclose(np.linalg.norm(step, axis=1), 3.8, atol=0.1)


def test_the_ideal_helix_is_one(helix):
    assert rmsd(ideal_helix("A" * 20).ca, helix.ca) < 0.1


def test_the_nearest_fragment_is_found_where_it_was_cut_out():
    library = load_chains("valid")[:10]
    piece = library[3].take(range(4, 30))
    found = nearest_fragment(piece.sequence, library)
    assert found.name == f"{library[3].name} from 5"
    assert tm_score(found.ca, piece.ca) > 0.999
    with pytest.raises(ValueError, match="no chain of the library has 300"):
        nearest_fragment("A" * 300, library)


def small() -> SmallFold:
    torch.manual_seed(0)
    return SmallFold(single=16, pair=8, blocks=1, moves=2, chain=True)


def test_chains_of_one_length_are_learned_from_at_once_as_one_by_one(reader):
    chains = load_chains("valid")
    pieces = [chain.take(range(30 + 4 * (k == 2))) for k, chain in enumerate(chains[:5])]
    items, model = examples(pieces, reader), small()
    groups = of_one_length(items, count=3)
    assert sorted(i for group in groups for i in group) == list(range(5))
    assert sorted(map(len, groups)) == [1, 1, 3]
    group = max(groups, key=len)
    alone, whole = end_to_end_loss(items), end_to_end_loss(items, [group])
    one = sum(alone(model, torch.tensor([i])) for i in group) / 3
    one.backward()
    wanted = [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]
    model.zero_grad()
    at_once = whole(model, torch.tensor([0]))
    at_once.backward()
    torch.testing.assert_close(at_once, one)
    found = [weight.grad for weight in model.parameters() if weight.grad is not None]
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)  # float32, other order of sums


@pytest.mark.parametrize("count", [1, 3])
def test_a_step_from_end_to_end_stays_on_its_device(count, helix):
    model = small().to("meta")
    whole = examples([helix], load(SecondaryStructure, "secondary_structure"))[0]
    parts = [part.to("meta") for part in (whole.letters, whole.states, *whole.truth, whole.bins)]
    item = Example(*parts[:2], Frames(*parts[2:4]), parts[4])
    loss, rows = end_to_end_loss([item] * count, [list(range(count))] * 2), torch.tensor([0, 1])
    with OneDevice():
        loss(model, rows).backward()
    assert all(w.grad is None or w.grad.is_meta for w in model.parameters())
