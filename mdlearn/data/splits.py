"""Divide frames into train, valid and test so that the test is honest.

Frames of one trajectory look alike, so a random split lets the model see the answers: divide by
trajectory (`split_by_group`) or by time (`split_in_blocks`). audit.py measures whether it worked.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from ase import Atoms
from jaxtyping import Float, Int

GROUP_KEYS = ("trajectory", "group", "seed")
ENOUGH_GROUPS = 5


class Split(NamedTuple):
    """Numbers of the frames in each part, in ascending order; no frame is in two of them."""

    train: Int[np.ndarray, " train"]
    valid: Int[np.ndarray, " valid"]
    test: Int[np.ndarray, " test"]


def split_at_random(frames: int, *, valid: float = 0.1, test: float = 0.1, seed: int = 0) -> Split:
    """Every frame for itself: right for independent frames, too kind to trajectories.

    Args:
        frames: How many there are.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        seed: Of the shuffle.
    """
    return split_by_group(range(frames), valid=valid, test=test, seed=seed)


def split_by_group(
    groups: Iterable[Hashable], *, valid: float = 0.1, test: float = 0.1, seed: int = 0
) -> Split:
    """Whole groups (trajectories, temperatures, molecules): none is in two parts.

    The shuffled groups go, one by one, to the part that lacks most of its share, so the shares
    are met as nearly as the sizes of the groups allow.

    Args:
        groups: The group of each frame.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        seed: Of the shuffle.

    Raises:
        ValueError: Shares that are none, or fewer groups than parts.
    """
    shares = shares_of(valid, test)
    groups = list(groups)
    names = list(dict.fromkeys(groups))
    wanted = [part for part in range(3) if shares[part] > 0]
    if len(names) < len(wanted):
        raise ValueError(
            f"{len(names)} groups cannot fill {len(wanted)} parts; "
            "sample more trajectories, or use split_in_blocks"
        )
    members = {name: [] for name in names}
    for i, name in enumerate(groups):
        members[name].append(i)
    order = np.random.default_rng(seed).permutation(len(names))
    parts: list[list[int]] = [[], [], []]
    for left, k in zip(range(len(names), 0, -1), order, strict=True):
        empty = [part for part in wanted if not parts[part]]
        among = empty if left <= len(empty) else wanted
        lacking = [shares[part] * len(groups) - len(parts[part]) for part in among]
        parts[among[int(np.argmax(lacking))]] += members[names[k]]
    return Split(*(np.array(sorted(part), dtype=int) for part in parts))


def split_in_blocks(
    frames: int,
    *,
    blocks: int = 10,
    valid: float = 0.1,
    test: float = 0.1,
    gap: int = 0,
    seed: int = 0,
) -> Split:
    """Blocks contiguous in time, each block in one part: the honest split of one trajectory.

    Args:
        frames: How many there are, in order of time.
        blocks: How many blocks; more mix the parts better but give them more borders.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        gap: Frames dropped at each side of a border between two parts, so that neighbors in
            time do not meet across it.
        seed: Of the choice of blocks.

    Raises:
        ValueError: Fewer frames than blocks, or a gap that leaves a part empty.
    """
    if not 0 < blocks <= frames:
        raise ValueError(f"{frames} frames cannot make {blocks} blocks; ask for fewer blocks")
    split = split_by_group(np.arange(frames) * blocks // frames, valid=valid, test=test, seed=seed)
    if not gap:
        return split
    part = np.empty(frames, dtype=int)
    for number, indices in enumerate(split):
        part[indices] = number
    borders = np.flatnonzero(np.diff(part)) + 1  # the first frame after each border
    near = [frame for b in borders for frame in range(b - gap, b + gap)]
    kept = Split(*(np.setdiff1d(indices, near) for indices in split))
    if any(len(before) and not len(after) for before, after in zip(split, kept, strict=True)):
        raise ValueError(
            f"a gap of {gap} frames leaves a part empty; ask for less, or fewer blocks"
        )
    return kept


def farthest_points(
    features: Float[np.ndarray, "frames features"], count: int, *, seed: int = 0
) -> Int[np.ndarray, " chosen"]:
    """Frames that cover the set: each is the one farthest from those already chosen.

    Args:
        features: What tells frames apart, such as `fingerprints`.
        count: How many to choose.
        seed: Of the first one.

    Returns:
        Their numbers, in the order of choice.

    References:
        Gonzalez, Theor. Comput. Sci. 38, 293 (1985), doi:10.1016/0304-3975(85)90224-5.
    """
    if not 0 < count <= len(features):
        raise ValueError(f"can choose 1 to {len(features)} frames, asked for {count}")
    chosen = [int(np.random.default_rng(seed).integers(len(features)))]
    nearest = np.full(len(features), np.inf)  # distance to the nearest chosen frame
    while len(chosen) < count:
        step = np.linalg.norm(features - features[chosen[-1]], axis=1)
        nearest = np.minimum(nearest, step)
        nearest[chosen] = -1.0  # equal frames must not be chosen twice
        chosen.append(int(np.argmax(nearest)))
    return np.array(chosen)


def split_farthest(
    features: Float[np.ndarray, "frames features"],
    *,
    valid: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
) -> Split:
    """Train on the frames that cover the set, test on what lies between them: interpolation.

    Kind to the model by design; never compare its errors with those of another split.

    Args:
        features: What tells frames apart.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        seed: Of the first frame and of the shuffle of the rest.
    """
    _, v, t = shares_of(valid, test)
    count = round(len(features) * (1 - v - t))
    train = farthest_points(features, count, seed=seed)
    rest = np.setdiff1d(np.arange(len(features)), train)
    rest = np.random.default_rng(seed).permutation(rest)
    border = round(len(rest) * v / (v + t)) if v + t else 0
    return Split(np.sort(train), np.sort(rest[:border]), np.sort(rest[border:]))


def split_frames(
    frames: Sequence[Atoms],
    *,
    group: str | None = None,
    valid: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
) -> Split:
    """The honest split of frames from dynamics: by trajectory when it is known, else by time.

    Args:
        frames: In order of time.
        group: Key in `info` that names the trajectory; when not told, `trajectory`, `group` or
            `seed` is taken if it tells at least five of them apart, else ten blocks in time.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        seed: Of the choice.

    Raises:
        ValueError: A frame without the key `group`.
    """
    for key in (group,) if group else GROUP_KEYS:
        values = [frame.info.get(key) for frame in frames]
        if group and None in values:
            raise ValueError(f"frame {values.index(None)} has no {group!r} in info")
        if group or (None not in values and len(set(values)) >= ENOUGH_GROUPS):
            return split_by_group(values, valid=valid, test=test, seed=seed)
    blocks = min(10, len(frames))
    return split_in_blocks(len(frames), blocks=blocks, valid=valid, test=test, seed=seed)


def shares_of(valid: float, test: float) -> tuple[float, float, float]:
    """Shares of train, valid and test."""
    if not (0 <= valid < 1 and 0 <= test < 1 and valid + test < 1):
        raise ValueError(f"shares must leave something to train on, got {valid} and {test}")
    return 1 - valid - test, valid, test
