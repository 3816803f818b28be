"""Exercises of chapter 14, the price of data: choices, bills, differences and noise."""

from collections.abc import Callable, Sequence

import numpy as np

from mdlearn.lesson import Exercise, Wrong


def alarm(answer: Callable[[np.ndarray], float]) -> str:
    """A function: how much a committee disagrees on a frame, told by its worst atom (eV/Å)."""
    rng = np.random.default_rng(0)
    votes = rng.normal(size=(3, 5, 3)) * np.array([1.0, 2.0, 0.5, 3.0, 1.0])[:, None]
    deviation = votes - votes.mean(0)
    per_atom = np.sqrt((deviation**2).sum((0, 2)) / 2)
    got = _number(answer(votes))
    if _near(got, per_atom.mean()):
        raise Wrong("that is the mean over atoms; one atom in trouble is enough: take the largest")
    if _near(got, np.linalg.norm(votes, axis=-1).std(0, ddof=1).max()):
        raise Wrong(
            "you compared lengths of forces; two members may push equally hard in opposite "
            "directions: compare the vectors"
        )
    if _near(got, per_atom.max() * np.sqrt(2 / 3)):
        raise Wrong("divide by the number of members minus one: three votes and their own mean")
    if _near(got, per_atom.max() ** 2):
        raise Wrong("that is a variance, in (eV/Å)²; take the root")
    if _near(got, votes.std(0, ddof=1).max()):
        raise Wrong(
            "that is the worst component; sum the three variances of an atom, then the root"
        )
    if not _near(_number(answer(votes + rng.normal(size=(1, 5, 3)))), got):
        raise Wrong(
            "add the same force to every vote and your number changes: only differences between "
            "members count"
        )
    if not _near(got, per_atom.max()):
        raise Wrong("wanted is the largest √(Σ|F_m − F̄|² / (M − 1)) of all atoms")
    return "unanimous votes give zero, and the worst atom rings the bell"


def next_point(answer: Callable[[np.ndarray, Sequence[int]], int]) -> str:
    """A function: the row farthest from all rows that are known."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        points, known = rng.normal(size=(12, 2)), [3, 7, 8]
        points[7] += 4.0  # one known row is an outlier: distances to it, or to the mean, mislead
        gaps = np.linalg.norm(points[:, None] - points[known], axis=-1)  # (rows, known)
        got = answer(points.copy(), list(known))
        if not isinstance(got, int | np.integer):
            raise Wrong(f"the number of one row is wanted, got {type(got).__name__}")
        if got in known:
            raise Wrong(f"row {got} has a label already")
        told = {
            int(gaps.min(1).argmax()): "",
            int(np.where(np.isin(range(12), known), np.inf, gaps.min(1)).argmin()): (
                "that is the nearest, a near copy of what you have"
            ),
            int(gaps.max(1).argmax()): (
                "far from one known row is not far from all: of the distances to the known rows "
                "only the smallest counts"
            ),
            int(gaps.sum(1).argmax()): (
                "a sum lets one distant known row outvote a near one: the smallest distance counts"
            ),
        }
        if got != int(gaps.min(1).argmax()):
            raise Wrong(
                told.get(int(got))
                or "take each row's distance to its nearest known row, then the largest"
            )
    return "each new label goes where the nearest old one is farthest away"


def fair_bill(answer: Callable[[int, float, float], int]) -> str:
    """A function: labels that chance could have bought for what a clever choice cost in all."""
    for labels, price, choosing in ((60, 7.0, 100.0), (15, 6.5, 19.4), (30, 7.0, 0.0)):
        got, true = _number(answer(labels, price, choosing)), labels + int(choosing // price)
        if choosing and _near(got, labels):
            raise Wrong("choosing has a price too: the committee had to be trained")
        if choosing and _near(got, labels - int(choosing // price)):
            raise Wrong("chance has no choosing to pay, so it buys more labels, not fewer")
        if _near(got, labels + choosing / price) and got != true:
            raise Wrong("nobody sells a part of a label; round down")
        if _near(got, labels + int(choosing // price) + 1):
            raise Wrong("one label too many: the bill would be larger; round down")
        if not _near(got, true):
            raise Wrong(
                f"the clever bill is {labels} × {price:g} + {choosing:g} CPU s; what does it buy?"
            )
    return "equal cost means the whole bill, choosing included"


def cheap_plus_rest(answer: Callable[..., tuple[np.ndarray, Callable[..., np.ndarray]]]) -> str:
    """A function that gives what to train on, and how to predict, when a cheap method helps."""
    rng = np.random.default_rng(3)
    dear, cheap = rng.normal(size=(2, 6, 3))
    got = answer(dear.copy(), cheap.copy())
    if not (isinstance(got, tuple) and len(got) == 2 and callable(got[1])):
        raise Wrong("two things are wanted: the labels to train on, and a function that predicts")
    target, predict = np.asarray(got[0], float), got[1]
    if _near(target, dear):
        raise Wrong(
            "those are the dear labels; let the network learn only what the cheap method lacks"
        )
    if _near(target, cheap):
        raise Wrong("those are the cheap labels, which the cheap method gives without a network")
    if _near(target, cheap - dear) and _near(predict(target, cheap), dear):
        return (
            "minus the usual sign, but consistent: the cheap method and the rest make the dear one"
        )
    if _near(target, cheap - dear):
        raise Wrong("a sign: what is missing is dear − cheap")
    if not _near(target, dear - cheap):
        raise Wrong("train on the difference of the two labels")
    said = np.asarray(predict(target, cheap), float)
    if _near(said, target):
        raise Wrong(
            "a perfect network gives the difference only; add the cheap force when you predict"
        )
    if _near(said, target - cheap) or _near(said, cheap - target):
        raise Wrong("a sign in the prediction: cheap + what is missing")
    if not _near(said, dear):
        raise Wrong("with a perfect network your prediction must be the dear force")
    return "the cheap method at every step, the network for the rest"


def below_the_noise(answer: Callable[[float, float], float]) -> str:
    """A function: the error against the truth, from the error against noisy labels (RMSE)."""
    rng = np.random.default_rng(5)
    for error, noise in ((4.0, 3.0), (12.0, 5.0), (30.0, 1.9)):
        seen = float(np.hypot(error, noise))
        got = _number(answer(seen, noise))
        if _near(got, seen - noise):
            raise Wrong("independent errors add by their squares, so subtract squares")
        if _near(got, np.hypot(seen, noise)):
            raise Wrong("the labels' noise is already in what you saw; take it out, do not add it")
        if _near(got, seen**2 - noise**2):
            raise Wrong("that is a mean square; take the root")
        if not _near(got, error):
            raise Wrong("what you see squared is the error squared plus the noise squared")
    miss, wobble = 4.0 * rng.normal(size=100_000), 3.0 * rng.normal(size=100_000)
    seen = float(np.sqrt(((miss + wobble) ** 2).mean()))
    if not _near(_number(answer(seen, 3.0)), 4.0, 0.02):
        raise Wrong("on a hundred thousand drawn numbers it does not hold")
    return "noise in test labels makes a good model look worse than it is"


def _number(value: object) -> float:
    if not isinstance(value, np.ndarray | np.generic | float | int):
        raise Wrong(f"the function should return a number, it returned {type(value).__name__}")
    if np.shape(value):
        raise Wrong(
            f"one number is wanted, the function returned an array of shape {np.shape(value)}"
        )
    return float(value)


def _near(a: np.ndarray | float, b: np.ndarray | float, tolerance: float = 1e-6) -> bool:
    """Equal within a ratio to the largest value, and of the same shape."""
    if np.shape(a) != np.shape(b):
        return False
    return bool(np.abs(np.subtract(a, b)).max() <= tolerance * max(np.abs(b).max(), 1e-9))


EXERCISES = {
    "14.1": Exercise(
        alarm,
        (
            "First the mean vote: `votes.mean(0)` is one force for each atom.",
            "The squared deviations, summed over members and x, y, z, divided by the members minus one.",
            "`np.sqrt(votes.var(0, ddof=1).sum(-1)).max()`",
        ),
    ),
    "14.2": Exercise(
        next_point,
        (
            "For each row: how far is the nearest known row?",
            "`np.linalg.norm(features[:, None] - features[known], axis=-1)` has all distances to the known rows.",
            "The smallest along the known rows, then the place of the largest: `.min(1).argmax()`.",
        ),
    ),
    "14.3": Exercise(
        fair_bill,
        (
            "The clever bill: `labels * price + choosing`.",
            "Chance pays only labels. How many of them does the choosing pay?",
            "`labels + int(choosing // price)`",
        ),
    ),
    "14.4": Exercise(
        cheap_plus_rest,
        (
            "A network that is perfect on your labels must give the dear force when you predict.",
            "Train on `dear - cheap`.",
            "`return dear - cheap, lambda network, cheap: cheap + network`",
        ),
    ),
    "14.5": Exercise(
        below_the_noise,
        (
            "Error and noise are independent. What adds up, the sizes or the squares?",
            "seen² = error² + noise²",
            "`(seen**2 - noise**2) ** 0.5`",
        ),
    ),
}
