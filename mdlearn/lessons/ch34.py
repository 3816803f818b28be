"""Exercises of chapter 34, attention to coordinates: each is tested by what must hold, not by a number."""

from collections.abc import Callable

import numpy as np

from mdlearn.lesson import Exercise, Wrong
from mdlearn.structure.scores import kabsch

Array = np.ndarray


def turned(seed: int) -> Array:
    """A proper rotation."""
    rng = np.random.default_rng(seed)
    return kabsch(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)))[0]


def some_frames(count: int, seed: int) -> tuple[Array, Array]:
    """Rotations, whose columns are the axes, and places (Å)."""
    places = np.random.default_rng(seed).normal(size=(count, 3)) * 6
    return np.stack([turned(10 * seed + k) for k in range(count)]), places


def triangle(answer: Callable[[Array, Array], Array]) -> str:
    """A function that closes triangles: z of the pair i, j from all third corners k."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 5, 3))
    got = np.asarray(answer(a.copy(), b.copy()))
    if got.shape != (5, 5, 3):
        raise Wrong(f"one vector of 3 for each of 5 × 5 pairs is wanted, you gave {got.shape}")
    if np.allclose(got, np.einsum("kic,kjc->ijc", a, b)):
        raise Wrong("that is the incoming one, k → i and k → j; here the edges leave: i → k, j → k")
    if np.allclose(got, np.einsum("ikc,kjc->ijc", a, b)):
        raise Wrong("that walks from i over k to j; both edges should leave: i → k and j → k")
    if np.allclose(got, a * b):
        raise Wrong("no third corner was asked: sum over all k")
    if np.allclose(got * 5, np.einsum("ikc,jkc->ijc", a, b)):
        raise Wrong("the sum over the third corners is wanted, not their mean")
    if not np.allclose(got, np.einsum("ikc,jkc->ijc", a, b)):
        raise Wrong("for each channel c: the sum over k of a[i, k, c] · b[j, k, c]")
    return "every pair has now asked every third residue"


def seen_from(answer: Callable[[Array, Array, Array], Array]) -> str:
    """A function that tells where a point is as seen from a frame: no turn of the world changes it."""
    rotations, places = some_frames(2, 1)
    turn, shift = turned(7), np.array([3.0, -8.0, 5.0])
    got = np.asarray(answer(rotations[0], places[0], places[1]), float)
    world = np.asarray(
        answer(turn @ rotations[0], turn @ places[0] + shift, turn @ places[1] + shift)
    )
    if got.shape != (3,):
        raise Wrong(f"three numbers are wanted, x, y, z in the frame; you gave shape {got.shape}")
    if np.allclose(got, places[1] - places[0]):
        raise Wrong("the difference of places turns with the world; bring it into the frame")
    if not np.allclose(got, world):
        raise Wrong(
            "it changes when the world turns; into the frame goes the transposed rotation: R.T @ …"
        )
    other = np.asarray(answer(rotations[1], places[0], places[1]))
    if np.allclose(got, other):
        raise Wrong("it does not notice how the frame is turned, so a mirror image looks the same")
    if not np.allclose(got, rotations[0].T @ (places[1] - places[0])):
        raise Wrong("first from the frame's place to the point, then the transposed rotation")
    return "whatever a network computes from these numbers is blind to turns of the world"


def frame_error(answer: Callable[[Array, Array, Array, Array], float]) -> str:
    """A function that gives the mean distance of all points, each seen from all frames (Å)."""
    model, native = some_frames(7, 2), some_frames(7, 3)
    got = float(answer(*native, *native))
    if abs(got) > 1e-6:
        raise Wrong(f"the truth against itself has no error, you say {got:.2f} Å")
    turn = turned(9)
    moved = (turn @ native[0], native[1] @ turn.T + 4.0)
    if abs(float(answer(*moved, *native))) > 1e-6:
        raise Wrong("a turned and shifted copy is no error: compare what each frame sees")
    flip = np.diag([1.0, 1.0, -1.0])
    mirror = (flip @ native[0] @ flip, native[1] @ flip)
    if float(answer(*mirror, *native)) < 1e-6:
        raise Wrong("the mirror image has no error; distances are not enough, take whole vectors")
    seen = np.einsum("iba,ijb->ija", model[0], model[1][None] - model[1][:, None])
    true = np.einsum("iba,ijb->ija", native[0], native[1][None] - native[1][:, None])
    off = np.linalg.norm(seen - true, axis=-1)
    got = float(answer(*model, *native))
    if np.isclose(got, np.minimum(off, 10).mean()):
        raise Wrong("here without a clamp: the chapter shows what it does to a collapsed chain")
    if np.isclose(got, np.sqrt((off**2).mean())):
        raise Wrong("the mean of the distances, not the root of their mean square")
    if not np.isclose(got, off.mean()):
        raise Wrong("see all points from all frames, in model and truth; the mean of the distances")
    return "it forgives turns and shifts, and no mirror"


EXERCISES = {
    "34.1": Exercise(
        triangle,
        (
            "Which third corners k does the pair i, j have, and which two edges lead there?",
            "For one pair: `sum(a[i, k] * b[j, k] for k in range(n))`.",
            "All at once: `np.einsum('ikc,jkc->ijc', a, b)`.",
        ),
    ),
    "34.2": Exercise(
        seen_from,
        (
            "First the arrow from the place of the frame to the point, then its parts along the frame's own axes.",
            "The columns of R are the axes of the frame; what is a dot product with each of them?",
            "`R.T @ (point - place)`.",
        ),
    ),
    "34.3": Exercise(
        frame_error,
        (
            "Each frame looks at each point, once in the model and once in the truth. What should it see?",
            "Your answer of 34.2, for all frames and points at once, in the model and in the truth.",
            "`np.einsum('iba,ijb->ija', R, x[None] - x[:, None])` is what frame i sees of point j.",
        ),
    ),
}
