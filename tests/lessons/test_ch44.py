"""Right answers of chapter 44 pass; wrong ones get the sentence that helps."""

import numpy as np

RIGHT = [
    ("44.1", lambda mean, count: np.argsort(-mean)[:count]),
    ("44.2", lambda hits, measured: hits[measured].mean() / hits.mean()),
    ("44.3", lambda molecules, hits, budget: budget * hits / molecules),
]
WRONG = [
    ("44.1", lambda mean, count: np.argsort(mean)[:count], "lowest"),
    ("44.1", lambda mean, count: np.argsort(-mean), "asked for 4"),
    ("44.1", lambda mean, count: np.full(count, mean.argmax()), "twice"),
    ("44.1", lambda mean, count: np.arange(count), "not the four"),
    ("44.2", lambda hits, measured: hits[measured].mean(), "divide by"),
    ("44.2", lambda hits, measured: hits[measured].sum() / hits.sum(), "recall"),
    ("44.2", lambda hits, measured: hits.mean() / hits[measured].mean(), "turned round"),
    ("44.2", lambda hits, measured: 7, "over the share"),
    ("44.2", lambda hits, measured: 5, "must give 1"),
    ("44.3", lambda molecules, hits, budget: hits / molecules, "whole budget"),
    ("44.3", lambda molecules, hits, budget: hits, "probability"),
    ("44.3", lambda molecules, hits, budget: budget / molecules, "probability"),
]
