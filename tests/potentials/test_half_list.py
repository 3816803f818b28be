"""A list with each pair once gives what the table gives; the endings and the tail of Lennard-Jones."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones as Theirs
from ase.neighborlist import neighbor_list

from mdlearn.potentials import neighbors
from mdlearn.potentials.boxes import once
from mdlearn.potentials.pair import LennardJones, Morse
from mdlearn.potentials.system import evaluate, from_atoms
from mdlearn.potentials.terms import Tabulated
from tests.potentials.test_neighbors import both, random_system, rows


def argon(repeat: int = 3, seed: int = 0, size: float = 0.2) -> Atoms:
    atoms = bulk("Ar", "fcc", a=5.5, cubic=True) * (repeat, repeat, repeat)
    atoms.positions += np.random.default_rng(seed).normal(0, size, atoms.positions.shape)
    return atoms


@pytest.mark.parametrize("potential", [LennardJones(sigma=1.2), Morse(cutoff=5.0)])
def test_half_list_gives_what_the_table_gives(potential: LennardJones | Morse) -> None:
    frames = [random_system(seed) for seed in range(12)]
    system = from_atoms(frames)
    whole = evaluate(potential, neighbors.table(system, potential.cutoff, skin=0.7), virial=True)
    short = neighbors.table(system, potential.cutoff, skin=0.7, half=True)
    seen = evaluate(potential, short, virial=True)
    for name in ("energies", "forces", "virial"):
        there = getattr(whole, name)
        allowed = 1e-12 * float(there.abs().max())
        torch.testing.assert_close(getattr(seen, name), there, rtol=1e-9, atol=allowed)


def test_a_long_list_in_blocks_gives_what_it_gives_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    potential = LennardJones(cutoff=5.0)
    system = neighbors.table(from_atoms([argon(2), argon(3, seed=1)]), 5.0, half=True)
    whole = evaluate(potential, system)
    monkeypatch.setattr("mdlearn.potentials.pair.BLOCK", 100)
    assert system.pairs.shape[1] > 300
    blocks = evaluate(potential, system)
    torch.testing.assert_close(blocks.energies, whole.energies, rtol=1e-12, atol=0)
    torch.testing.assert_close(blocks.forces, whole.forces, rtol=0, atol=1e-14)


def test_a_tree_keeps_many_systems_apart() -> None:
    frames = [argon(2), argon(3, seed=1), argon(2, seed=2)]
    frames[1].pbc, frames[2].pbc = [False, True, True], False
    frames[2].cell[0, 0] = 5.0  # not periodic: atoms may lie beyond
    batch = from_atoms(frames)
    for cutoff in (5.0, 10.9):
        (i, j), shifts = neighbors.tree(batch, cutoff)
        assert not rows(*both((i, j, shifts.T))) ^ rows(*both(once(batch, cutoff)))
        assert bool((batch.index[i] == batch.index[j]).all())


@pytest.mark.parametrize("cutoff", [5.0, 7.0, 10.9])  # the cell is 11 Å wide
def test_a_tree_finds_what_boxes_find(cutoff: float) -> None:
    atoms = argon(2)
    atoms.positions += 100.0  # far outside of the cell
    for pbc in ([True] * 3, [True, False, True]):
        atoms.pbc = pbc
        system = neighbors.table(from_atoms(atoms), cutoff, half=True)
        (i, j), shifts = neighbors.tree(system, cutoff)
        assert not rows(*both((i, j, shifts.T))) ^ rows(*neighbor_list("ijS", atoms, cutoff))
        first, second = system.pairs
        arrows = system.positions[second] - system.positions[first] + system.moves.T
        lengths = np.sort(neighbor_list("d", atoms, cutoff))[::2]
        torch.testing.assert_close(arrows.norm(dim=1).sort()[0].numpy(), lengths)


def test_a_list_serves_while_the_cell_changes_and_not_a_moment_longer() -> None:
    system = neighbors.table(from_atoms(argon()), 5.0, skin=1.0, half=True)
    step = torch.diag_embed(torch.full((1, 3), -0.004, dtype=torch.float64))
    served, squeezed = 0, system
    for _ in range(80):
        squeezed = squeezed.strained(step)
        fresh = neighbors.table(squeezed, 5.0, half=True)
        old = squeezed
        squeezed = neighbors.refresh(squeezed)
        served += squeezed.pairs is old.pairs
        potential = LennardJones(cutoff=5.0)
        torch.testing.assert_close(
            evaluate(potential, squeezed).energies, evaluate(potential, fresh).energies
        )
    assert 30 < served < 80  # a sixth of the length may go before the skin is used up


def test_forces_equal_those_of_ase() -> None:
    atoms = argon()
    ours = LennardJones(ending="shift", cutoff=7.0)
    system = neighbors.table(from_atoms(atoms), 7.0, skin=1.0, half=True)
    seen = evaluate(ours, system, virial=True)
    atoms.calc = Theirs(sigma=ours.sigma, epsilon=ours.epsilon, rc=7.0, smooth=False)
    assert np.abs(seen.forces.numpy() - atoms.get_forces()).max() < 1e-12
    assert float(seen.energies) == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
    stress = -seen.virial[0].numpy() / atoms.get_volume()
    np.testing.assert_allclose(stress, atoms.get_stress(voigt=False), atol=1e-14)


@pytest.mark.parametrize("ending", ["cut", "switch"])
def test_tail_mends_what_the_cutoff_takes(ending: str) -> None:
    r"""The lattice sums of fcc, Σ r⁻¹² = 12.1318802 and Σ r⁻⁶ = 14.4539210 in nearest distances.

    Burrows et al., J. Math. Phys. 61, 123503 (2020), doi:10.1063/5.0021159.
    """
    crystal = bulk("Ar", "fcc", a=math.sqrt(2) * 3.8)
    energies = {}
    for cutoff in (12.0, 24.0):
        potential = LennardJones(cutoff=cutoff, ending=ending, tail=True)
        seen = evaluate(potential, from_atoms(crystal), virial=True)
        energies[cutoff] = float(seen.energies)
    six = (potential.sigma / 3.8) ** 6
    exact = 2 * potential.epsilon * (12.1318802 * six**2 - 14.4539210 * six)
    assert energies[12.0] == pytest.approx(exact, rel=2e-3)
    assert energies[24.0] == pytest.approx(exact, rel=2e-4)
    assert abs(
        float(evaluate(replace(potential, tail=False), from_atoms(crystal)).energies) - exact
    ) > (10 * abs(energies[24.0] - exact))


def test_tail_belongs_to_its_virial() -> None:
    potential = LennardJones(cutoff=6.0, tail=True)
    system = from_atoms(argon(2))
    h = 1e-5
    ends = []
    for sign in (1, -1):
        strain = sign * h * torch.eye(3).double().unsqueeze(0)
        ends.append(float(evaluate(potential, system.strained(strain)).energies))
    trace = evaluate(potential, system, virial=True).virial.diagonal(dim1=1, dim2=2).sum()
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(-float(trace), rel=1e-6)


@pytest.mark.parametrize("ending", ["cut", "shift", "switch"])
def test_pressure_with_its_tail_does_not_depend_on_the_ending(ending: str) -> None:
    """Of a disordered box, where the density beyond the cutoff is even; without tails they differ by 30 %."""
    rng = np.random.default_rng(0)
    atoms = argon(6, size=0.6)
    atoms.positions += rng.normal(0, 0.3, atoms.positions.shape)
    system = from_atoms(atoms)
    far = LennardJones(cutoff=15.0, tail=True)
    near = LennardJones(cutoff=8.5, ending=ending, tail=True)
    traces = [
        float(evaluate(potential, system, virial=True).virial.diagonal(dim1=1, dim2=2).sum())
        for potential in (far, near, replace(near, tail=False))
    ]
    assert abs(traces[1] - traces[0]) < 0.15 * abs(traces[2] - traces[0])


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="ending is one of"):
        LennardJones(ending="smooth")
    with pytest.raises(ValueError, match="no volume"):
        neighbors.table(
            from_atoms(Atoms("Ar", cell=[[1, 0, 0], [1, 0, 0], [0, 0, 1]], pbc=True)), 3.0
        )


def test_a_table_of_a_curve_gives_the_curve() -> None:
    exact = LennardJones(cutoff=7.0)
    places = torch.linspace(2.8, 7.0, 400, dtype=torch.float64)
    table = Tabulated(exact.curve(places**2)[0], 2.8, 7.0)
    system = neighbors.table(from_atoms(argon()), 7.0, half=True)
    there, here = (evaluate(potential, system, virial=True) for potential in (exact, table))
    torch.testing.assert_close(here.energies, there.energies, rtol=1e-6, atol=0)
    torch.testing.assert_close(here.forces, there.forces, rtol=0, atol=1e-4)
    for distance in (2.6, 4.0, 6.99, 7.5):  # below the first place, inside, at the end, beyond
        r = torch.tensor([distance], dtype=torch.float64, requires_grad=True)
        energy, slope = table.curve(r**2)
        (gradient,) = torch.autograd.grad(energy.sum(), r, allow_unused=True)
        assert float((slope * r).detach()) == pytest.approx(float(gradient), abs=1e-12)
