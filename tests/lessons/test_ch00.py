"""Right answers of chapter 00 pass; wrong ones get the sentence that helps."""

from math import pi

import numpy as np
import pytest

from mdlearn.data.fetch import load
from mdlearn.lessons.ch00 import spring_wavenumber
from mdlearn.units import speed_of_light

HOURS = 8 * 2500 * float(np.mean([f.info["seconds"] for f in load("ethanol", report=None)])) / 3600


def wavenumber(spring, a, b):
    reduced = a * b / (a + b)
    return (spring / reduced) ** 0.5 / (2 * pi * speed_of_light) * 1e8


RIGHT = [("00.1", HOURS), ("00.2", 8), ("00.3", wavenumber)]
WRONG = [
    ("00.1", HOURS * 3600, "in seconds"),
    ("00.1", HOURS * 60, "in minutes"),
    ("00.1", HOURS / 24, "in days"),
    ("00.1", HOURS / 8, "one copy"),
    ("00.1", HOURS / 2500, "one step"),
    ("00.1", HOURS * 3, "count the labels"),
    ("00.2", 17, "one frame in a period"),
    ("00.2", 9, "lower wavenumber"),
    ("00.2", 8.77, "whole number"),
    ("00.2", 4, "two are enough"),
    ("00.2", 7, "a larger number"),
    ("00.2", 0, "positive"),
    ("00.3", lambda k, a, b: 2 * pi * wavenumber(k, a, b), "divide it by 2π"),
    ("00.3", lambda k, a, b: wavenumber(k, a, b) / 1e8, "10⁸ Å"),
    ("00.3", lambda k, a, b: wavenumber(k, 2 * (a + b), 2 * (a + b)), "not the sum"),
    ("00.3", lambda k, a, b: wavenumber(k, a, b) * a * b / (a + b), "beats slower"),
    ("00.3", lambda k, a, b: k * (a + b) / (a * b), "square root"),
    ("00.3", lambda k, a, b: wavenumber(k, a, a), "no first end"),
    ("00.3", lambda k, a, b: k * wavenumber(1.0, a, b), "twice as fast"),
    ("00.3", lambda k, a, b: 3 * wavenumber(k, a, b), "the units"),
]


def test_the_spring_of_hydrogen_chloride_beats_as_in_the_textbook():
    # 516 N/m, 2990 cm⁻¹: Huber & Herzberg, Constants of Diatomic Molecules (1979), ω_e = 2990.9 cm⁻¹
    newton_per_meter = 0.0624151
    assert spring_wavenumber(516.3 * newton_per_meter, 34.969, 1.008) == pytest.approx(
        2990.9, 0.002
    )
