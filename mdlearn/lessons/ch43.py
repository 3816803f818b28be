"""Exercises of chapter 43, why this prediction: tested by what must hold."""

from collections.abc import Callable

import numpy as np

from mdlearn.lesson import Exercise, Wrong


def by_masking(answer: Callable[[Callable, int], np.ndarray]) -> str:
    """What is lost when one player leaves."""
    weights = np.array([3.0, -1.0, 0.5, 0.0])

    def value(present: object) -> float:
        present = np.asarray(present, bool)
        if present.shape != (4,):
            raise Wrong("value takes one True or False for each player")
        return float(present @ weights + 2.0 * (present[0] and present[1]))

    got = np.asarray(answer(value, 4), float)
    true = np.array([5.0, 1.0, 0.5, 0.0])
    alone = np.array([3.0, -1.0, 0.5, 0.0])
    if got.shape != (4,):
        raise Wrong("one number for each player is wanted")
    if np.allclose(got, -true):
        raise Wrong("the sign is turned round: all together minus all but one")
    if np.allclose(got, alone):
        raise Wrong("that is the value of each alone; take one away from all the others instead")
    if not np.allclose(got, true):
        raise Wrong("value of all, minus the value of all but this one")
    return (
        "note that the shares sum to 6.5, and all together are worth 4.5: masking does not add up"
    )


def path(answer: Callable[[Callable, float, int], float]) -> str:
    """Integrated gradient of a function of one variable, from zero."""
    got = float(answer(lambda x: 3 * x**2, 2.0, 1000))
    if abs(got - 24) < 0.1:
        raise Wrong("that is gradient times input at the end; take the mean slope along the way")
    if abs(got - 4) < 0.05:
        raise Wrong("that is the mean slope; times the way gone, x")
    if abs(got - 8) > 0.05:
        raise Wrong("mean of slope(a · x) for a between 0 and 1, times x")
    return "8 = f(2) − f(0): integrated gradients add up to the prediction"


def believable(answer: Callable[[float, float], bool]) -> str:
    """Is an explanation to be believed? r with the truth, r with that of random weights."""
    if answer(0.8, 0.05) is False or not answer(0.8, 0.05):
        raise Wrong("it finds the truth and changes with the weights: nothing speaks against it")
    if answer(0.8, 0.95):
        raise Wrong("it says the same of a network that learned nothing")
    if answer(0.1, 0.05):
        raise Wrong("it has little to do with the truth")
    return "right in a known case, and different for a network that knows nothing"


EXERCISES = {
    "43.1": Exercise(
        by_masking,
        (
            "What is a team worth with everyone in it, and what without one of them?",
            "`everyone = np.ones(players, bool)`; set one entry to False.",
            "value(everyone) − value(without i), for each i",
        ),
    ),
    "43.2": Exercise(
        path,
        (
            "Walk from nothing to x and add up the slope on the way.",
            "The shares `a = (np.arange(steps) + 0.5) / steps` lie between 0 and 1.",
            "x · mean of slope(a · x)",
        ),
    ),
    "43.3": Exercise(
        believable,
        (
            "What must a picture of the model show that a picture of the architecture does not?",
            "Two conditions, joined by `and`.",
            "`truth > 0.5 and untrained < 0.5`",
        ),
    ),
}
