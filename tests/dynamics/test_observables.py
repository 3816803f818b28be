"""What is measured has known answers, and those of MDTraj where both compute the same."""

import math

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from mdlearn.dynamics.distributions import angle_histogram, rdf, structure_factor, torsions
from mdlearn.dynamics.integrators import start
from mdlearn.dynamics.observables import (
    diffusion,
    mean_square_displacement,
    pressures,
    shortest_period,
    velocity_autocorrelation,
    warn_of_step,
)
from mdlearn.potentials.pair import Morse
from mdlearn.potentials.system import from_atoms
from mdlearn.units import fs, kB
from tests.dynamics.liquids import Nothing, Springs, argon


def shaken(frames: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    atoms = argon(3)
    rng = np.random.default_rng(1)
    places = atoms.positions + rng.normal(0, 0.4, (frames, *atoms.positions.shape))
    return torch.tensor(places), torch.tensor(atoms.cell.array)


def test_rdf_equals_that_of_mdtraj() -> None:
    import mdtraj

    places, cell = shaken(20)
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    for _ in range(places.shape[1]):
        topology.add_atom("Ar", mdtraj.element.argon, topology.add_residue("Ar", chain))
    lengths = np.tile(np.diag(cell) / 10, (len(places), 1))
    theirs = mdtraj.Trajectory(
        places.numpy() / 10,
        topology,
        unitcell_lengths=lengths,
        unitcell_angles=np.full_like(lengths, 90),
    )
    pairs = topology.select_pairs("all", "all")
    r, g = mdtraj.compute_rdf(theirs, pairs, r_range=(0.0, 0.8), n_bins=40)
    middles, mine, error = rdf(places, cell, reach=8.0, bins=40)
    np.testing.assert_allclose(middles, 10 * r, rtol=1e-6)
    far = 10 * r > 3
    np.testing.assert_allclose(mine.numpy()[far], g[far] * 107 / 108, rtol=2e-2, atol=5e-3)
    assert bool((error[far] > 0).all())


def test_rdf_of_an_ideal_gas_is_one_in_any_cell() -> None:
    cell = torch.tensor([[12.0, 0, 0], [3.0, 11.0, 0], [-2.0, 1.0, 13.0]]).double()
    places = torch.rand(40, 100, 3, generator=torch.Generator().manual_seed(0)).double() @ cell
    _, g, error = rdf(places, cell, reach=9.0, bins=9)
    far = slice(2, None)
    assert float((g - 0.99).abs()[far].max()) < 5 * float(error[far].max())


def test_structure_factor_of_a_crystal_and_of_a_gas() -> None:
    crystal = bulk("Ar", "fcc", a=5.26, cubic=True) * (2, 2, 2)
    cell = torch.tensor(crystal.cell.array)
    places = torch.tensor(crystal.positions).unsqueeze(0)
    q, s, _ = structure_factor(places, cell, longest=2.5)
    bragg = 2 * math.pi / 5.26 * math.sqrt(3)  # (111)
    near = (q - bragg).abs().argmin()
    assert float(s[near]) > 5
    assert float(s[0]) < 1e-9
    gas = torch.rand(200, 50, 3, generator=torch.Generator().manual_seed(0)).double() * 10
    _, s, error = structure_factor(gas, 10 * torch.eye(3).double(), longest=1.5)
    assert float(s.mean()) == pytest.approx(1, abs=0.05)
    assert bool((error > 0).all())


def test_torsions_equal_those_of_mdtraj_and_count_as_a_histogram() -> None:
    import mdtraj

    rng = np.random.default_rng(0)
    places = rng.normal(0, 1, (7, 6, 3)).astype(np.float32)
    topology = mdtraj.Topology()
    residue = topology.add_residue("X", topology.add_chain())
    for _ in range(6):
        topology.add_atom("C", mdtraj.element.carbon, residue)
    quadruples = np.array([[0, 1, 2, 3], [5, 2, 0, 4]])
    theirs = mdtraj.compute_dihedrals(mdtraj.Trajectory(places, topology), quadruples)
    mine = torsions(torch.tensor(places), torch.tensor(quadruples))
    np.testing.assert_allclose(mine, theirs, atol=1e-4)
    angles = torch.tensor(rng.uniform(-math.pi, math.pi, (4000, 8)))
    places, density, error = angle_histogram(angles, bins=12)
    assert float((density - 1 / (2 * math.pi)).abs().max()) < 5 * float(error.max())
    assert float(density.sum() * (places[1] - places[0])) == pytest.approx(1)


def test_a_random_walk_diffuses_as_it_must() -> None:
    """Steps of variance s² in each direction: 6 D t = 3 s² n."""
    steps = 0.1 * torch.randn(3000, 60, 3, generator=torch.Generator().manual_seed(0)).double()
    walk = steps.cumsum(0)
    plain = (walk[20:] - walk[:-20]).square().sum(2).mean(0)
    quick = mean_square_displacement(walk, longest=30)
    torch.testing.assert_close(quick[20], plain)
    found = diffusion(walk, 2.0, start=4.0, end=60.0)
    exact = 0.1**2 / (2 * 2.0)
    assert found.value == pytest.approx(exact, abs=5 * found.error)
    assert found.error < 0.1 * exact
    with pytest.raises(ValueError, match="does not fit"):
        diffusion(walk, 2.0, start=4.0, end=60000.0)


def test_autocorrelation_of_a_tone_is_a_cosine() -> None:
    time = torch.arange(2000).double()
    tone = torch.stack([torch.cos(0.1 * time), torch.sin(0.1 * time), 0 * time], 1).unsqueeze(1)
    torch.testing.assert_close(
        velocity_autocorrelation(tone, longest=200), torch.cos(0.1 * time[:200])
    )


def test_pressure_of_an_ideal_gas() -> None:
    cell = Atoms(
        "Ar200", np.random.default_rng(0).uniform(0, 20, (200, 3)), cell=[20] * 3, pbc=True
    )
    state = start(Nothing(), from_atoms(cell), temperature=300, seed=0)
    kinetic = float((state.masses * state.velocities.square().sum(1)).sum()) / (3 * 8000)
    assert float(pressures(Nothing(), state)) == pytest.approx(kinetic)
    assert kinetic == pytest.approx(200 * kB * 300 / 8000, rel=0.2)


def test_the_fastest_vibration_warns_of_a_long_time_step() -> None:
    """A spring of 2 eV/Å² on carbon, and the bond of hydrogen: ω² = 2 D a² · 2 / m."""
    state = start(Springs(), from_atoms([Atoms("C"), Atoms("U")]), temperature=0)
    omega = math.sqrt(2.0 / 12.011)
    assert shortest_period(Springs(), state) == pytest.approx(2 * math.pi / omega, rel=1e-3)
    bond = Morse()
    molecule = from_atoms(Atoms("H2", [(0, 0, 0), (bond.length, 0, 0)]))
    state = start(bond, molecule, temperature=0)
    omega = math.sqrt(4 * bond.depth * bond.stiffness**2 / 1.008)
    assert shortest_period(bond, state) == pytest.approx(2 * math.pi / omega, rel=1e-2)
    assert warn_of_step(bond, state, 0.5 * fs) == ""
    assert "will explode" in warn_of_step(bond, state, 4 * fs)
    assert "rough" in warn_of_step(bond, state, 1.5 * fs)
