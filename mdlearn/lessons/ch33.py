"""Exercises of chapter 33, from contacts to a fold: each is tested by what must hold, not by a number."""

from collections.abc import Callable

import numpy as np

from mdlearn.lesson import Exercise, Wrong
from mdlearn.structure.scores import kabsch


def superposition(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """A function that gives the RMSD of two sets of points after the best superposition (Å)."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(12, 3)) * 5
    turn = kabsch(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))[0]
    moved = target @ turn + 7.0
    noise = rng.normal(size=target.shape)
    got = float(answer(moved.copy(), target.copy()))
    if np.isclose(got, np.sqrt(((moved - target) ** 2).sum(1).mean())):
        raise Wrong("nothing was superposed; first bring the centers together, then turn")
    if got > 1e-4:
        raise Wrong(f"a shifted and turned copy has RMSD 0, you say {got:.2f} Å")
    mirrored = float(answer(target * [1, 1, -1], target.copy()))
    rotation, shift = kabsch(target * [1, 1, -1], target)
    true = np.sqrt(((target * [1, 1, -1] @ rotation + shift - target) ** 2).sum(1).mean())
    if mirrored < 1e-4:
        raise Wrong(
            "a mirror image came out equal: your turn is a reflection, its determinant is −1"
        )
    if not np.isclose(mirrored, true):
        raise Wrong("right for copies, not for others: the turn is not the best one")
    rotation, shift = kabsch(moved + noise, target)
    true = np.sqrt((((moved + noise) @ rotation + shift - target) ** 2).sum(1).mean())
    if not np.isclose(float(answer(moved + noise, target.copy())), true):
        raise Wrong("the root of the mean square distance is wanted, over points")
    return "and the mirror image stays different"


def handedness(answer: Callable[[np.ndarray], float]) -> str:
    """A number that changes its sign in a mirror, and does not change in turns and shifts."""
    rng = np.random.default_rng(1)
    trace = np.cumsum(rng.normal(size=(30, 3)), 0)
    turn = kabsch(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))[0]
    value = float(answer(trace.copy()))
    if not np.isfinite(value) or abs(value) < 1e-9:
        raise Wrong("that is zero for a chain that has a hand")
    if not np.isclose(float(answer(trace @ turn + 3.0)), value):
        raise Wrong("it changes when the chain is turned or shifted; use differences of places")
    if np.isclose(float(answer(trace * [1, 1, -1])), value):
        raise Wrong(
            "it is the same in a mirror: distances and angles cannot tell; take a triple product"
        )
    if not np.isclose(float(answer(trace * [1, 1, -1])), -value):
        raise Wrong("it should change its sign in a mirror and nothing else")
    return "a triple product is the simplest thing that knows left from right"


def local_score(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """A function that gives the share of distances under 15 Å kept within 0.5, 1, 2, 4 Å, averaged."""
    rng = np.random.default_rng(2)
    native = np.cumsum(rng.normal(size=(40, 3)) * 2, 0)
    model = native + rng.normal(size=native.shape)
    far = np.linalg.norm(native[:, None] - native[None], axis=-1)
    new = np.linalg.norm(model[:, None] - model[None], axis=-1)
    counts = (far < 15) & ~np.eye(40, dtype=bool)
    kept = np.mean([np.abs(far - new) < limit for limit in (0.5, 1, 2, 4)], axis=0)
    true = float(kept[counts].mean())
    got = float(answer(model.copy(), native.copy()))
    if np.isclose(got, float(kept[far < 15].mean())):
        raise Wrong("a residue's distance to itself is always kept; leave it out")
    if np.isclose(got, float(kept[~np.eye(40, dtype=bool)].mean())):
        raise Wrong("only distances that are under 15 Å in the native count")
    if not np.isclose(got, true):
        raise Wrong(
            "compare the two tables of distances; for each limit the share kept, then the mean"
        )
    return "without superposition, and blind for mirrors"


EXERCISES = {
    "33.1": Exercise(
        superposition,
        (
            "Shift first: both middles into the origin. Then ask which turn is best, and whether it is a turn.",
            "Center both; `u, s, v = np.linalg.svd(a.T @ b)`; the turn is `u @ v`, if it is a turn.",
            "If `np.linalg.det(u @ v)` is −1, change the sign of the last column of `u`.",
        ),
    ),
    "33.2": Exercise(
        handedness,
        (
            "One vector has no hand, nor have two. How many do you need?",
            "Take four points along the chain and the three steps between them.",
            "`np.cross(first, second) @ third`, summed over the chain.",
        ),
    ),
    "33.3": Exercise(
        local_score,
        (
            "No superposition: compare distances within the native with the same distances within the model.",
            "Two tables of distances, one of the native, one of the model.",
            "`np.mean([np.abs(a - b)[counts] < limit for limit in (0.5, 1, 2, 4)])`.",
        ),
    ),
}
