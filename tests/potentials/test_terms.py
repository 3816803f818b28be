"""Sums, springs between named atoms, Stillinger–Weber silicon."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk

from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones, Morse
from mdlearn.potentials.system import evaluate, from_atoms
from mdlearn.potentials.terms import HarmonicBonds, StillingerWeber, Sum
from tests.potentials.frames import silicon, water

GPA = 160.21766  # of one eV/Å³


def springs(count: int = 1) -> HarmonicBonds:
    bonds = torch.tensor(
        [[3 * k + a, 3 * k + b] for k in range(count) for a, b in ((0, 1), (0, 2))]
    )
    return HarmonicBonds(
        bonds, torch.full((2 * count,), 30.0).double(), torch.full((2 * count,), 1.0).double()
    )


def test_energies_of_springs() -> None:
    frames = [water(1), water(2)]
    seen = springs(2)(from_atoms(frames))
    for frame, energy in zip(frames, seen, strict=True):
        lengths = frame.get_distances(0, [1, 2])
        assert float(energy) == pytest.approx((15 * (lengths - 1) ** 2).sum())


def test_a_sum_is_the_sum_of_energies_forces_and_virials() -> None:
    parts = [Morse(cutoff=5.0), LennardJones(sigma=1.2, cutoff=4.0), springs()]
    both, system = Sum(parts), from_atoms(water(1))
    assert both.cutoff == 5.0
    assert both.pairs_once is False  # springs say nothing of pairs
    alone = [evaluate(part, system, virial=True) for part in parts]
    seen = evaluate(both, table(system, both.cutoff), virial=True)
    plain = evaluate(both, system, virial=True, graph=True)
    for name in ("energies", "forces", "virial"):
        wanted = sum(getattr(one, name) for one in alone)
        torch.testing.assert_close(getattr(seen, name), wanted)
        torch.testing.assert_close(getattr(plain, name).detach(), wanted)


def test_diamond_rests_where_the_docstring_says() -> None:
    potential, energies = StillingerWeber(), {}
    for a in (5.421, 5.431, 5.441):
        energies[a] = float(evaluate(potential, from_atoms(bulk("Si", a=a))).energies) / 2
    assert energies[5.431] == pytest.approx(-2 * potential.epsilon, abs=2e-4)
    assert energies[5.431] < min(energies[5.421], energies[5.441])


def test_elastic_constants_of_silicon() -> None:
    """C₁₁ = 151.4 and C₁₂ = 76.4 GPa, Cowley, Phys. Rev. Lett. 60, 2379 (1988)."""
    crystal, h = bulk("Si", a=5.4309, cubic=True), 1e-4
    stresses = []
    for sign in (1, -1):
        squeezed = crystal.copy()
        squeezed.set_cell(crystal.cell * [1 + sign * h, 1, 1], scale_atoms=True)
        seen = evaluate(StillingerWeber(), from_atoms(squeezed), virial=True)
        stresses.append(-seen.virial[0].numpy() / squeezed.get_volume() * GPA)
    constants = (stresses[0] - stresses[1]) / (2 * h)
    assert constants[0, 0] == pytest.approx(151.4, abs=0.5)
    assert constants[1, 1] == pytest.approx(76.4, abs=0.5)


def test_silicon_obeys_the_laws() -> None:
    potential, atoms = StillingerWeber(), silicon()
    system = table(from_atoms(atoms), potential.cutoff, skin=1.0)
    seen = evaluate(potential, system, virial=True)
    assert float(seen.forces.sum(0).abs().max()) < 1e-10
    h = 1e-5
    step = torch.zeros_like(system.positions)
    step[1, 2] = h
    ends = [float(potential(system.at(system.positions + s * step))) for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(-float(seen.forces[1, 2]), abs=1e-6)
    batch = evaluate(potential, from_atoms([atoms, silicon(1)]))
    torch.testing.assert_close(batch.energies[:1], seen.energies)
    edge = [
        float(potential(from_atoms(Atoms("Si2", [(0, 0, 0), (potential.cutoff - gap, 0, 0)]))))
        for gap in (1e-2, -1e-2)
    ]
    assert np.abs(edge).max() < 1e-12
