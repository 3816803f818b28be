"""Exercises of chapter 00, the start: a bill, a rule of sampling, and a spring with two masses."""

from collections.abc import Callable
from math import pi

import numpy as np

from mdlearn.data.fetch import load
from mdlearn.lesson import Exercise, Wrong
from mdlearn.units import fs, speed_of_light

STEPS, COPIES = 2500, 8  # of the chapter's dynamics
DT = 0.5 * fs
PEAK = 3800.0  # 1/cm


def bill(answer: float) -> str:
    """CPU hours of one DFT label for each step of each copy."""
    price = float(np.mean([frame.info["seconds"] for frame in load("ethanol", report=None)]))
    got, true = float(answer), STEPS * COPIES * price / 3600
    told = {
        3600 * true: "that is in seconds; an hour has 3600",
        60 * true: "that is in minutes; asked are hours",
        true / COPIES: f"that is one copy; there are {COPIES}, and each step of each needs a label",
        true / STEPS: "that is one step of each copy; there are many steps",
        true / 24: "that is in days; asked are hours",
    }
    for value, sentence in told.items():
        if _near(got, value, 0.02):
            raise Wrong(sentence)
    if not _near(got, true, 0.02):
        raise Wrong("count the labels, copies times steps, and multiply by the price of one")
    return "the potential does it while you fetch a coffee"


def sampling(answer: float) -> str:
    """The largest number of steps between frames that still shows the O–H peak."""
    got = float(answer)
    period = 1e8 / (PEAK * speed_of_light) / DT  # in steps
    largest = int(period / 2)
    if got != int(got):
        raise Wrong("frames are kept every whole number of steps; round down, up is too far apart")
    if got == int(period):
        raise Wrong("that is one frame in a period: a tone needs two, one up and one down")
    if got > largest:
        raise Wrong(
            f"{int(got)} steps are {got * DT / fs:g} fs, more than half of the period "
            f"({period / 2 * DT / fs:.2f} fs): the peak would show up at a wrong, lower wavenumber"
        )
    if got == largest / 2:
        raise Wrong("that is four frames in a period; two are enough")
    if 0 < got < largest:
        raise Wrong("that works, but a larger number does too")
    if got <= 0:
        raise Wrong("a frame can be kept after every step at most: the number is positive")
    return "this is the sampling theorem; beyond it, fast tones come back disguised as slow ones"


def stretch(answer: Callable[[float, float, float], float]) -> str:
    """A function: the wavenumber (1/cm) of two masses (amu) on a spring (eV/Å²)."""
    for spring, a, b in ((50.0, 15.999, 1.008), (30.0, 12.0, 15.999)):
        got = float(answer(spring, a, b))
        true = spring_wavenumber(spring, a, b)
        angular, heavy = 2 * pi * true, spring_wavenumber(spring, 2 * (a + b), 2 * (a + b))
        told = {
            angular: "a factor 2π too large: √(k/μ) is the angular frequency, divide it by 2π",
            true / 1e8: "that is in 1/Å; a centimeter is 10⁸ Å",
            heavy: "the reduced mass of two atoms is not the sum of their masses: see the formula",
            true * a * b / (a + b): "mass multiplies in your formula; a heavier ball beats slower",
            2 * pi * speed_of_light * (true / 1e8) ** 2 * 2 * pi * speed_of_light: (
                "the square root is missing: that is k/μ"
            ),
        }
        for value, sentence in told.items():
            if _near(got, value):
                raise Wrong(sentence)
        if not _near(got, float(answer(spring, b, a))):
            raise Wrong("swap the two atoms and your number changes; a spring has no first end")
        if not _near(float(answer(4 * spring, a, b)), 2 * got):
            raise Wrong("a spring four times as stiff beats twice as fast; yours does not")
        if not _near(got, true):
            raise Wrong("it scales rightly with the spring, but the size is wrong: check the units")
    return "deuterium is twice as heavy as hydrogen, so the O–D peak stands at 0.73 of the O–H one"


def spring_wavenumber(spring: float, mass_a: float, mass_b: float) -> float:
    """Wavenumber (1/cm) of two masses (amu) on a spring (eV/Å²)."""
    reduced = mass_a * mass_b / (mass_a + mass_b)
    return (spring / reduced) ** 0.5 / (2 * pi * speed_of_light) * 1e8


def _near(a: float, b: float, tolerance: float = 1e-3) -> bool:
    """Equal within a ratio."""
    return abs(a - b) <= tolerance * abs(b)


EXERCISES = {
    "00.1": Exercise(
        bill,
        (
            "A bill is a number times a price. Which of the two is still missing?",
            "How many labels? One for each step of each copy.",
            "labels × `dear` are CPU seconds; divide by 3600.",
        ),
    ),
    "00.2": Exercise(
        sampling,
        (
            "How far does the wave swing between two looks? A wave seen once in a period looks like no wave at all.",
            "The period of a wavenumber ν̃ is 1 / (c ν̃): for 3,800 cm⁻¹ a little less than 9 fs.",
            "Two frames in each period: at most half a period apart. Divide by 0.5 fs, round down.",
        ),
    ),
    "00.3": Exercise(
        stretch,
        (
            "Two masses on a spring beat like one mass on a wall. Which of the two counts more?",
            "First the reduced mass, then √(spring / reduced) / (2π · speed_of_light), in 1/Å.",
            "Multiply by 10⁸ to go from 1/Å to 1/cm. For hydrogen and deuterium only μ changes.",
        ),
    ),
}
