"""Planted couplings are found; the gauge sums to zero; contacts of a real family come out."""

import numpy as np
import pytest
import torch

from mdlearn.structure.alignments import Alignment, focus
from mdlearn.structure.couplings import (
    Potts,
    correct,
    direct_contacts,
    frequencies,
    mean_field,
    mutual_information,
    pseudolikelihood,
    strength,
    zero_sum,
)
from mdlearn.structure.factored import FactoredAttention, factored_attention
from mdlearn.structure.scores import contact_precision, distances

PLANTED = [(0, 7), (2, 9), (4, 11)]


def planted(count: int = 1500, columns: int = 12, seed: int = 0) -> Alignment:
    """Free letters, but for three pairs of columns of which one is the other's copy half of the time."""
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 20, (count, columns))
    for i, j in PLANTED:
        copy = rng.random(count) < 0.5
        table[copy, j] = (table[copy, i] + 3) % 20
    return Alignment(tuple("x" * count), table)


def top(scores: np.ndarray, count: int = 3) -> list[tuple[int, int]]:
    i, j = np.triu_indices(len(scores), 1)
    order = np.argsort(-scores[i, j])[:count]
    return sorted((int(i[k]), int(j[k])) for k in order)


@pytest.mark.parametrize("method", [mean_field, pseudolikelihood, factored_attention])
def test_planted_couplings_are_the_strongest(method):
    potts = method(planted())
    assert top(correct(strength(potts))) == PLANTED
    table = potts.pair(0, 7)
    assert all(int(table[a, :20].argmax()) == (a + 3) % 20 for a in range(20))


def test_mutual_information_finds_them_too_but_also_the_chain():
    table = planted().rows.copy()
    table[:, 1] = np.where(np.random.default_rng(1).random(1500) < 0.7, table[:, 7], table[:, 1])
    alignment = Alignment(tuple("x" * 1500), table)
    mutual, direct = mutual_information(alignment), strength(mean_field(alignment))
    assert mutual[0, 1] > 3 * np.median(mutual)  # 0 and 1 only share 7
    assert direct[0, 1] / direct[0, 7] < 0.9 * mutual[0, 1] / mutual[0, 7]


def test_the_gauge_sums_to_zero_and_changes_no_energy_difference():
    rng = np.random.default_rng(0)
    tables = np.zeros((21, 5, 21))
    tables[:20, :, :20] = rng.normal(size=(20, 5, 20))
    found = zero_sum(tables[:20, :, :20])
    full = Potts(np.zeros((1, 20, 1, 20)), 1.0).pair(0, 0)
    assert full.shape == (21, 21)
    whole = tables - tables.mean(2, keepdims=True) - tables.mean(0, keepdims=True)
    whole = whole + tables.mean((0, 2), keepdims=True)
    np.testing.assert_allclose(whole.sum(0), 0, atol=1e-10)
    np.testing.assert_allclose(found, whole[:20, :, :20])
    mixed = lambda t: t[1, 2, 3] - t[4, 2, 3] - t[1, 2, 5] + t[4, 2, 5]  # noqa: E731
    assert mixed(found) == pytest.approx(mixed(tables))


def test_corrected_scores_do_not_change_when_all_grow_together():
    scores = np.random.default_rng(0).random((8, 8))
    scores = scores + scores.T
    np.testing.assert_allclose(correct(3 * scores), 3 * correct(scores))


def test_frequencies_are_those_of_counting():
    rows = np.random.default_rng(0).integers(0, 21, (40, 3))
    weights = np.random.default_rng(1).random(40)
    single, double = frequencies(rows, weights)
    share = lambda mask: (weights * mask).sum() / weights.sum()  # noqa: E731
    assert single[25] == pytest.approx(share(rows[:, 1] == 5))
    both = share((rows[:, 1] == 5) & (rows[:, 2] == 7))
    assert double[25, 47] == pytest.approx(both, rel=1e-5)


def test_equal_seeds_give_equal_couplings():
    alignment = planted(300)
    a, b = (pseudolikelihood(alignment, steps=5, sequences=100, seed=3).couplings for _ in "ab")
    assert np.array_equal(a, b)
    a, b, c = (factored_attention(alignment, steps=3, seed=seed).couplings for seed in (3, 3, 4))
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_factored_attention_is_the_sum_over_heads_and_listens_to_others_only():
    model = FactoredAttention(12, heads=3, width=4)
    attention = model.attention()
    torch.testing.assert_close(attention.sum(-1), torch.ones(3, 12))
    assert (attention.diagonal(dim1=1, dim2=2) == 0).all()
    letters = torch.nn.functional.one_hot(torch.randint(21, (5, 12)), 21).float()
    heard = sum(attention[h] @ (letters @ model.values[h].T) for h in range(3))
    torch.testing.assert_close(model(letters), (heard + model.fields).log_softmax(-1))


@pytest.mark.parametrize(
    ("columns", "said"), [(3, "too few"), (2000, "cut the alignment into domains")]
)
def test_sizes_that_make_no_sense_are_refused(columns: int, said: str):
    alignment = Alignment(("a", "b"), np.zeros((2, columns), np.int8))
    with pytest.raises(ValueError, match=said):
        mean_field(alignment)


def test_five_sequences_still_give_finite_numbers():
    few = Alignment(tuple("abcde"), np.random.default_rng(0).integers(0, 20, (5, 30)))
    assert np.isfinite(direct_contacts(few)).all()


@pytest.mark.slow
def test_contacts_of_dihydrofolate_reductase(dhfr):
    alignment, residues = focus(*dhfr)
    true = distances(dhfr[1].cb[residues])
    scores = direct_contacts(alignment)
    assert scores.shape == true.shape and not torch.is_tensor(scores)
    precision = contact_precision(scores, true, residues, separation=12, share=0.5)
    assert precision > 0.72
