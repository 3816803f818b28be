"""On a GPU everything gives the numbers of the processor, and a step can be captured whole."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mdlearn.dynamics.capture import captured
from mdlearn.dynamics.device import OneDevice
from mdlearn.dynamics.ensembles import barostat, rescaling
from mdlearn.dynamics.integrators import State, Step, langevin, start, verlet
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.simulate import run
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials.committee import Committee
from mdlearn.potentials.neighbors import refresh, table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import Potential, System, evaluate, from_atoms
from mdlearn.potentials.terms import StillingerWeber
from mdlearn.units import bar, fs, ps
from tests.potentials.frames import ethanol, random_ace, silicon

GPU = torch.device("cuda")
ROOT = Path(__file__).parents[2]
POTENTIALS: dict[str, Callable[[], Potential]] = {
    "Lennard-Jones": lambda: LennardJones(sigma=1.2, cutoff=4.0),
    "Stillinger-Weber": StillingerWeber,
    "ACE": lambda: random_ace([1, 6, 8, 14], cutoff=4.0),
    "committee": lambda: Committee(
        [random_ace([1, 6, 8, 14], seed, cutoff=4.0) for seed in (0, 1)]
    ),
}
FRAMES = {
    "two molecules": lambda: from_atoms([ethanol(0), ethanol(1)]),
    "two thin crystals": lambda: from_atoms([silicon(0), silicon(1)]),
    "a large crystal": lambda: from_atoms(silicon().repeat((4, 8, 8))),
}


def on_gpu(potential: Potential) -> Potential:
    return potential.to(GPU) if hasattr(potential, "to") else potential


def moved(state: State) -> State:
    return State(**{k: v.to(GPU) for k, v in vars(state).items() if v is not None})


def pairs_of(system: System) -> set[tuple[int, ...]]:
    i, slot = system.mask.nonzero().unbind(1)
    shift = system.shifts[i, slot] if system.shifts is not None else torch.zeros(len(i), 3)
    rows = torch.cat([i[:, None].cpu(), system.neighbors[i, slot][:, None].cpu(), shift.cpu()], 1)
    return {tuple(row) for row in rows.round().long().tolist()}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_neighbor_tables_are_the_same(make: Callable[[], System]) -> None:
    system = make()
    here, there = table(system, 4.0, skin=0.5), table(system.to(GPU), 4.0, skin=0.5)
    assert there.neighbors.is_cuda
    assert pairs_of(here) == pairs_of(there)


@pytest.mark.parametrize("name", POTENTIALS)
@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_energies_forces_and_virial_are_the_same(name: str, make: Callable[[], System]) -> None:
    if name == "Stillinger-Weber" and make is FRAMES["two molecules"]:
        make = FRAMES["two thin crystals"]  # it knows silicon only
    system, half = make(), name == "Lennard-Jones"
    here = evaluate(POTENTIALS[name](), table(system, 4.0, half=half), virial=True)
    there = table(system.to(GPU), 4.0, half=half)
    seen = evaluate(on_gpu(POTENTIALS[name]()), there, virial=True)
    for one, other in zip(vars(here).values(), vars(seen).values(), strict=True):
        if one is not None:
            torch.testing.assert_close(other.cpu(), one, rtol=1e-9, atol=1e-9)


STEPS: dict[str, Callable[[Potential], Step]] = {
    "verlet": lambda potential: verlet(potential, fs),
    "langevin": lambda potential: langevin(potential, fs, 300.0, 1 / ps),
    "rescaling": lambda potential: rescaling(potential, fs, 300.0, ps),
    "barostat": lambda potential: barostat(potential, fs, 300.0, 1 / ps, pressure=1 * bar, time=ps),
}


@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS.keys())
def test_a_hundred_steps_with_new_tables_are_the_same(make: Callable[[Potential], Step]) -> None:
    potential = random_ace([14], cutoff=4.0)
    here = start(potential, from_atoms([silicon(0), silicon(1)]), temperature=300, skin=0.05)
    there, noise = moved(here), Source(here.system, 0)
    step, far = make(potential), make(on_gpu(random_ace([14], cutoff=4.0)))
    for _ in range(100):
        row = noise.next()
        here = step(replace(here, system=refresh(here.system)), row)
        there = far(replace(there, system=refresh(there.system)), row.to(GPU))
    assert there.velocities.is_cuda
    torch.testing.assert_close(
        there.system.positions.cpu(), here.system.positions, atol=1e-7, rtol=0
    )


@pytest.mark.parametrize("name", ["Lennard-Jones", "ACE"])
@pytest.mark.parametrize("make", STEPS.values(), ids=STEPS.keys())
def test_a_step_is_captured_as_a_graph_and_replays_the_same(
    name: str, make: Callable[[Potential], Step]
) -> None:
    potential = on_gpu(POTENTIALS[name]())
    state = start(potential, from_atoms([silicon(0), silicon(1)], device=GPU), temperature=300)
    step, noise = make(potential), Source(state.system, 0)
    rows = [noise.next().clone() for _ in range(20)]
    plain = state
    for row in rows:
        plain = step(plain, row)
    replayed = captured(step)
    for row in rows:
        state = replayed(state, row)
    torch.testing.assert_close(state.system.positions, plain.system.positions, atol=1e-9, rtol=0)
    torch.testing.assert_close(state.energies, plain.energies, atol=1e-9, rtol=0)


COMPILED = """
import torch
from mdlearn.dynamics.compiling import compiled
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import evaluate, from_atoms
from tests.potentials.frames import silicon
lj = LennardJones(sigma=1.2, cutoff=4.0)
system = table(from_atoms(silicon().repeat((4, 8, 8)), device="cuda"), 4.0, half=True)
plain, quick = (evaluate(p, system) for p in (lj, compiled(lj, device="cuda", report=None)))
torch.testing.assert_close(quick.forces, plain.forces)
"""


def test_compiled_forces_are_the_same() -> None:  # in a process without the check of shapes
    subprocess.run([sys.executable, "-c", COMPILED], cwd=ROOT, check=True)


def test_dynamics_keeps_its_energy_and_its_temperature() -> None:
    potential = on_gpu(random_ace([1, 6, 8], cutoff=4.0))
    state = start(potential, from_atoms([ethanol(0)] * 64, device=GPU), temperature=100)
    path = run(verlet(potential, 0.1 * fs), state, 400, every=40)
    total = path.energies + path.kinetic
    assert float((total - total[0]).abs().max()) < 1e-3
    bath = run(langevin(potential, 0.2 * fs, 300.0, 20 / ps), state, 3000, every=100)
    assert abs(float(bath.temperatures[15:].mean()) - 300) < 15


def test_one_device_law_holds_on_the_gpu_itself() -> None:
    potential = on_gpu(random_ace([14], cutoff=4.0))
    state = start(potential, from_atoms(silicon(), device=GPU), temperature=300)
    with OneDevice("cuda"):
        verlet(potential, fs)(state)


def test_seeds_give_the_same_run_twice() -> None:
    potential = LennardJones(sigma=1.2, cutoff=4.0)
    ends = []
    for _ in range(2):
        state = start(potential, from_atoms(silicon(), device=GPU), temperature=300, seed=3)
        ends.append(run(langevin(potential, fs, 300.0, 1 / ps), state, 30, seed=4).last)
    assert np.allclose(ends[0].velocities.cpu(), ends[1].velocities.cpu(), atol=1e-9)
    other = run(langevin(potential, fs, 300.0, 1 / ps), replace(state), 30, seed=5).last
    assert not np.allclose(other.velocities.cpu(), ends[0].velocities.cpu(), atol=1e-3)


def test_a_captured_run_rebuilds_its_tables_and_keeps_its_energy() -> None:
    lj = LennardJones(cutoff=7.5)
    state = start(lj, from_atoms(liquid(4, 0.02), device=GPU), temperature=200, skin=0.3)
    step = verlet(lj, 2 * fs)
    plain = run(step, state, 300, every=10)
    replayed = run(captured(step), state, 300, every=10)
    torch.testing.assert_close(replayed.energies[:10], plain.energies[:10], atol=1e-7, rtol=0)
    total = (replayed.energies + replayed.kinetic)[:, 0]
    assert float((total - total[0]).abs().max()) < 2e-3 * 256
    assert float((plain.last.system.built - state.system.built).abs().max()) > 0.1  # rebuilt
