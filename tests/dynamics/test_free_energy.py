"""Free energies with known answers, and against pymbar."""

import math
import warnings

import numpy as np
import pytest
import torch
from ase import Atoms

from mdlearn.dynamics.bias import (
    Umbrella,
    Windows,
    distance,
    metadynamics,
    torsion,
    umbrella_sampling,
)
from mdlearn.dynamics.free_energy import (
    Profile,
    barrier,
    histogram_profile,
    mbar,
    metadynamics_profile,
    umbrella_profile,
)
from mdlearn.dynamics.integrators import langevin, start
from mdlearn.dynamics.reweight import average, effective, weights
from mdlearn.potentials.system import System, from_atoms
from mdlearn.units import fs, kB, ps
from tests.dynamics.test_minimize_and_replicas import TwoWells

HEAT = kB * 300


def along_x(system: System) -> torch.Tensor:
    return system.positions[:, 0]


def particles(places: torch.Tensor):
    frames = [Atoms("C", [(float(x), 0, 0)]) for x in places]
    return start(TwoWells(), from_atoms(frames), temperature=300, seed=0)


def make(potential):
    return langevin(potential, 4 * fs, 300.0, 5 / ps)


def harmonic_samples(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gaussian samples of five springs with known free energies: f = ½ ln(k / 2π) and a shift."""
    stiff = torch.tensor([1.0, 2.0, 4.0, 2.0, 1.0]).double()
    centers = torch.tensor([-1.0, -0.5, 0.0, 0.6, 1.2]).double()
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(5, 400, generator=generator, dtype=torch.float64)
    samples = (centers[:, None] + noise / stiff[:, None].sqrt()).flatten()
    biases = 0.5 * stiff[:, None] * (samples - centers[:, None]) ** 2
    return biases, torch.full((5,), 400.0).double(), 0.5 * (stiff / stiff[0]).log()


def test_mbar_gives_free_energies_of_springs_and_those_of_pymbar() -> None:
    from pymbar import MBAR

    biases, counts, exact = harmonic_samples()
    free, share = mbar(biases, counts)
    torch.testing.assert_close(free, exact, rtol=0, atol=0.15)
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # pymbar's own calls of SciPy warn
        theirs = MBAR(biases.numpy(), counts.numpy().astype(int), relative_tolerance=1e-12)
    found = theirs.compute_free_energy_differences()["Delta_f"][0]
    np.testing.assert_allclose(free.numpy(), found, atol=1e-7)
    assert float(share.sum()) == pytest.approx(1)


def test_windows_that_share_nothing_are_refused() -> None:
    places = torch.cat([torch.randn(50), torch.randn(50) + 1000]).double()
    biases = 0.5 * (places - torch.tensor([[0.0], [1000.0]]).double()) ** 2
    with pytest.raises((RuntimeError, torch.linalg.LinAlgError)):
        mbar(biases, torch.tensor([50.0, 50.0]).double())


def test_umbrellas_find_the_barrier_of_two_wells() -> None:
    centers = torch.linspace(-1.4, 1.4, 12).double()
    umbrella = Umbrella(along_x, centers, 1.0)
    seen = umbrella_sampling(
        TwoWells(), make, particles(centers), umbrella, 300.0, steps=900, settle=60, seed=1
    )
    found = umbrella_profile(seen, low=-1.3, high=1.3, bins=26, draws=20)
    exact = 0.1 * (found.places**2 - 1) ** 2
    miss = found.energies - exact
    miss = miss - miss.mean()
    assert float(miss.abs().max()) < 0.02
    height, error = barrier(found, -1.0, 1.0)
    assert height == pytest.approx(0.1, abs=max(5 * error, 0.01))
    assert 0 < error < 0.02


def test_hills_find_the_barrier_of_two_wells() -> None:
    walkers = particles(torch.linspace(-1, 1, 12))
    hills, path = metadynamics(
        TwoWells(), make, walkers, along_x, 300.0,
        rounds=120, steps=10, height=0.01, width=0.15, factor=6.0, period=None, seed=2,
    )  # fmt: skip
    assert path.shape == (120, 12)
    found = metadynamics_profile(hills, 6.0, low=-1.2, high=1.2, bins=48, walkers=12)
    height, error = barrier(found, -1.0, 1.0)
    assert height == pytest.approx(0.1, abs=0.025)
    assert error < 0.03
    assert bool((hills.heights.diff()[:50] <= 0.01).all())


def test_a_histogram_of_a_free_run() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2000, 20, generator=generator).double() * 0.3
    found = histogram_profile(values, 300.0, low=-0.5, high=0.5, bins=20)
    exact = HEAT * 0.5 * (found.places / 0.3) ** 2
    assert float((found.energies - exact).abs().max()) < 5 * float(found.errors.max()) + 2e-3


def test_a_barrier_and_its_direction() -> None:
    places = torch.linspace(0, 4, 41).double()
    energies = torch.cos(places * math.pi) + 0.1 * places
    flat = Profile(places, energies, torch.full((41,), 0.01).double())
    there, error = barrier(flat, 1.0, 3.0)
    back, _ = barrier(flat, 3.0, 1.0)
    assert there == pytest.approx(2.1, abs=0.01)
    assert back == pytest.approx(1.9, abs=0.01)
    assert error == pytest.approx(0.01 * 2**0.5)


def test_variables_equal_those_of_ase() -> None:
    rng = np.random.default_rng(0)
    frames = [Atoms("C5", rng.normal(0, 1.5, (5, 3))) for _ in range(4)]
    system = from_atoms(frames)
    angles = torsion(0, 2, 1, 4)(system).numpy()
    theirs = np.radians([frame.get_dihedral(0, 2, 1, 4) for frame in frames])
    np.testing.assert_allclose(np.cos(angles), np.cos(theirs), atol=1e-12)
    np.testing.assert_allclose(np.sin(angles), np.sin(theirs), atol=1e-12)
    np.testing.assert_allclose(
        distance(1, 3)(system).numpy(), [frame.get_distance(1, 3) for frame in frames]
    )


def test_gradient_of_an_average_is_the_theorem_of_fluctuations() -> None:
    """Springs: <x²> = kT/k, so its derivative by k is −kT/k²; and reweighting to k' gives kT/k'."""
    generator = torch.Generator().manual_seed(0)
    k = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    x = torch.randn(200_000, generator=generator, dtype=torch.float64) * math.sqrt(HEAT / 2.0)
    old = 0.5 * 2.0 * x**2
    mean = average(x**2, weights(0.5 * k * x**2, old, 300.0))
    mean.backward()
    assert float(k.grad) == pytest.approx(-HEAT / 4, rel=0.02)
    share = weights(0.5 * 2.4 * x**2, old, 300.0)
    assert float(average(x**2, share)) == pytest.approx(HEAT / 2.4, rel=0.02)
    assert 0.9 * len(x) < float(effective(share)) < len(x)
    assert float(effective(torch.ones(10).double() / 10)) == pytest.approx(10)


def test_wrong_input_is_refused() -> None:
    walkers = particles(torch.zeros(2))
    with pytest.raises(ValueError, match="above 1"):
        metadynamics(TwoWells(), make, walkers, along_x, 300.0, rounds=1, factor=1.0)
    with pytest.raises(ValueError, match="3 centers for 2"):
        umbrella_sampling(
            TwoWells(), make, walkers, Umbrella(along_x, torch.zeros(3), 1.0), 300.0, steps=10
        )
    mixed = from_atoms([Atoms("C2", [(0, 0, 0), (1, 0, 0)]), Atoms("C")])
    with pytest.raises(ValueError, match="equal size"):
        distance(0, 1)(mixed)
    seen = Windows(torch.zeros(20, 2), Umbrella(along_x, torch.zeros(2), 1.0), 300.0, walkers)
    assert seen.temperature == 300.0
