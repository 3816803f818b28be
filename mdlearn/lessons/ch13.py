"""Exercises of chapter 13, equivariance pays: answers are turned, mirrored and reordered."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mdlearn.lesson import Exercise, Wrong


def rotation(seed: int, *, mirror: bool = False) -> Tensor:
    """A random rotation, or a rotation and a reflection: a matrix that keeps lengths and angles."""
    noise = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    turn = torch.linalg.qr(noise)[0]
    wanted = -1.0 if mirror else 1.0
    return turn * (wanted * torch.linalg.det(turn))


def fingerprint(answer: Callable[[Tensor], object]) -> str:
    """A function of the arrows to the neighbors: a number that knows angles, not the frame of reference."""
    arrows = _noise(4, 3, seed=0)
    value = _number(answer(arrows))
    if not _near(_number(answer(arrows @ rotation(1).T)), value):
        raise Wrong("turn the molecule and your number changes: it knows about x, y and z")
    if not _near(_number(answer(arrows.flip(0))), value):
        raise Wrong("name the neighbors in another order and your number changes: sum over them")
    bent, straight = (_water(angle) for angle in (104.5, 180.0))
    if _near(_number(answer(bent)), _number(answer(straight))):
        raise Wrong(
            "bent and straight water have the same number: lengths alone do not know the angle; "
            "multiply arrows of different neighbors"
        )
    return "the same from every side and in every order, and it knows the angle"


def nonlinear(answer: Callable[[Tensor], Tensor]) -> str:
    """A function of vectors that is not linear and turns with them."""
    vectors = _noise(6, 3, seed=2)
    value = answer(vectors)
    if getattr(value, "shape", None) != vectors.shape:
        raise Wrong(
            f"six vectors go in, {tuple(getattr(value, 'shape', ()))} comes out, not (6, 3)"
        )
    turn = rotation(3)
    if not _near(answer(vectors @ turn.T), value @ turn.T):
        raise Wrong(
            "turned vectors do not give turned answers: a nonlinearity on components, or a fixed "
            "direction, knows about x, y and z; let only lengths decide"
        )
    flip = rotation(4, mirror=True)
    if not _near(answer(vectors @ flip.T), value @ flip.T):
        raise Wrong("it turns, but the mirror image does not give the mirror image")
    if _near(answer(2 * vectors), 2 * value) and _near(
        answer(vectors + vectors.flip(0)), value + value.flip(0)
    ):
        raise Wrong("that is linear: layers of it make one layer; let the length bend it")
    return "direction kept, length bent: that is how vectors pass through a network"


def exponent(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """A function that finds the slope of a learning curve."""
    n = np.array([50.0, 100.0, 200.0, 400.0, 900.0])
    for factor, slope in ((300.0, -0.5), (8.0, -0.8)):
        error = factor * n**slope
        got = _number(answer(n, error))
        if _near(got, -slope):
            raise Wrong(
                "the size is right, the sign is not: the error falls, so the slope is negative"
            )
        if _near(got, np.polyfit(n, error, 1)[0]):
            raise Wrong(
                "that is the slope on plain axes, in meV/Å per label; take logarithms of both"
            )
        if _near(got, np.polyfit(n, np.log(error), 1)[0]) or _near(
            got, np.polyfit(np.log(n), error, 1)[0]
        ):
            raise Wrong(
                "you took the logarithm of one axis only; a power law is straight when both are"
            )
        if not _near(got, slope):
            raise Wrong(
                f"for an error of {factor:g} · n^{slope:g} the slope is {slope:g}, not {got:.3g}"
            )
    noisy = 100.0 * n**-0.5 * np.array([1.1, 0.9, 1.0, 1.1, 0.9])
    if not _near(_number(answer(n, noisy)), np.polyfit(np.log(n), np.log(noisy), 1)[0], 1e-3):
        raise Wrong("right on a perfect curve, not on a noisy one: fit all points, not the ends")
    return "a power law is a straight line when both axes are logarithmic"


def labels_needed(answer: Callable[[float, float, float, float], float]) -> str:
    """A function: how many labels bring the error down to a target, by the power law."""
    for n, error, slope, target in ((100.0, 60.0, -0.5, 30.0), (900.0, 25.0, -0.8, 10.0)):
        got = _number(answer(n, error, slope, target))
        true = n * (target / error) ** (1 / slope)
        if _near(got, n * error / target):
            raise Wrong("half the error for twice the labels would be a slope of −1; use the slope")
        if _near(got, n * (target / error) ** slope):
            raise Wrong("the exponent is upside down: solve target = error · (m / n)^slope for m")
        if _near(got, n * (error / target) ** (1 / slope)):
            raise Wrong("fewer labels for a smaller error? one ratio is upside down")
        if not _near(got, true):
            raise Wrong("solve target = error · (m / n)^slope for m")
    return "with a slope of −½, half the error costs four times the labels"


def _noise(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _water(angle: float) -> Tensor:
    """The arrows from oxygen to its hydrogens (Å) for an angle (degrees)."""
    half = np.radians(angle) / 2
    x, y = 0.96 * np.sin(half), 0.96 * np.cos(half)
    return torch.tensor([[x, y, 0.0], [-x, y, 0.0]], dtype=torch.float64)


def _number(value: object) -> float:
    if not isinstance(value, Tensor | np.ndarray | np.generic | float | int):
        raise Wrong(f"the function should return a number, it returned {type(value).__name__}")
    shape = tuple(np.shape(value))
    if shape:
        raise Wrong(f"one number is wanted, the function returned an array of shape {shape}")
    return float(value)


def _near(a: Tensor | float, b: Tensor | float, tolerance: float = 1e-6) -> bool:
    """Equal within a ratio to the largest value."""
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    return bool((a - b).abs().max() <= tolerance * max(float(b.abs().max()), 1e-9))


EXERCISES = {
    "13.1": Exercise(
        fingerprint,
        (
            "A turn changes every arrow. What about a pair of arrows does it leave alone?",
            "The angle between two neighbors is in the product of their arrows: `arrows @ arrows.T`.",
            "Bend the products before you sum them, e.g. `((arrows @ arrows.T) ** 2).sum()`.",
        ),
    ),
    "13.2": Exercise(
        nonlinear,
        (
            "relu asks each component for its sign. Does that question mean the same after a turn?",
            "A length does not change when the molecule turns. Multiply each vector by a function of it.",
            "`vectors * torch.sigmoid(vectors.norm(dim=1, keepdim=True))`",
        ),
    ),
    "13.3": Exercise(
        exponent,
        (
            "What does a power law look like when both axes are logarithmic?",
            "error = a · n^b means log(error) = log(a) + b · log(n): a straight line.",
            "`np.polyfit(x, y, 1)[0]` is the slope of a line through all points.",
        ),
    ),
    "13.4": Exercise(
        labels_needed,
        (
            "Do not count from zero: by which factor must the error fall, and what does one label factor buy?",
            "At n labels the error is `error`; at m labels it is error · (m / n)^slope.",
            "Set that equal to the target and solve for m.",
        ),
    ),
}
