"""Right answers of chapter 22 pass; wrong ones get the sentence that helps."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mdlearn.dynamics.integrators import start, verlet
from mdlearn.dynamics.observables import temperatures
from mdlearn.lessons.ch21 import liquid
from mdlearn.lessons.ch22 import all_pairs, clock, gpu_results, step_cost
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import evaluate, from_atoms
from mdlearn.units import fs


def scaled(state, kelvin):
    scale = (kelvin / temperatures(state)) ** 0.5
    return replace(state, velocities=state.velocities * scale[state.system.index, None])


def reading(state, kelvin):
    scale = torch.tensor([(kelvin / float(t)) ** 0.5 for t in temperatures(state)]).double()
    return replace(state, velocities=state.velocities * scale[state.system.index, None])


def common(state, kelvin):
    scale = (kelvin / temperatures(state).mean()) ** 0.5
    return replace(state, velocities=state.velocities * scale)


def gain(share, factor):
    return 1 / (1 - share + share / factor)


def days(nano, femto, rate):
    return nano * 1e6 / femto / rate / 86400


RIGHT = [("22.1", scaled), ("22.2", gain), ("22.3", days)]
WRONG = [
    ("22.1", lambda state, kelvin: state.velocities, "return a State"),
    ("22.1", common, "its own factor"),
    ("22.1", reading, "leaves the device"),
    ("22.2", lambda p, s: 1 + p * (s - 1), "speeds do not average"),
    ("22.2", lambda p, s: 1 / gain(p, s), "new time"),
    ("22.2", lambda p, s: 3.0, "what stays"),
    ("22.3", lambda n, f, r: days(n, f, r) * 86400, "in seconds"),
    ("22.3", lambda n, f, r: days(n, f, r) * 24, "in hours"),
    ("22.3", lambda n, f, r: days(n, f, r) * 1000, "thousand off"),
    ("22.3", lambda n, f, r: 1.0, "steps per second"),
]


def test_the_plain_sum_is_that_of_the_package():
    potential, atoms = LennardJones(cutoff=5.0), liquid(2, 0.0205)
    system = table(from_atoms(atoms), 5.0, half=True)
    energy, forces = all_pairs(potential, system.positions, float(atoms.cell[0, 0]))
    seen = evaluate(potential, system)
    torch.testing.assert_close(forces, seen.forces)
    assert float(energy) == pytest.approx(float(seen.energies))


def test_the_stopwatch_counts():
    assert 0 < clock(lambda: sum(range(1000)), seconds=0.01) < 0.01
    potential = LennardJones(cutoff=5.0)
    state = start(potential, from_atoms(liquid(2, 0.0205)), temperature=90)
    assert 0 < step_cost(verlet(potential, 4 * fs), state, 3) < 1


def test_times_on_a_gpu_are_those_of_the_benchmark() -> None:
    found = gpu_results()
    assert found.device in Path("benchmarks/results/accelerator.json").read_text()
    assert list(found.times) == ["one core", "GPU", "GPU, captured"]
    assert all(len(times) == len(found.replicas) for times in found.times.values())
    alone, batch = (times[0] / times[-1] for times in (found.times["GPU"], found.times["one core"]))
    assert alone > batch  # a large batch costs a GPU little more than one molecule
