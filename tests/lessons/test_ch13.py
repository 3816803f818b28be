"""Right answers of chapter 13 pass; wrong ones get the sentence that helps."""

import numpy as np
import pytest
import torch

from mdlearn.lessons.ch13 import rotation


def angles(arrows):
    return ((arrows @ arrows.T) ** 2).sum()


def bend(vectors):
    return vectors * torch.sigmoid(vectors.norm(dim=1, keepdim=True))


def line(n, error):
    return np.polyfit(np.log(n), np.log(error), 1)[0]


def ends(n, error):
    return np.log(error[-1] / error[0]) / np.log(n[-1] / n[0])


def extrapolate(n, error, slope, target):
    return n * (target / error) ** (1 / slope)


RIGHT = [("13.1", angles), ("13.2", bend), ("13.3", line), ("13.4", extrapolate)]
WRONG = [
    ("13.1", lambda a: a.norm(dim=1).sum(), "lengths alone"),
    ("13.1", lambda a: a[:, 0].abs().sum(), "Turn|turn the molecule"),
    ("13.1", lambda a: a[0] @ a[1] / (a[0].norm() * a[1].norm()), "another order"),
    ("13.1", lambda a: a @ a.T, "one number"),
    ("13.1", lambda a: "104.5", "should return a number"),
    ("13.2", torch.relu, "components"),
    ("13.2", lambda v: v * v.norm(dim=1, keepdim=True) + 1.0, "fixed"),
    ("13.2", lambda v: v.norm(dim=1), "comes out"),
    ("13.2", lambda v: 3 * v, "linear"),
    ("13.2", lambda v: torch.linalg.cross(v, v.roll(1, 0)), "mirror"),
    ("13.3", lambda n, e: -line(n, e), "negative"),
    ("13.3", lambda n, e: np.polyfit(n, e, 1)[0], "logarithms of both"),
    ("13.3", lambda n, e: np.polyfit(n, np.log(e), 1)[0], "one axis only"),
    ("13.3", lambda n, e: np.polyfit(np.log(n), e, 1)[0], "one axis only"),
    ("13.3", ends, "not the ends"),
    ("13.3", lambda n, e: 0.3, "the slope is"),
    ("13.4", lambda n, e, s, t: n * e / t, "use the slope"),
    ("13.4", lambda n, e, s, t: n * (t / e) ** s, "upside down"),
    ("13.4", lambda n, e, s, t: n * (e / t) ** (1 / s), "fewer labels"),
    ("13.4", lambda n, e, s, t: n, "solve target"),
]


@pytest.mark.parametrize("mirror", [False, True])
def test_rotations_keep_lengths_and_say_whether_they_mirror(mirror):
    turn = rotation(5, mirror=mirror)
    torch.testing.assert_close(turn @ turn.T, torch.eye(3).double())
    assert float(torch.linalg.det(turn)) == pytest.approx(-1 if mirror else 1)
