"""Free energies over two angles, with a known answer."""

import math
from dataclasses import replace

import pytest
import torch
from ase import Atoms

from mdlearn.dynamics.integrators import langevin, start
from mdlearn.dynamics.surfaces import Grid, difference, grid_sampling, resampled, surface, unbiased
from mdlearn.potentials.system import System, from_atoms
from mdlearn.units import fs, kB, ps

BINS = 12
MIDDLES = (torch.arange(BINS) + 0.5).double() * 2 * math.pi / BINS - math.pi


def energy(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 0.06 * torch.cos(x) - 0.04 * torch.cos(y - 1)


class Hills:
    """A particle on a plane that repeats: its coordinates x and y (Å) are taken as angles."""

    cutoff = 0.1

    def __call__(self, system: System) -> torch.Tensor:
        x, y, z = system.positions.unbind(1)
        return system.total(energy(x, y) + 0.5 * z * z)


def axis(number: int):
    return lambda system: system.positions[:, number]


@pytest.fixture(scope="module")
def sampled() -> Grid:
    line = torch.linspace(-math.pi, math.pi, 7).double()[:6]
    centers = torch.cartesian_prod(line, line)
    frames = [Atoms("C", [(float(x), float(y), 0)]) for x, y in centers]
    state = start(Hills(), from_atoms(frames), temperature=300, seed=0)

    def make(potential):
        return langevin(potential, 5 * fs, 300.0, 5 / ps)

    grid, last = grid_sampling(
        Hills(), make, state, [axis(0), axis(1)], centers, 300.0,
        stiffness=0.1, steps=3000, every=10, settle=100, seed=1,
    )  # fmt: skip
    assert last.system.systems == 36
    return grid


def test_the_map_is_the_energy(sampled: Grid) -> None:
    found = surface(sampled, bins=BINS)
    assert float(found.min()) == 0
    exact = energy(MIDDLES.unsqueeze(1), MIDDLES.unsqueeze(0))
    # a bin holds about 20 independent samples: kT / √20
    assert float((found - exact).std()) < 0.008
    assert float((found.T - exact).std()) > 0.03  # rows are the first angle


def test_the_difference_of_two_regions(sampled: Grid) -> None:
    fine = torch.linspace(-math.pi, math.pi, 2001).double()[:-1]
    shares = torch.exp(-0.06 * torch.cos(fine) / (kB * 300))
    exact = -kB * 300 * math.log(float(shares[fine.abs() < 1].sum() / shares[fine.abs() > 2].sum()))
    found = difference(sampled, lambda x, y: x.abs() > 2, lambda x, y: x.abs() < 1)
    assert found == pytest.approx(exact, abs=0.01)
    back = difference(sampled, lambda x, y: x.abs() < 1, lambda x, y: x.abs() > 2)
    assert back == pytest.approx(-found)


def test_turns_by_a_whole_period_change_nothing(sampled: Grid) -> None:
    turned = replace(sampled, angles=sampled.angles + 2 * math.pi)
    torch.testing.assert_close(surface(turned, bins=BINS), surface(sampled, bins=BINS))
    assert float(unbiased(sampled).sum()) == pytest.approx(1)


def test_windows_are_drawn_again_in_blocks_each_for_itself() -> None:
    times = torch.arange(25.0).double().view(25, 1, 1).expand(25, 3, 2)
    windows = 100 * torch.arange(3.0).double().view(1, 3, 1)
    grid = Grid(times + windows, torch.zeros(3, 2).double(), 0.1, 300.0)
    (drawn,) = resampled(grid, blocks=6, draws=1, seed=0)  # of four frames, the last left out
    assert drawn.angles.shape == (24, 3, 2)
    assert torch.equal(drawn.angles[..., 0], drawn.angles[..., 1])
    first = drawn.angles[::4, :, 0] - windows[..., 0]  # (blocks, windows)
    assert set(first.flatten().tolist()) <= {0.0, 4.0, 8.0, 12.0, 16.0, 20.0}
    torch.testing.assert_close(drawn.angles[3::4, :, 0] - windows[..., 0], first + 3)
    assert not torch.equal(first[:, 0], first[:, 1])
    again = resampled(grid, blocks=6, draws=1, seed=0)[0]
    assert torch.equal(again.angles, drawn.angles)


def test_the_scatter_of_drawn_runs_is_the_error_of_the_run(sampled: Grid) -> None:
    """Sixths of the run differ by √6 times the error of the whole."""

    def asked(grid: Grid) -> float:
        return difference(grid, lambda x, y: x.abs() > 2, lambda x, y: x.abs() < 1)

    found = torch.tensor([asked(one) for one in resampled(sampled, blocks=10, draws=20)])
    sixths = [replace(sampled, angles=part) for part in sampled.angles.chunk(6)]
    plain = float(torch.tensor([asked(one) for one in sixths]).std()) / 6**0.5
    assert 0.4 * plain < float(found.std()) < 2.5 * plain  # six parts know a spread to a third


def test_wrong_input_is_refused(sampled: Grid) -> None:
    with pytest.raises(ValueError, match="never visited"):
        difference(sampled, lambda x, y: x > 10, lambda x, y: x < 0)
    with pytest.raises(ValueError, match="300 frames do not make 400 blocks"):
        resampled(sampled, blocks=400)
    state = start(Hills(), from_atoms(Atoms("C")), temperature=300)
    with pytest.raises(ValueError, match="36 centers for 1 systems"):
        grid_sampling(
            Hills(), lambda p: None, state, [axis(0), axis(1)], sampled.centers, 300.0,
            stiffness=0.1, steps=10,
        )  # fmt: skip
