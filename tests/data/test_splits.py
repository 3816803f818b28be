"""Parts are disjoint, complete, seeded, and keep together what belongs together."""

import numpy as np
import pytest
from ase import Atoms

from mdlearn.data.splits import (
    farthest_points,
    split_at_random,
    split_by_group,
    split_farthest,
    split_frames,
    split_in_blocks,
)

FEATURES = np.random.default_rng(0).normal(size=(100, 3))
GROUPS = [f"run {i // 8}" for i in range(100)]
SPLITS = {
    "random": lambda **o: split_at_random(100, **o),
    "group": lambda **o: split_by_group(GROUPS, **o),
    "blocks": lambda **o: split_in_blocks(100, **o),
    "farthest": lambda **o: split_farthest(FEATURES, **o),
}


@pytest.fixture(params=SPLITS)
def split(request):
    return SPLITS[request.param]


def test_every_frame_is_in_exactly_one_part(split):
    parts = split(valid=0.1, test=0.2)
    assert sorted(np.concatenate(parts)) == list(range(100))


def test_shares_are_met(split):
    train, valid, test = split(valid=0.1, test=0.2)
    np.testing.assert_allclose([len(train), len(valid), len(test)], [70, 10, 20], atol=5)


def test_equal_seed_equal_parts(split):
    for a, b in zip(split(seed=3), split(seed=3), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(split(seed=3), split(seed=4), strict=True))


def test_a_part_of_no_share_is_empty(split):
    assert len(split(valid=0.0).valid) == 0
    assert len(split(valid=0.0, test=0.0).train) == 100


def test_shares_that_leave_nothing_are_refused(split):
    with pytest.raises(ValueError, match="something to train on"):
        split(valid=0.5, test=0.5)


def test_groups_stay_whole():
    parts = [{GROUPS[i] for i in part} for part in split_by_group(GROUPS)]
    assert len(set.union(*parts)) == sum(len(part) for part in parts)


def test_unequal_groups_leave_no_part_empty():
    groups = ["big"] * 98 + ["small", "tiny"]
    assert all(len(part) for part in split_by_group(groups))


def test_too_few_groups_are_told():
    with pytest.raises(ValueError, match="2 groups cannot fill 3 parts"):
        split_by_group(["a", "b", "a"])


def test_blocks_are_contiguous():
    split = split_in_blocks(1000, blocks=10)
    borders = sum((np.diff(part) > 1).sum() for part in split)
    assert borders <= 10 and len(split.test) == 100


def test_a_gap_keeps_the_parts_apart_in_time():
    split = split_in_blocks(1000, blocks=10, gap=5)
    for a in range(3):
        for b in range(a):
            assert np.abs(split[a][:, None] - split[b]).min() > 10
    with pytest.raises(ValueError, match="leaves a part empty"):
        split_in_blocks(100, blocks=10, gap=10)


def test_blocks_need_frames():
    with pytest.raises(ValueError, match="ask for fewer blocks"):
        split_in_blocks(5, blocks=10)


def test_farthest_points_cover_better_than_chance():
    chosen = farthest_points(FEATURES, 20)
    reach = [
        np.linalg.norm(FEATURES[:, None] - FEATURES[some], axis=-1).min(1).max()
        for some in (chosen, np.random.default_rng(0).choice(100, 20, replace=False))
    ]
    assert len(set(chosen.tolist())) == 20 and reach[0] < reach[1]


def test_farthest_points_never_repeat_among_equal_frames():
    assert sorted(farthest_points(np.zeros((5, 2)), 5)) == list(range(5))
    with pytest.raises(ValueError, match="asked for 6"):
        farthest_points(np.zeros((5, 2)), 6)


def frames(**info):
    return [
        Atoms("H", positions=[[0, 0, 0]], info={key: f(i) for key, f in info.items()})
        for i in range(60)
    ]


def test_frames_are_split_by_trajectory_when_it_is_known():
    split = split_frames(frames(seed=lambda i: i // 10))
    assert not {i // 10 for i in split.train} & {i // 10 for i in split.test}
    told = split_frames(frames(seed=lambda i: i, run=lambda i: i % 3), group="run")
    assert {len({i % 3 for i in part}) for part in told} == {1}


def test_frames_of_one_trajectory_are_split_in_time():
    split = split_frames(frames(seed=lambda i: 0))
    assert (np.diff(split.test) == 1).all() and len(split.test) == 6


def test_a_missing_group_is_told():
    with pytest.raises(ValueError, match="frame 0 has no 'run'"):
        split_frames(frames(), group="run")
