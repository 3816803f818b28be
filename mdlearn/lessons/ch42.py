"""Exercises of chapter 42, honest numbers: tested by what must hold."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from mdlearn.lesson import Exercise, Wrong


def half_width(answer: Callable[[np.ndarray, float], float]) -> str:
    """The half width of a conformal interval from errors on molecules kept aside."""
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))  # 1 … 99, shuffled
    got = float(answer(errors.copy(), 0.1))
    if got == 10:
        raise Wrong("one in ten errors is below that; nine in ten must be")
    if abs(got - float(errors.std() * 1.645)) < 0.5:
        raise Wrong("that supposes Gaussian errors; sort them and count instead")
    if got != 90:
        raise Wrong(
            f"of 99 errors, the 90th smallest covers a hundredth one with 90 %; got {got:g}"
        )
    if float(answer(-errors, 0.1)) != 90:
        raise Wrong("an error can be negative; take its size first")
    return "no law of errors was needed, only that the next molecule is like these"


def no_leak(answer: Callable[[Sequence[str], Sequence[int], Sequence[int]], list[str]]) -> str:
    """Scaffolds that are in both parts."""
    scaffolds = ["a", "b", "c", "a", "d", "b"]
    got = list(answer(scaffolds, [0, 1, 2], [3, 4, 5]))
    if set(got) == {3, 5} or set(got) == {0, 1}:
        raise Wrong("these are rows; asked are the scaffolds")
    if set(got) != {"a", "b"}:
        raise Wrong("the scaffolds of the train rows and those of the test rows: which are common?")
    if list(answer(scaffolds, [0, 3], [1, 2])):
        raise Wrong("nothing is shared there, so the answer must be empty")
    return "one line, and it would have saved many a paper"


def bar(answer: Callable[[Sequence[float]], float]) -> str:
    """Standard error of a mean over seeds."""
    values = [0.9, 1.1, 1.3, 0.7, 1.0]
    got, spread = float(answer(values)), float(np.std(values, ddof=1))
    if math.isclose(got, spread, rel_tol=1e-6):
        raise Wrong("that is the spread of single runs; the mean of n is surer by √n")
    if math.isclose(got, float(np.std(values)) / math.sqrt(5), rel_tol=1e-6):
        raise Wrong("nearly: the mean was estimated too, so divide by n − 1 in the variance")
    if not math.isclose(got, spread / math.sqrt(5), rel_tol=1e-6):
        raise Wrong("standard deviation (with n − 1) over the root of n")
    return "without it, a difference between two models says nothing"


EXERCISES = {
    "42.1": Exercise(
        half_width,
        (
            "Had you a hundred errors and might miss ten of them, which one would you name?",
            "Sort the sizes of the errors.",
            "The one in place ⌈(n + 1)(1 − alpha)⌉, counted from 1.",
        ),
    ),
    "42.2": Exercise(
        no_leak,
        (
            "A row number is not a scaffold. Turn both lists into scaffolds first.",
            "Two sets, and what they share.",
            "{…} & {…}",
        ),
    ),
    "42.3": Exercise(
        bar,
        (
            "How much would the mean change, if you took other values of the same kind?",
            "`np.std(values, ddof=1)`",
            "over `len(values) ** 0.5`",
        ),
    ),
}
