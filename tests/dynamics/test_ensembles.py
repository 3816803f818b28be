"""Thermostats and barostats sample the right distribution, not only the right mean.

The bounds are five standard errors of the number of independent samples; the wrong forms that the
docstrings warn of lie beyond them, as the last test of each group shows.
"""

import math
from dataclasses import replace

import pytest
import torch
from ase import Atoms

from mdlearn.dynamics.ensembles import barostat, rescaling
from mdlearn.dynamics.integrators import State, langevin, start, verlet, with_masses
from mdlearn.dynamics.observables import kinetic
from mdlearn.dynamics.simulate import run
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import from_atoms
from mdlearn.units import bar, fs, kB, ps
from tests.dynamics.liquids import Nothing, Springs, argon


def gas(systems: int, atoms: int, volume: float) -> State:
    """Cells with a few atoms in each that do not feel each other: they need no neighbors."""
    side = volume ** (1 / 3)
    places = torch.rand(systems, atoms, 3, generator=torch.Generator().manual_seed(0)) * side
    frames = [Atoms(f"Ar{atoms}", place.numpy(), cell=[side] * 3, pbc=True) for place in places]
    state = start(Nothing(), from_atoms(frames), temperature=100, seed=1)
    return replace(state, system=replace(state.system, reach=math.inf))


def test_rescaling_gives_kinetic_energy_its_gamma_distribution() -> None:
    """Of 600 free clusters of 3 atoms: 3 · 3 − 3 = 6 degrees of freedom, mean 3 kT, variance 3 (kT)²."""
    state = gas(400, 3, 1000.0)
    seen = run(rescaling(Nothing(), 2 * fs, 200.0, 0.05 * ps), state, 400, every=100, seed=2)
    shares = seen.kinetic[1:].flatten() / (kB * 200)
    noise = 1 / math.sqrt(len(shares))
    assert float(shares.mean()) == pytest.approx(3, abs=5 * math.sqrt(3) * noise)
    assert float(shares.var()) == pytest.approx(3, abs=5 * 3 * math.sqrt(4) * noise)
    momenta = (seen.last.velocities * seen.last.masses.unsqueeze(1)).view(400, 3, 3).sum(1)
    assert float(momenta.abs().max()) < 1e-9


def test_rescaling_on_springs_counts_every_degree_of_freedom_where_one_is_frozen() -> None:
    """Frozen atoms break the conservation of momentum: 2 · 3 = 6 degrees of freedom are left."""
    state = gas(400, 3, 1000.0)
    masses = state.masses.clone()
    masses[::3] = torch.inf
    frozen = torch.where(masses.isfinite().unsqueeze(1), state.velocities, 0)
    state = replace(state, masses=masses, velocities=frozen)
    seen = run(rescaling(Nothing(), 2 * fs, 200.0, 0.05 * ps), state, 300, every=100, seed=2)
    shares = seen.kinetic[1:].flatten() / (kB * 200)
    noise = 1 / math.sqrt(len(shares))
    assert float(shares.mean()) == pytest.approx(3, abs=5 * math.sqrt(3) * noise)
    assert torch.equal(seen.positions[-1][::3], state.system.positions[::3])


@pytest.mark.parametrize("shape", ["isotropic", "full"])
def test_barostat_gives_an_ideal_gas_its_volumes(shape: str) -> None:
    """$p(V) ∝ V^N e^{-PV/kT}$: with v = PV/kT the mean is N + 1, and so is the variance."""
    atoms, temperature, pressure = 8, 100.0, 100 * bar
    unit = kB * temperature / pressure
    state = gas(200, atoms, 9 * unit)
    step = barostat(
        Nothing(), 5 * fs, temperature, 1 / ps, pressure=pressure, time=0.2 * ps,
        compressibility=1 / pressure, shape=shape,
    )  # fmt: skip
    seen = run(step, state, 1200, every=400, seed=4)
    volumes = seen.volumes[1:].flatten() / unit
    noise = math.sqrt(atoms + 1) / math.sqrt(len(volumes))
    assert float(volumes.mean()) == pytest.approx(atoms + 1, abs=5 * noise)
    spread = (atoms + 1) * math.sqrt(2 + 6 / (atoms + 1)) / math.sqrt(len(volumes))
    assert float(volumes.var()) == pytest.approx(atoms + 1, abs=5 * spread)


def test_pressure_of_the_barostat_is_that_of_the_virial() -> None:
    """A crystal at 2 kbar: the mean of its inner pressure is the one asked for."""
    potential, wanted = LennardJones(cutoff=7.0), 2000 * bar
    state = start(potential, from_atoms(argon(3, a=5.3)), temperature=40, seed=0)
    step = barostat(potential, 5 * fs, 40.0, 2 / ps, pressure=wanted, time=0.5 * ps)
    state = run(step, state, 300, every=100, seed=0).last
    pressures = []
    for number in range(40):
        state = run(step, state, 20, every=20, seed=number + 1).last
        volume = state.system.volumes()
        trace = state.virial.diagonal(dim1=1, dim2=2).sum(1) / 3
        pressures.append((len(state.masses) * kB * 40 + trace) / volume)
    pressures = torch.cat(pressures) / bar
    error = float(pressures.std()) / math.sqrt(13)  # about three frames in a correlation time
    assert float(pressures.mean()) == pytest.approx(2000, abs=5 * error)


def test_the_full_barostat_restores_the_shape_of_a_squeezed_crystal() -> None:
    """A side that is 5 % too long relaxes; the isotropic barostat keeps the shape, whatever it is."""
    atoms = argon(3, a=5.3, size=0.02)
    atoms.set_cell(atoms.cell * [1.05, 1, 1], scale_atoms=True)
    ratios, potential = {}, LennardJones(cutoff=7.0)
    for shape, steps in (("isotropic", 20), ("full", 500)):
        state = start(potential, from_atoms(atoms), temperature=20, seed=0, skin=1.5)
        step = barostat(
            potential, 8 * fs, 20.0, 2 / ps, pressure=1 * bar, time=0.5 * ps, shape=shape
        )
        lengths = run(step, state, steps, every=steps).last.system.cell[0].norm(dim=1)
        ratios[shape] = float(lengths[0] / lengths[1:].mean())
    assert ratios["isotropic"] == pytest.approx(1.05, abs=1e-6)
    assert ratios["full"] == pytest.approx(1.0, abs=0.025)


def test_frozen_atoms_stay_and_the_others_feel_them() -> None:
    potential = LennardJones()
    state = start(potential, from_atoms(argon(2)), temperature=100, frozen=[0, 5])
    for step in (verlet(potential, 4 * fs), langevin(potential, 4 * fs, 100.0, 1 / ps)):
        after = run(step, state, 50, every=50, seed=1).last
        assert torch.equal(after.system.positions[[0, 5]], state.system.positions[[0, 5]])
        assert float((after.system.positions - state.system.positions).abs().max()) > 0.05
        assert torch.isfinite(kinetic(after)).all()


def test_other_masses_keep_the_temperature_and_the_distribution_of_places() -> None:
    """Particles on springs: <x²> = kT/k whatever they weigh."""
    potential, frames = Springs(), from_atoms([Atoms("HC", [(0, 0, 0), (1, 0, 0)])] * 400)
    plain = start(potential, frames, temperature=300, seed=0)
    heavy = with_masses(plain, {1: 4.0})
    assert heavy.masses[:2].tolist() == [4.0, float(plain.masses[1])]
    torch.testing.assert_close(kinetic(heavy), kinetic(plain))
    path = run(langevin(potential, 4 * fs, 300.0, 20 / ps), heavy, 400, every=20, seed=1)
    spread = path.positions[8:].square().mean((0, 2)).view(-1, 2).mean(0)  # of H, of C
    wanted = torch.full((2,), kB * 300 / potential.k).double()
    torch.testing.assert_close(spread, wanted, rtol=0.06, atol=0)  # 15,000 samples, correlated


def test_a_batch_with_a_seed_for_each_is_its_members() -> None:
    frames = [argon(2, seed=1), argon(2, a=5.7, seed=3)]
    potential = LennardJones(cutoff=5.0)
    steps = {
        "langevin": langevin(potential, 4 * fs, 90.0, 1 / ps),
        "rescaling": rescaling(potential, 4 * fs, 90.0, 0.1 * ps),
        "barostat": barostat(
            potential, 4 * fs, 90.0, 1 / ps, pressure=10 * bar, time=0.5 * ps, shape="full"
        ),
    }
    for step in steps.values():
        both = start(potential, from_atoms(frames), temperature=90, seed=[7, 8])
        together = run(step, both, 12, every=12, seed=[4, 5]).last
        for number, frame in enumerate(frames):
            alone = start(potential, from_atoms(frame), temperature=90, seed=[7 + number])
            alone = run(step, alone, 12, every=12, seed=[4 + number]).last
            mine = together.system.index == number
            torch.testing.assert_close(
                together.system.positions[mine], alone.system.positions, rtol=1e-9, atol=1e-9
            )


def test_list_stays_exact_in_a_hot_run() -> None:
    """At every step the forces from the list with a skin are those from a fresh one."""
    potential = LennardJones(cutoff=6.0)
    state = start(potential, from_atoms(argon(3)), temperature=300, skin=1.0)
    fresh = start(potential, from_atoms(argon(3)), temperature=300, skin=0.0)
    assert fresh.system.reach == 6.0
    step, worn = verlet(potential, 8 * fs), 0
    for _ in range(60):
        old = state.system.pairs
        state = run(step, state, 1, every=1).last
        worn += state.system.pairs is not old
        again = start(
            potential, replace(state.system, built=None, pairs=None), temperature=0, skin=0.0
        )
        torch.testing.assert_close(state.forces, again.forces, rtol=0, atol=1e-10)
    assert 2 <= worn < 30


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="isotropic"):
        barostat(Nothing(), fs, 300.0, 1 / ps, pressure=bar, time=ps, shape="cubic")
    with pytest.raises(ValueError, match="must be positive"):
        barostat(Nothing(), fs, 300.0, 1 / ps, pressure=bar, time=-ps)
    with pytest.raises(ValueError, match="time > 0"):
        rescaling(Nothing(), fs, 300.0, 0.0)
    molecule: State = start(Springs(), from_atoms(Atoms("C")), temperature=300)
    with pytest.raises(ValueError, match="needs a cell"):
        run(barostat(Springs(), fs, 300.0, 1 / ps, pressure=bar, time=ps), molecule, 1, every=1)
    with pytest.raises(ValueError, match="seeds for"):
        run(verlet(Springs(), fs), molecule, 1, every=1, seed=[1, 2])
