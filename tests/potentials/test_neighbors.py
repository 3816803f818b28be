"""Neighbor tables against two other programs, and when a table still serves."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.neighborlist import neighbor_list
from vesin import NeighborList

from mdlearn.potentials import neighbors
from mdlearn.potentials.boxes import once
from mdlearn.potentials.system import System, from_atoms


def random_system(seed: int) -> Atoms:
    """Any cell, also smaller than the cutoff and far from a cube, any periodic axes, unwrapped atoms."""
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(2.5, 9, 3)) + rng.uniform(-1.5, 1.5, (3, 3)) * rng.integers(0, 2)
    pbc = rng.integers(0, 2, 3).astype(bool) if seed % 2 else [True] * 3
    count = int(rng.integers(1, 25))
    positions = rng.uniform(-0.5, 1.5, (count, 3)) @ cell
    return Atoms(f"Ar{count}", positions, cell=cell, pbc=pbc)


def rows(i: object, j: object, shift: object) -> set[tuple[int, ...]]:
    whole = np.concatenate([np.c_[i, j], np.asarray(shift)], 1)
    return {tuple(int(x) for x in row) for row in whole}


def both(pairs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    i, j, shift = pairs
    return torch.cat([i, j]), torch.cat([j, i]), torch.cat([shift, -shift])


def pairs_of(system: System) -> set[tuple[int, ...]]:
    i, slot = system.mask.nonzero().unbind(1)
    shift = torch.zeros(len(i), 3) if system.shifts is None else system.shifts[i, slot]
    found = rows(i, system.neighbors[i, slot], shift)
    assert len(found) == len(i)  # nothing twice
    return found


@pytest.mark.parametrize("start", range(0, 200, 25))
def test_table_equals_ase_and_vesin(start: int) -> None:
    for seed in range(start, start + 25):
        atoms, cutoff = random_system(seed), 3.0 + seed % 4
        system = from_atoms(atoms)
        theirs = rows(*neighbor_list("ijS", atoms, cutoff))
        if atoms.pbc.all() or not atoms.pbc.any():
            quick = NeighborList(cutoff=cutoff, full_list=True).compute(
                points=atoms.positions,
                box=atoms.cell.array,
                periodic=bool(atoms.pbc.all()),
                quantities="ijS",
            )
            assert not rows(*quick) ^ theirs
        assert not pairs_of(neighbors.table(system, cutoff)) ^ theirs
        if system.cell is None:
            system = replace(
                system, cell=torch.eye(3).double()[None], pbc=torch.zeros(1, 3, dtype=torch.bool)
            )
        assert not rows(*neighbors.all_pairs(system, cutoff)) ^ theirs
        assert not rows(*both(once(system, cutoff))) ^ theirs


def test_arrows_point_from_atom_to_image() -> None:
    atoms = random_system(4)
    system = neighbors.table(from_atoms(atoms), 4.0)
    lengths = system.arrows().norm(dim=-1)[system.mask]
    torch.testing.assert_close(lengths.sort()[0].numpy(), np.sort(neighbor_list("d", atoms, 4.0)))


def test_table_serves_until_an_atom_moved_half_the_skin() -> None:
    system = neighbors.table(from_atoms(random_system(6)), 4.0, skin=1.0)
    step = torch.zeros_like(system.positions)
    step[0, 0] = 0.49
    assert neighbors.refresh(system.at(system.positions + step)).neighbors is system.neighbors
    step[0, 0] = 0.51
    moved = neighbors.refresh(system.at(system.positions + step))
    assert moved.neighbors is not system.neighbors
    assert pairs_of(moved) == pairs_of(neighbors.table(moved, 4.0, skin=1.0))


def test_a_table_of_all_pairs_serves_forever() -> None:
    system = neighbors.table(from_atoms(Atoms("Ar3", np.eye(3))), 4.0)
    assert neighbors.refresh(system.at(system.positions * 100)).neighbors is system.neighbors


def test_batch_of_crystals_and_molecules() -> None:
    frames = [random_system(0), Atoms("Ar2", [(0, 0, 0), (3, 0, 0)]), random_system(2)]
    system = neighbors.table(from_atoms(frames), 4.0)
    count = [len(neighbor_list("i", frame, 4.0)) for frame in frames]
    per_system = torch.bincount(system.index, system.mask.sum(1).double(), minlength=3)
    assert per_system.tolist() == count


def test_a_batch_of_any_cells_has_the_pairs_of_its_members() -> None:
    frames = [random_system(seed) for seed in range(60) if random_system(seed).pbc.any()]
    batch = once(from_atoms(frames), 4.0)
    assert len(rows(*batch)) == len(batch[0])  # nothing twice
    starts = np.cumsum([0, *map(len, frames)])
    alone = set()
    for first, frame in zip(starts, frames, strict=False):
        i, j, shift = neighbor_list("ijS", frame, 4.0)
        alone |= rows(i + first, j + first, shift)
    assert not rows(*both(batch)) ^ alone


def test_wrong_cutoff_is_refused() -> None:
    with pytest.raises(ValueError, match="cutoff must be positive"):
        neighbors.table(from_atoms(Atoms("Ar")), -1.0)


def test_a_flat_sheet_needs_no_boxes_above_it() -> None:
    places = np.stack(np.meshgrid(range(5), range(4), [0.0]), -1).reshape(-1, 3)
    system = from_atoms(Atoms("Ar20", places, cell=[9, 9, 9], pbc=[True, False, False]))
    assert rows(*both(once(system, 1.5))) == rows(*neighbors.all_pairs(system, 1.5))
