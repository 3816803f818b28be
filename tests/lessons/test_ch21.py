"""Right answers of chapter 21 pass; wrong ones get the sentence that helps; the liars lie."""

import numpy as np
import pytest
import torch

from mdlearn.dynamics.integrators import start
from mdlearn.dynamics.observables import temperatures
from mdlearn.dynamics.simulate import run
from mdlearn.lessons.ch21 import NIST, Numbers, hard_scaling, liquid, weak_coupling
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import from_atoms
from mdlearn.units import fs, kB, ps


def order(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


def spread(atoms, kelvin):
    freedoms = 3 * atoms - 3
    return freedoms / 2 * kB * kelvin, (freedoms / 2) ** 0.5 * kB * kelvin


def verlet(x, v, force, dt):
    v = v + dt / 2 * force(x)
    x = x + dt * v
    return x, v + dt / 2 * force(x)


def euler(x, v, force, dt):
    return x + dt * v, v + dt * force(x)


def first_order(x, v, force, dt):
    v = v + dt * force(x)
    return x + dt * v, v


def lame(x, v, force, dt):
    x, v = verlet(x, v, force, dt)
    return x, v * (1 - 1e-9) + 1e-6 * dt


RIGHT = [("21.1", order), ("21.2", spread), ("21.3", verlet)]
WRONG = [
    ("21.1", lambda s, e: 1 / order(s, e), "upside down"),
    ("21.1", lambda s, e: order(s, e) * np.log(10), "one logarithm is natural"),
    ("21.1", lambda s, e: 7.0, "slope of log"),
    ("21.2", lambda n, t: (1.5 * n * kB * t, 0.0), "three degrees of freedom"),
    ("21.2", lambda n, t: (spread(n, t)[0], spread(n, t)[1] ** 2), "variance"),
    ("21.2", lambda n, t: (spread(n, t)[0], ((1.5 * n - 1.5) * kB * t) ** 0.5), "√eV"),
    ("21.2", lambda n, t: (1.0, 1.0), "½ kT"),
    ("21.2", lambda n, t: (spread(n, t)[0], 1.0), "root of the sum"),
    ("21.2", lambda n, t: (1.0, 1.0, 1.0), "two numbers"),
    ("21.3", euler, "Euler"),
    ("21.3", first_order, "first order"),
    ("21.3", lame, "come home"),
]


def test_the_liars_hold_the_mean_and_not_the_spread():
    potential = LennardJones(cutoff=5.0)
    boxes = from_atoms([liquid(2, 0.0205, seed=k) for k in range(3)])
    state = start(potential, boxes, temperature=150, seed=0)
    hard = run(hard_scaling(potential, 4 * fs, 90.0), state, 40, every=1)
    torch.testing.assert_close(hard.temperatures, torch.full_like(hard.temperatures, 90.0))
    soft = run(weak_coupling(potential, 4 * fs, 90.0, 0.05 * ps), state, 200, every=1)
    assert float(temperatures(soft.last).mean()) == pytest.approx(90, abs=8)
    canonical = 90 * (2 / 96) ** 0.5
    assert float(soft.temperatures[100:].std(0).mean()) < 0.7 * canonical


def test_the_published_values_are_those_of_nist():
    assert NIST[0.776] == (-5.4689, 0.24056)


def test_numbers_that_wobble_stand_in_the_masked_span_alone():
    told = Numbers({"mean < 95": (94.44, 0.26)}, "K")
    assert repr(told) == "measured in K: mean < 95"
    assert told._repr_html_() == 'mean &lt; 95: <span class="measured">94.4 ± 0.3</span> K'
