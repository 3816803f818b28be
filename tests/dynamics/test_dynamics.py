"""Laws of the integrators, and what a run gives."""

import math

import pytest
import torch
from ase import Atoms
from ase.build import molecule

from mdlearn.dynamics.ensembles import rescaling
from mdlearn.dynamics.integrators import State, langevin, start, verlet
from mdlearn.dynamics.observables import kinetic, temperatures, vibrational_spectrum
from mdlearn.dynamics.simulate import run
from mdlearn.dynamics.statistics import blocking
from mdlearn.potentials.pair import LennardJones, Morse
from mdlearn.potentials.system import System, from_atoms
from mdlearn.potentials.weights import exact, load
from mdlearn.units import fs, kB, ps
from tests.dynamics.liquids import Springs
from tests.potentials.frames import ethanol, random_ace


def particles(count: int) -> System:
    places = torch.arange(3.0 * count).view(count, 3) / count
    return from_atoms([Atoms("C", [place.tolist()]) for place in places])


def energy(state: State) -> float:
    return float((state.energies + kinetic(state)).sum())


def test_verlet_error_falls_as_the_square_of_the_step() -> None:
    errors = []
    for parts in (1, 2, 4):
        state = start(Morse(), from_atoms(Atoms("H2", [(0, 0, 0), (0.9, 0, 0)])), temperature=0)
        step, first, worst = verlet(Morse(), 0.2 * fs / parts), energy(state), 0.0
        for _ in range(60 * parts):
            state = step(state)
            worst = max(worst, abs(energy(state) - first))
        errors.append(worst)
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


def test_verlet_runs_backward() -> None:
    model = random_ace([1, 6, 8], cutoff=4.0)
    first = start(model, from_atoms([ethanol(0), ethanol(1)]), temperature=300)
    there = run(verlet(model, 0.5 * fs), first, 20, every=20).last
    back = run(verlet(model, -0.5 * fs), there, 20, every=20).last
    torch.testing.assert_close(back.system.positions, first.system.positions, rtol=0, atol=1e-9)


def test_langevin_samples_the_right_distribution() -> None:
    """Of 3,000 springs at once: variance and kurtosis of positions, spread of kinetic energies."""
    temperature, count = 300.0, 3000
    state = start(Springs(), particles(count), temperature=temperature)
    step = langevin(Springs(), 2 * fs, temperature, 20 / ps)
    seen = run(step, state, 1200, every=300, seed=1)
    places = seen.positions[1:].flatten()
    variance = kB * temperature / Springs.k
    noise = math.sqrt(2 / len(places))
    assert float(places.var() / variance) == pytest.approx(1, abs=5 * noise)
    kurtosis = (places**4).mean() / places.var() ** 2
    assert float(kurtosis) == pytest.approx(3, abs=5 * math.sqrt(24 / len(places)))
    shares = seen.kinetic[1:].flatten() / (kB * temperature)
    assert float(shares.mean()) == pytest.approx(1.5, abs=5 * noise)
    assert float(shares.var()) == pytest.approx(
        1.5, rel=0.1
    )  # a wrong thermostat gets the mean only


def test_each_system_has_its_own_bath() -> None:
    state = start(Springs(), particles(1000), temperature=300)
    bath = torch.linspace(100, 900, 1000).double()
    seen = run(langevin(Springs(), 2 * fs, bath, 20 / ps), state, 600, every=200)
    cold, hot = seen.temperatures[:, :500].mean(), seen.temperatures[:, 500:].mean()
    assert float(cold) == pytest.approx(300, rel=0.08)
    assert float(hot) == pytest.approx(700, rel=0.08)


def test_equal_seed_equal_path_other_seed_other_path() -> None:
    state = start(Springs(), particles(5), temperature=300, seed=3)
    step = langevin(Springs(), fs, 300.0, 1 / ps)
    paths = [run(step, state, 20, every=20, seed=seed).positions for seed in (0, 0, 1)]
    assert torch.equal(paths[0], paths[1])
    assert not torch.equal(paths[0], paths[2])


def test_start_has_no_momentum_and_the_temperature_asked_for() -> None:
    state = start(
        LennardJones(),
        from_atoms(Atoms("Ar400", [(4.0 * i, 0, 0) for i in range(400)])),
        temperature=80,
    )
    assert float((state.velocities * state.masses.unsqueeze(1)).sum(0).abs().max()) < 1e-9
    assert float(temperatures(state)) == pytest.approx(80, rel=0.15)


def test_a_batch_of_replicas_moves_as_each_alone() -> None:
    model = random_ace([1, 6, 8], cutoff=4.0)
    both = start(model, from_atoms([ethanol(0), ethanol(1)]), temperature=0)
    alone = start(model, from_atoms(ethanol(1)), temperature=0)
    together = run(verlet(model, 0.5 * fs), both, 10, every=10).last.system.positions[9:]
    single = run(verlet(model, 0.5 * fs), alone, 10, every=10).last.system.positions
    torch.testing.assert_close(together, single)


def test_spectrum_of_a_spring_is_one_line_at_its_frequency() -> None:
    state = start(Springs(), particles(1), temperature=0)
    seen = run(verlet(Springs(), 0.5 * fs), state, 8000, every=4)
    waves, density = vibrational_spectrum(seen.velocities, state.masses, 2 * fs)
    omega = math.sqrt(Springs.k / 12.011)  # per time unit
    wanted = omega / (2 * math.pi) * fs / 2.99792458e-5  # 1/cm, with c in cm/fs
    assert float(waves[density.argmax()]) == pytest.approx(wanted, abs=5)
    assert float(torch.trapezoid(density, waves)) == pytest.approx(1)


@pytest.mark.parametrize("distance", [1.0, 0.1, 0.0])
def test_atoms_on_top_of_each_other_are_told_at_once(distance: float) -> None:
    close = from_atoms(Atoms("Ar3", [(0, 0, 0), (30, 0, 0), (30 + distance, 0, 0)]))
    state = start(LennardJones(), close, temperature=0)
    with pytest.raises(FloatingPointError, match=r"by step 0: atom [12] .* on top of each other"):
        run(verlet(LennardJones(), fs), state, 10, every=10)


def test_a_time_step_beyond_stability_explodes_and_is_told() -> None:
    """A spring is stable up to dt = 2/ω, here 48 fs."""
    system = from_atoms([Atoms("C", [(0, 0, 0)]), Atoms("C", [(0.1, 0, 0)])])
    state = start(Springs(), system, temperature=0)
    assert run(verlet(Springs(), 45 * fs), state, 400, every=1).temperatures.isfinite().all()
    with pytest.raises(FloatingPointError, match=r"exploded by step \d+: atom 1 "):
        run(verlet(Springs(), 52 * fs), state, 400, every=1)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="not be negative"):
        start(Springs(), particles(1), temperature=-1)
    with pytest.raises(ValueError, match="not be negative"):
        langevin(Springs(), fs, torch.tensor([300.0, -1.0]), 1.0)
    with pytest.raises(ValueError, match="not be negative"):
        rescaling(Springs(), fs, -1.0, 1.0)
    with pytest.raises(ValueError, match="friction"):
        langevin(Springs(), fs, 300.0, -1.0)
    with pytest.raises(ValueError, match="keep no frame"):
        run(verlet(Springs(), fs), start(Springs(), particles(1), temperature=0), 5, every=10)


@pytest.mark.slow
def test_all_elements_of_a_molecule_are_equally_warm() -> None:
    """Equipartition in ethanol, with its shipped potential: forces that are no gradient would heat one.

    The bath is weak, so that energy comes through the bonds; 12 replicas for half a picosecond.
    """
    potential = exact(load("ethanol"), torch.float32)
    system = from_atoms([molecule("CH3CH2OH")] * 12, dtype=torch.float32)
    state = start(potential, system, temperature=600.0, seed=0)
    for friction, steps in ((20 / ps, 600), (2 / ps, 1000)):
        step = langevin(potential, 0.5 * fs, 300.0, friction)
        path = run(step, state, steps, every=20, seed=1)
        state = path.last
    warmth = state.masses * path.velocities.square().sum(2) / (3 * kB)  # (frames, atoms)
    for number in (1, 6, 8):
        mean = blocking(warmth[:, system.numbers == number])
        assert mean.error < 25.0
        assert abs(mean.value - 300.0) < 3.5 * mean.error
