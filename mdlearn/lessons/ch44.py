"""Exercises of chapter 44, a screening campaign: tested by what must hold."""

from collections.abc import Callable

import numpy as np

from mdlearn.lesson import Exercise, Wrong


def choose_batch(answer: Callable[[np.ndarray, int], np.ndarray]) -> str:
    """The numbers of the molecules with the highest predictions."""
    rng = np.random.default_rng(0)
    mean = rng.normal(size=12)
    got = np.asarray(answer(mean.copy(), 4), dtype=int)
    if len(got) != 4:
        raise Wrong(f"asked for 4 molecules, got {len(got)}")
    if set(got) == set(np.argsort(mean)[:4]):
        raise Wrong("these are the lowest; the sign turns the order round")
    if len(set(got)) < 4:
        raise Wrong("one molecule stands twice; an assay is spent for nothing")
    if set(got) != set(np.argsort(mean)[-4:]):
        raise Wrong("these are not the four highest predictions")
    return "the greedy choice, in one line"


def enrichment(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """How many times more hits than by chance."""
    hits = np.zeros(200, bool)
    hits[:20] = True
    measured = np.array([0, 1, 2, 3, 4, 50, 60, 70, 80, 90])
    got, true = float(answer(hits, measured)), 5.0
    told = {
        0.5: "that is the share of hits among the measured; divide by the share among all",
        5 / 20: "that is the share of all hits that were found, the recall",
        0.2: "turned round: the share among the measured over the share among all",
    }
    if abs(got - true) > 1e-9:
        for value, sentence in told.items():
            if abs(got - value) < 1e-9:
                raise Wrong(sentence)
        raise Wrong("share of hits among the measured, over the share of hits among all")
    if abs(float(answer(hits, np.arange(200))) - 1) > 1e-9:
        raise Wrong("whoever measures everything enriches nothing: that must give 1")
    return "one means chance; what it can be at most depends on how rare hits are"


def expected_by_chance(answer: Callable[[int, int, int], float]) -> str:
    """Hits expected when choosing by chance."""
    for molecules, hits, budget in ((1000, 100, 200), (50, 5, 10)):
        got, true = float(answer(molecules, hits, budget)), hits * budget / molecules
        if abs(got - hits / molecules) < 1e-9:
            raise Wrong("that is the share of hits; how many do you meet in the whole budget?")
        if abs(got - true) > 1e-9:
            raise Wrong("each molecule measured is a hit with probability hits / molecules")
    return "the honest baseline of every campaign, without a computer"


EXERCISES = {
    "44.1": Exercise(
        choose_batch,
        (
            "Greedy takes what looks best now. At which end of the sorted list is that?",
            "`np.argsort` sorts upward.",
            "np.argsort(-mean)[:count]",
        ),
    ),
    "44.2": Exercise(
        enrichment,
        (
            "Compare two shares: of hits among those measured, and of hits among all.",
            "`hits[measured].mean()` is one of the two shares.",
            "Divide it by `hits.mean()`.",
        ),
    ),
    "44.3": Exercise(
        expected_by_chance,
        (
            "Chance does not know the hits. What share of them lies in any tenth of the molecules?",
            "Every assay has the same chance.",
            "budget · hits / molecules",
        ),
    ),
}
