"""Laws that hold for every potential. Add yours to POTENTIALS and each law is tested."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from ase import Atoms

from mdlearn.potentials.committee import Committee
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones, Morse
from mdlearn.potentials.system import Potential, System, evaluate, forces, from_atoms
from mdlearn.potentials.weights import exact
from tests.potentials.frames import ethanol, random_ace, rotation, silicon, water

ELEMENTS = [1, 6, 8, 14]
POTENTIALS: dict[str, Potential] = {
    "Lennard-Jones": LennardJones(sigma=1.2, epsilon=0.2, cutoff=5.0),
    "Morse": Morse(cutoff=5.0),
    "ACE": random_ace(ELEMENTS, cutoff=4.0),
    "ACE, degree 3": random_ace(ELEMENTS, degree=3, cutoff=4.0),
    "ACE, one layer, body order 3": random_ace(ELEMENTS, layers=1, order=3, cutoff=4.0),
    "ACE, distances only": random_ace(ELEMENTS, degree=0, message_degree=0, cutoff=4.0),
    "committee": Committee([random_ace(ELEMENTS, seed, cutoff=4.0) for seed in (1, 2)]),
}
SYSTEMS: dict[str, Callable[[], Atoms]] = {"ethanol": ethanol, "silicon": silicon}
TIGHT = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(params=POTENTIALS.values(), ids=POTENTIALS.keys())
def potential(request: pytest.FixtureRequest) -> Potential:
    return request.param


@pytest.fixture(params=SYSTEMS.values(), ids=SYSTEMS.keys())
def system(request: pytest.FixtureRequest) -> System:
    return from_atoms(request.param())


def reach(potential: Potential) -> float:
    members = getattr(potential, "members", [potential])
    return max(member.cutoff for member in members)


def turned(system: System, matrix: torch.Tensor) -> System:
    cell = None if system.cell is None else system.cell @ matrix.T
    return replace(system, positions=system.positions @ matrix.T, cell=cell)


@pytest.mark.parametrize("seed", [2, 3], ids=["rotation", "reflection"])
def test_energy_stays_and_forces_turn_with_the_system(
    potential: Potential, system: System, seed: int
) -> None:
    matrix = rotation(seed)
    before, after = evaluate(potential, system), evaluate(potential, turned(system, matrix))
    torch.testing.assert_close(after.energies, before.energies, **TIGHT)
    torch.testing.assert_close(after.forces, before.forces @ matrix.T, **TIGHT)


def test_shift_changes_nothing(potential: Potential, system: System) -> None:
    moved = system.at(system.positions + torch.tensor([3.0, -7.0, 0.5]).double())
    torch.testing.assert_close(
        evaluate(potential, moved).forces, forces(potential, system), **TIGHT
    )


def test_order_of_atoms_changes_nothing(potential: Potential, system: System) -> None:
    order = torch.randperm(len(system.numbers), generator=torch.Generator().manual_seed(1))
    mixed = replace(system, numbers=system.numbers[order], positions=system.positions[order])
    before, after = evaluate(potential, system), evaluate(potential, mixed)
    torch.testing.assert_close(after.energies, before.energies, **TIGHT)
    torch.testing.assert_close(after.forces, before.forces[order], **TIGHT)


def test_forces_are_minus_the_gradient(potential: Potential, system: System) -> None:
    seen = forces(potential, system)
    h = 2e-5  # Å; error of the central difference ∝ h², of rounding ∝ 1e-16 E / h
    for atom, axis in [(0, 0), (1, 1), (len(seen) - 1, 2)]:
        step = torch.zeros_like(system.positions)
        step[atom, axis] = h
        ends = [
            evaluate(potential, system.at(system.positions + s * step)).energies for s in (1, -1)
        ]
        slope = (ends[0] - ends[1]).sum() / (2 * h)
        assert abs(float(slope + seen[atom, axis])) < 1e-6


def test_analytic_forces_are_the_gradient(potential: Potential, system: System) -> None:
    quick, plain = evaluate(potential, system), evaluate(potential, system, graph=True)
    torch.testing.assert_close(quick.forces, plain.forces.detach(), **TIGHT)


def test_forces_sum_to_zero(potential: Potential, system: System) -> None:
    total = forces(potential, system).sum(0)
    torch.testing.assert_close(total, torch.zeros(3).double(), rtol=0, atol=1e-9)


def test_virial_is_the_derivative_by_strain(potential: Potential) -> None:
    crystal = from_atoms(silicon())
    virial = evaluate(potential, crystal, virial=True).virial[0]
    h = 1e-5
    for i, j in [(0, 0), (1, 2), (2, 0)]:
        ends = []
        for sign in (1, -1):
            strain = torch.eye(3).double()
            strain[i, j] += sign * h
            moved = replace(
                crystal, positions=crystal.positions @ strain, cell=crystal.cell @ strain
            )
            ends.append(evaluate(potential, moved).energies)
        assert abs(float((ends[0] - ends[1]) / (2 * h) + virial[i, j])) < 1e-5


def test_distant_molecules_add(potential: Potential) -> None:
    a, b = ethanol(), water()
    b.translate([100, 0, 0])
    apart = evaluate(potential, from_atoms([a, b])).energies.sum()
    together = evaluate(potential, from_atoms(a + b)).energies[0]
    torch.testing.assert_close(together, apart, **TIGHT)


def test_batch_equals_its_members(potential: Potential) -> None:
    frames = [ethanol(1), water(2), ethanol(3)]
    batch = evaluate(potential, from_atoms(frames))
    alone = [evaluate(potential, from_atoms(frame)) for frame in frames]
    torch.testing.assert_close(batch.energies, torch.cat([one.energies for one in alone]), **TIGHT)
    torch.testing.assert_close(batch.forces, torch.cat([one.forces for one in alone]), **TIGHT)


def test_energy_is_smooth_where_an_atom_leaves(potential: Potential) -> None:
    """Value, slope and curvature vanish at the cutoff: finite differences across it stay small."""
    edge, h = reach(potential), 1e-3
    energies = []
    for distance in (edge - 2 * h, edge - h, edge, edge + h):
        dimer = from_atoms(Atoms("CO", [(0, 0, 0), (distance, 0, 0)]))
        energies.append(float(evaluate(potential, dimer).energies))
    curvature = (energies[0] - 2 * energies[1] + energies[2]) / h**2
    assert energies[2] == pytest.approx(energies[3], abs=1e-12)
    assert abs(curvature) < 0.05  # eV/Å², two steps inside; bonds have 30, a hard cutoff 1e5


def test_a_skin_changes_nothing(potential: Potential, system: System) -> None:
    thick = table(system, reach(potential), skin=1.0)
    torch.testing.assert_close(forces(potential, thick), forces(potential, system), **TIGHT)


def test_single_precision_is_near(potential: Potential, system: System) -> None:
    single = potential
    if hasattr(potential, "settings"):
        single = exact(potential, torch.float32)
    if hasattr(potential, "members"):
        single = Committee([exact(member, torch.float32) for member in potential.members])
    rough = forces(single, system.to(torch.float32)).double()
    sharp = forces(potential, system)
    assert float((rough - sharp).abs().max()) < 1e-4 * max(1.0, float(sharp.abs().max()))


def test_a_lone_atom_has_an_energy_and_no_force(potential: Potential) -> None:
    seen = evaluate(potential, from_atoms(Atoms("O")))
    assert torch.isfinite(seen.energies).all()
    assert not seen.forces.any()
