"""Downhill to rest, replica exchange, annealing."""

import math

import numpy as np
import pytest
import torch
from ase import Atoms

from mdlearn.dynamics.integrators import langevin, start
from mdlearn.dynamics.minimize import minimize
from mdlearn.dynamics.replicas import anneal, exchange
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import System, from_atoms
from mdlearn.units import fs, kB, ps
from tests.dynamics.liquids import Springs


class TwoWells:
    """A particle in a double well along x: E = 0.1 (x² − 1)² + ½ (y² + z²)."""

    cutoff = 0.1

    def __call__(self, system: System) -> torch.Tensor:
        x, y, z = system.positions.unbind(1)
        return system.total(0.1 * (x * x - 1) ** 2 + 0.5 * (y * y + z * z))


def cluster(count: int, seed: int) -> Atoms:
    places = np.random.default_rng(seed).normal(0, 2.5, (count, 3))
    return Atoms(f"Ar{count}", places * 3.8 / np.sort(np.linalg.norm(places, axis=1))[0] / 1.2)


def test_three_atoms_fall_into_a_triangle_each_system_on_its_own() -> None:
    """Three bonds at rest: −3 ε, and four atoms −6 ε."""
    triangle = Atoms("Ar3", [(0, 0, 0), (4.2, 0, 0), (1.5, 3.6, 0)])
    tetrahedron = Atoms("Ar4", [(0, 0, 0), (4.1, 0, 0), (1.9, 3.4, 0), (2.0, 1.2, 3.5)])
    potential = LennardJones(cutoff=20.0)
    state = start(potential, from_atoms([triangle, tetrahedron]), temperature=0)
    rest = minimize(potential, state, force=1e-4)
    wells = rest.energies / potential.epsilon
    torch.testing.assert_close(wells, torch.tensor([-3.0, -6.0]).double(), rtol=0, atol=1e-4)


def test_frozen_atoms_stay_while_the_others_fall() -> None:
    atoms = Atoms("Ar3", [(0, 0, 0), (4.5, 0, 0), (2.0, 3.6, 0)])
    potential = LennardJones(cutoff=20.0)
    rest = minimize(potential, start(potential, from_atoms(atoms), temperature=0, frozen=[0, 1]))
    assert rest.system.positions[:2].numpy().tolist() == atoms.positions[:2].tolist()
    assert float(rest.forces[2].norm()) < 0.01


def test_no_rest_is_said() -> None:
    potential = LennardJones(cutoff=20.0)
    state = start(potential, from_atoms(cluster(5, 0)), temperature=0)
    with pytest.raises(RuntimeError, match="not at rest after 3 steps"):
        minimize(potential, state, force=1e-9, steps=3)


def test_exchange_keeps_each_temperature_canonical() -> None:
    """Springs at four temperatures: at each the mean energy is 3/2 kT, whoever was there."""
    count = 4
    frames = [Atoms("C30", np.zeros((30, 3))) for _ in range(count)]
    baths = torch.tensor([200.0, 240.0, 290.0, 350.0]).double()
    state = start(Springs(), from_atoms(frames), temperature=baths, seed=0)
    seen = exchange(
        lambda bath: langevin(Springs(), 4 * fs, bath, 20 / ps),
        state, baths, rounds=100, steps=15, seed=1,
    )  # fmt: skip
    assert 0.1 < seen.accepted < 0.95
    for bath in baths:
        there = (seen.temperatures == bath)[20:]
        assert bool((there.sum(1) == 1).all())
        energies = seen.energies[20:][there] / (30 * kB * float(bath))
        error = math.sqrt(1.5 / 30 / len(energies))
        assert float(energies.mean()) == pytest.approx(1.5, abs=6 * error)
    visited = (seen.temperatures[:, 0].unique()).numel()
    assert visited >= 3


def test_annealing_ends_cold_in_a_well() -> None:
    frames = [Atoms("C", [(0.0, 0, 0)]) for _ in range(20)]
    state = start(TwoWells(), from_atoms(frames), temperature=1200, seed=0)
    cold = anneal(
        lambda kelvin: langevin(TwoWells(), 2 * fs, kelvin, 5 / ps),
        state, [1200, 600, 200, 50, 5], steps=150,
    )  # fmt: skip
    ends = cold.system.positions[:, 0].abs()
    torch.testing.assert_close(ends, torch.ones_like(ends), rtol=0, atol=0.2)


def test_wrong_temperatures_are_refused() -> None:
    state = start(Springs(), from_atoms([Atoms("C"), Atoms("C")]), temperature=0)
    with pytest.raises(ValueError, match="3 temperatures for 2"):
        exchange(lambda bath: None, state, torch.tensor([1.0, 2.0, 3.0]), rounds=1, steps=1)
    with pytest.raises(ValueError, match="must rise"):
        exchange(lambda bath: None, state, torch.tensor([3.0, 2.0]), rounds=1, steps=1)
