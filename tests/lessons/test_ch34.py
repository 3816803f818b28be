"""Right answers of chapter 34 pass; wrong ones get the sentence that helps."""

import numpy as np


def closed(a, b):
    return np.einsum("ikc,jkc->ijc", a, b)


def seen(rotation, place, point):
    return rotation.T @ (point - place)


def views(rotation, place):
    return np.einsum("iba,ijb->ija", rotation, place[None] - place[:, None])


def error(rotation, place, true_rotation, true_place):
    off = views(rotation, place) - views(true_rotation, true_place)
    return np.linalg.norm(off, axis=-1).mean()


def clamped(rotation, place, true_rotation, true_place):
    off = views(rotation, place) - views(true_rotation, true_place)
    return np.minimum(np.linalg.norm(off, axis=-1), 10).mean()


def squared(rotation, place, true_rotation, true_place):
    off = views(rotation, place) - views(true_rotation, true_place)
    return np.sqrt((off**2).sum(-1).mean())


def distances_only(rotation, place, true_rotation, true_place):
    one, other = (np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (place, true_place))
    return np.abs(one - other).mean()


def unaligned(rotation, place, true_rotation, true_place):
    return np.linalg.norm(place - true_place, axis=-1).mean()


RIGHT = [("34.1", closed), ("34.2", seen), ("34.3", error)]


WRONG = [
    ("34.1", lambda a, b: np.einsum("kic,kjc->ijc", a, b), "incoming"),
    ("34.1", lambda a, b: np.einsum("ikc,kjc->ijc", a, b), "from i over k to j"),
    ("34.1", lambda a, b: a * b, "no third corner"),
    ("34.1", lambda a, b: closed(a, b) / 5, "not their mean"),
    ("34.1", lambda a, b: closed(a, b).sum(-1), "one vector of 3"),
    ("34.2", lambda R, x, y: y - x, "turns with the world"),
    ("34.2", lambda R, x, y: R @ (y - x), "transposed"),
    ("34.2", lambda R, x, y: np.linalg.norm(y - x), "three numbers"),
    ("34.2", lambda R, x, y: np.full(3, np.linalg.norm(y - x)), "does not notice"),
    ("34.2", lambda R, x, y: R.T @ (x - y), "from the frame's place to the point"),
    ("34.3", unaligned, "what each frame sees"),
    ("34.3", distances_only, "mirror image has no error"),
    ("34.3", clamped, "without a clamp"),
    ("34.3", squared, "not the root"),
    ("34.3", lambda *frames: error(*frames) + 1, "no error, you say"),
]
