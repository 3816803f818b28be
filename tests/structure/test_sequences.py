"""Letters become numbers or are refused by name; likeness without alignment."""

import numpy as np
import pytest

from mdlearn.structure.proteins import load_chains
from mdlearn.structure.sequences import (
    LETTERS,
    UNKNOWN,
    decode,
    encode,
    families,
    overlap,
    similar_pairs,
)


def test_letters_go_there_and_back():
    assert decode(encode(LETTERS)) == LETTERS
    assert (encode("acd") == encode("ACD")).all()
    assert (encode("UO") == encode("CK")).all()
    assert (encode("BZXJ") == UNKNOWN).all()


@pytest.mark.parametrize(
    ("text", "said"), [("", "empty"), ("MK1L", "'1' at place 3"), ("ACGTACGTACGT", "DNA or RNA")]
)
def test_what_is_no_protein_is_refused(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        encode(text)


def test_similar_pairs_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    base = ["".join(rng.choice(list("ACDE"), 30)) for _ in range(12)]
    sequences = base + [s[:20] + "".join(rng.choice(list("ACDE"), 10)) for s in base[:4]]
    brute = {
        (i, j)
        for j in range(len(sequences))
        for i in range(j)
        if overlap(sequences[i], sequences[j]) > 0.3
    }
    assert set(similar_pairs(sequences)) == brute and len(brute) >= 4


def test_no_similar_pair_crosses_families():
    chain = ["AAAACCCCDDDDEEEE", "CCCCDDDDEEEEFFFF", "EEEEFFFFGGGGHHHH", "KKKKLLLLMMMMNNNN"]
    number = families(chain, cut=0.3)
    assert number[0] == number[1] == number[2] != number[3]


def test_the_shipped_split_has_no_similar_pair_and_the_published_one_has():
    chains = load_chains()
    split = {chain.name: part for part in ("train", "valid", "test") for chain in load_chains(part)}
    assert len(split) == len(chains) > 1100
    assert similar_pairs([chain.sequence for chain in chains]) == []
