"""A screening campaign replayed: which molecules to measure next, when measuring costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from sklearn.base import clone

from mdlearn.properties.model import PropertyModel

Choice = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def greedy(mean: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The highest prediction is measured first: exploit what is known."""
    return mean


def uncertain(mean: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The most disputed prediction is measured first: learn."""
    return std


def optimistic(mean: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mean plus spread: what could be good is measured first."""
    return mean + std


def by_chance(mean: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Any molecule: the baseline."""
    return rng.random(len(mean))


CHOICES: dict[str, Choice] = {
    "greedy": greedy,
    "uncertain": uncertain,
    "optimistic": optimistic,
    "chance": by_chance,
}


@dataclass(frozen=True)
class Campaign:
    """What was measured, in order.

    Attributes:
        measured: Numbers of the molecules.
        hits: Hits among the first 1, 2, … molecules measured, a count.
    """

    measured: Int[np.ndarray, " assays"]
    hits: Int[np.ndarray, " assays"]


def campaign(
    model: PropertyModel,
    molecules: Sequence[Any],
    truth: Float[np.ndarray, " molecules"],
    *,
    hit: float,
    choice: Choice = greedy,
    start: int = 20,
    batch: int = 20,
    budget: int = 200,
    seed: int = 0,
) -> Campaign:
    """Measure some by chance, learn, choose the next batch, and so on until the budget is spent.

    Args:
        model: Learns anew before each batch; needs several members.
        molecules: All that could be measured.
        truth: What a measurement would say.
        hit: A molecule is a hit from this value on (in the unit of the truth).
        choice: What is measured first: the highest value of this function of mean and spread.
        start: Molecules measured by chance at first.
        batch: Molecules measured at once.
        budget: Molecules measured in all.
        seed: Of the first molecules and of chance.
    """
    if not 2 <= start <= budget <= len(truth):
        raise ValueError(
            f"wants 2 ≤ start ≤ budget ≤ {len(truth)} molecules; got {start} and {budget}"
        )
    rng = np.random.default_rng(seed)
    measured = rng.permutation(len(truth))[:start]
    while len(measured) < budget:
        left = np.setdiff1d(np.arange(len(truth)), measured)
        learner = clone(model).set_params(holdout=0.0, seed=seed)
        learner.fit([molecules[i] for i in measured], truth[measured])
        mean, std = learner.predict([molecules[i] for i in left], return_std=True)
        wanted = np.argsort(-choice(mean, std, rng), kind="stable")
        measured = np.concatenate([measured, left[wanted[: min(batch, budget - len(measured))]]])
    return Campaign(measured, np.cumsum(truth[measured] >= hit))
