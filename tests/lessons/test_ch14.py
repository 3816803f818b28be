"""Right answers of chapter 14 pass; wrong ones get the sentence that helps."""

import numpy as np


def bell(votes):
    return np.sqrt(votes.var(0, ddof=1).sum(-1)).max()


def gaps(points, known):
    return np.linalg.norm(points[:, None] - points[known], axis=-1)


def afar(points, known):
    return gaps(points, known).min(1).argmax()


def nearest(points, known):
    distance = gaps(points, known).min(1)
    distance[known] = np.inf
    return distance.argmin()


def whole_bill(labels, price, choosing):
    return labels + int(choosing // price)


def rest(dear, cheap):
    return dear - cheap, lambda network, cheap: cheap + network


def mirrored(dear, cheap):
    return cheap - dear, lambda network, cheap: cheap - network


def squares(seen, noise):
    return (seen**2 - noise**2) ** 0.5


RIGHT = [
    ("14.1", bell),
    ("14.2", afar),
    ("14.3", whole_bill),
    ("14.4", rest),
    ("14.4", mirrored),
    ("14.5", squares),
]
WRONG = [
    ("14.1", lambda v: np.sqrt(v.var(0, ddof=1).sum(-1)).mean(), "mean over atoms"),
    ("14.1", lambda v: np.linalg.norm(v, axis=-1).std(0, ddof=1).max(), "compare the vectors"),
    ("14.1", lambda v: np.sqrt(v.var(0).sum(-1)).max(), "minus one"),
    ("14.1", lambda v: v.var(0, ddof=1).sum(-1).max(), "take the root"),
    ("14.1", lambda v: v.std(0, ddof=1).max(), "worst component"),
    ("14.1", lambda v: np.abs(v).max(), "only differences"),
    ("14.1", lambda v: v.std(0), "one number"),
    ("14.2", nearest, "near copy"),
    ("14.2", lambda p, k: gaps(p, k).max(1).argmax(), "far from all|has a label already"),
    ("14.2", lambda p, k: gaps(p, k).sum(1).argmax(), "outvote|has a label already"),
    ("14.2", lambda p, k: k[0], "has a label already"),
    ("14.2", lambda p, k: gaps(p, k).min(1), "one row is wanted"),
    ("14.3", lambda n, p, c: n, "choosing has a price"),
    ("14.3", lambda n, p, c: n - int(c // p), "not fewer"),
    ("14.3", lambda n, p, c: n + c / p, "round down"),
    ("14.3", lambda n, p, c: n + int(-(-c // p)), "round down"),
    ("14.3", lambda n, p, c: 2 * n, "what does it buy"),
    ("14.4", lambda d, c: (d, lambda network, cheap: network), "cheap method lacks"),
    ("14.4", lambda d, c: (c, lambda network, cheap: network), "without a network"),
    ("14.4", lambda d, c: (d - c, lambda network, cheap: network), "add the cheap force"),
    (
        "14.4",
        lambda d, c: (d - c, lambda network, cheap: network - cheap),
        "sign in the prediction",
    ),
    ("14.4", lambda d, c: (c - d, lambda network, cheap: cheap + network), "dear − cheap"),
    ("14.4", lambda d, c: d - c, "two things"),
    ("14.5", lambda s, n: s - n, "subtract squares"),
    ("14.5", np.hypot, "already in what you saw"),
    ("14.5", lambda s, n: s**2 - n**2, "take the root"),
    ("14.5", lambda s, n: s, "plus the noise squared"),
]
