"""The recipe of the reader: who is left out, and what it is taught."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from mdlearn.recipes.protein_sets import Annotated, related
from mdlearn.recipes.secondary_structure import divide, reading_loss
from mdlearn.structure.secondary import PADDING, SecondaryStructure, pad
from mdlearn.structure.sequences import UNKNOWN, decode


def chains(count: int = 12, length: int = 30) -> list[Annotated]:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 20, (count, length)).astype(np.int8)
    return [Annotated(str(k), row, (row % 8).astype(np.int8)) for k, row in enumerate(rows)]


def test_three_words_in_one_tested_sequence_make_a_relative():
    one, other = "ACDEFGHIKL", "MNPQRSTVWY"
    near = "WW" + one[:7] + "WW"  # three words of five letters
    both = one[:6] + "WW" + other[:5]  # two of one, one of the other
    assert related([one, near, both, one[:6]], [one, other]) == [True, True, False, False]


def test_relatives_of_the_held_out_chains_are_not_trained_on():
    members = chains(20)
    twins = [Annotated(f"twin {c.name}", c.letters[5:], c.states[5:]) for c in members]
    held, rest = divide([*members, *twins], 0)
    assert len(held) == 8
    seen = {chain.name.removeprefix("twin ") for chain in held}
    assert seen.isdisjoint(chain.name.removeprefix("twin ") for chain in rest)
    assert len(rest) == 40 - 2 * len(seen)
    assert not any(related((decode(c.letters) for c in rest), [decode(c.letters) for c in held]))


def test_a_teacher_who_says_the_truth_changes_nothing_and_hidden_letters_are_unknown():
    members, rows = chains(), torch.tensor([0])
    torch.manual_seed(0)
    model = SecondaryStructure(8, 5, (1, 2))
    group = [[0, 3, 5]]
    truth = [np.eye(8, dtype=np.float16)[c.states] for c in members]
    plain = reading_loss(members, None, group)(model, rows)
    torch.testing.assert_close(reading_loss(members, truth, group)(model, rows), plain)
    unknown = [np.full(30, UNKNOWN) for _ in group[0]]
    wanted = cross_entropy(
        model(pad(unknown, PADDING)),
        pad([members[i].states for i in group[0]], -1),
        ignore_index=-1,
    )
    torch.testing.assert_close(reading_loss(members, None, group, hidden=1.0)(model, rows), wanted)
    veiled = reading_loss(members, None, group, hidden=0.3, seed=1)(model, rows)
    assert veiled != plain
    torch.testing.assert_close(
        reading_loss(members, None, group, hidden=0.3, seed=1)(model, rows), veiled
    )
