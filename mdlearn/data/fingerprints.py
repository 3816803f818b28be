"""Numbers that tell geometries apart, whatever way they are turned: the measure of audit.py."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from jaxtyping import Float, Int

FEATURES = 2000  # at most, per frame
BLOCK = 20_000_000  # numbers of a table of distances kept in memory at a time


def fingerprint(atoms: Atoms) -> Float[np.ndarray, " features"]:
    """All distances between atoms (Å), sorted within each pair of elements.

    Equal for a molecule turned, mirrored or shifted, and for like atoms renamed. Big systems keep
    an even choice of the sorted distances.
    """
    distances = pair_distances(atoms)
    i, j = np.triu_indices(len(atoms), 1)
    low = np.minimum(atoms.numbers[i], atoms.numbers[j])
    high = np.maximum(atoms.numbers[i], atoms.numbers[j])
    distances = distances[np.lexsort((distances, high, low))]
    if len(distances) > FEATURES:
        distances = distances[np.linspace(0, len(distances) - 1, FEATURES).astype(int)]
    return distances


def pair_distances(atoms: Atoms) -> Float[np.ndarray, " pairs"]:
    """Distances between atoms (Å), pair (0, 1) first; with periodicity, to the nearest image."""
    i, j = np.triu_indices(len(atoms), 1)
    if atoms.pbc.any():
        return atoms.get_all_distances(mic=True)[i, j]
    return np.linalg.norm(atoms.positions[i] - atoms.positions[j], axis=1)


def fingerprints(frames: Sequence[Atoms]) -> Float[np.ndarray, "frames features"]:
    """One fingerprint a row, for frames of one composition."""
    return np.array([fingerprint(frame) for frame in frames])


def by_composition(*splits: Sequence[Atoms]) -> list[list[Int[np.ndarray, " _"]]]:
    """Frames that can be compared: for each composition, their numbers in each split.

    Single atoms are left out: they have no geometry.
    """
    keys = [[np.sort(frame.numbers).tobytes() for frame in split] for split in splits]
    sizes = {
        k: len(f) for ks, fs in zip(keys, splits, strict=True) for k, f in zip(ks, fs, strict=True)
    }
    return [
        [np.flatnonzero([k == key for k in ks]) for ks in keys]
        for key, size in sizes.items()
        if size > 1
    ]


def nearest(
    points: Float[np.ndarray, "frames features"],
    others: Float[np.ndarray, "others features"] | None = None,
    *,
    count: int = 1,
) -> tuple[Float[np.ndarray, "frames count"], Int[np.ndarray, "frames count"]]:
    """Distances (Å, root mean square over features) to the nearest other points, nearest first.

    Args:
        points: Where from.
        others: Where to; the points themselves, each but to itself, when not given.
        count: How many neighbors; fewer come back where there are fewer.

    Returns:
        The distances, and the numbers of those points.
    """
    targets = points if others is None else others
    count = min(count, len(targets) - (others is None))
    size, best, which = (targets**2).sum(1), [], []
    for start in range(0, len(points), step := max(1, BLOCK // max(1, len(targets)))):
        rows = points[start : start + step]
        squares = (rows**2).sum(1)[:, None] + size - 2 * rows @ targets.T
        if others is None:
            squares[np.arange(len(rows)), start + np.arange(len(rows))] = np.inf
        near = np.argpartition(squares, count - 1, axis=1)[:, :count]
        # the expanded square loses digits for near copies, so take the differences themselves
        exact = np.stack([((rows - targets[k]) ** 2).mean(1) for k in near.T], 1)
        order = exact.argsort(1)
        best.append(np.sqrt(np.take_along_axis(exact, order, 1)))
        which.append(np.take_along_axis(near, order, 1))
    return np.concatenate(best), np.concatenate(which)
