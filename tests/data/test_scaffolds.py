"""No molecule in two parts, whatever the split; scaffolds and clusters stay together."""

import numpy as np
import pytest

from mdlearn.data.scaffolds import (
    clusters,
    connected,
    same_molecule,
    scaffold,
    skeleton,
    split_by_cluster,
    split_by_scaffold,
    split_by_time,
)
from mdlearn.data.tables import load_table

SMILES = load_table("freesolv").smiles[:150]
TWICE = [*SMILES, *SMILES[:30], "C[C@H](O)CC", "C[C@@H](O)CC"]


@pytest.mark.parametrize("split_by", [split_by_scaffold, split_by_cluster])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_molecule_is_in_one_part_and_its_twins_too(split_by, seed):
    split = split_by(TWICE, valid=0.15, test=0.15, seed=seed)
    assert sorted(np.concatenate(split).tolist()) == list(range(len(TWICE)))
    groups = same_molecule(TWICE)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not set(groups[split[a]]) & set(groups[split[b]])
    again = split_by(TWICE, valid=0.15, test=0.15, seed=seed)
    assert all((one == two).all() for one, two in zip(split, again, strict=True))
    assert 10 <= len(split.test) <= 40  # molecules without rings and benzenes fill the train part


def test_scaffolds_and_clusters_are_in_one_part():
    names = np.array([scaffold(text) for text in SMILES])
    split = split_by_scaffold(SMILES, seed=3)
    assert not set(names[split.train]) & set(names[split.test])
    numbers = clusters(SMILES, distance=0.7)
    split = split_by_cluster(SMILES, distance=0.7, seed=3)
    assert not set(numbers[split.train]) & set(numbers[split.test])


def test_a_split_by_time_tests_on_the_future_and_moves_no_molecule_twice():
    times = np.array([1990.0, 1991, 1992, 1993, 1994, 1995, 1996, 1997, 1998, 1999])
    smiles = ["C", "CC", "CCC", "CCCC", "CCO", "CCN", "CCF", "CCCl", "C", "CCS"]
    split = split_by_time(times, smiles, valid=0.2, test=0.2)
    assert 8 in split.train and 9 in split.test
    first = split_by_time(times, valid=0.2, test=0.2)
    assert times[first.train].max() < times[first.valid].min() < times[first.test].min()
    with pytest.raises(ValueError, match="row 1 has no time"):
        split_by_time(np.array([1.0, np.nan, 2.0]))


def test_skeletons_forget_stereo_and_know_connectivity():
    assert skeleton("C[C@H](O)CC") == skeleton("CC(O)CC") != skeleton("CCCO")
    assert scaffold("CCO") == "" and scaffold("Cc1ccccc1") == "c1ccccc1"
    with pytest.raises(ValueError, match="clean the molecules"):
        skeleton("nonsense")


def test_groups_that_share_a_label_are_one():
    first, second = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])
    found = connected(first, second)
    assert found[0] == found[1] == found[2] != found[3]


def test_parts_that_cannot_be_filled_are_told():
    with pytest.raises(ValueError, match="leave a part empty"):
        split_by_scaffold(["CCO", "CCN", "CCC"])
