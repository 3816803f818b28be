"""Every cell that can be thought of: thin, skewed, tiny, huge, left-handed; the same neighbors as ASE."""

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mdlearn.potentials import neighbors
from mdlearn.potentials.system import from_atoms
from tests.potentials.test_neighbors import pairs_of, rows

LENGTHS = st.one_of(st.floats(1.2, 4.0), st.floats(4.0, 12.0), st.floats(50.0, 1e4))  # Å
SKEWS = st.one_of(st.just(0.0), st.floats(-2.5, 2.5))  # of one vector along another
PLACES = st.floats(-1.5, 2.5)  # in lattice vectors: atoms may be far outside of the cell


@st.composite
def crystals(draw: st.DrawFn) -> Atoms:
    """One to eight atoms in a cell with a volume."""
    lengths = np.array([draw(LENGTHS) for _ in range(3)])
    cell = np.eye(3)
    cell[1, 0], cell[2, 0], cell[2, 1] = (draw(SKEWS) for _ in range(3))
    cell = cell * np.minimum(lengths, 5 * lengths.min() if draw(st.booleans()) else np.inf)[:, None]
    cell = cell[draw(st.permutations(range(3)))]
    count = draw(st.integers(1, 8))
    places = np.array([[draw(PLACES) for _ in range(3)] for _ in range(count)])
    pbc = [draw(st.booleans()) for _ in range(3)]
    return Atoms(f"Ar{count}", places @ cell, cell=cell, pbc=pbc)


@settings(max_examples=80, deadline=None)
@given(atoms=crystals(), cutoff=st.floats(0.5, 5.0))
def test_any_cell_has_the_neighbors_that_ase_finds(atoms: Atoms, cutoff: float) -> None:
    near = neighbor_list("d", atoms, cutoff + 1e-6)
    assume(not (np.abs(near - cutoff) < 1e-6).any())  # a tie is settled by rounding
    theirs = rows(*neighbor_list("ijS", atoms, cutoff))
    system = from_atoms(atoms)
    assert not pairs_of(neighbors.table(system, cutoff)) ^ theirs
    listed = neighbors.table(system, cutoff, half=True)
    arrows = listed.positions[listed.pairs[1]] - listed.positions[listed.pairs[0]] + listed.moves.T
    np.testing.assert_allclose(
        np.sort(arrows.norm(dim=1).numpy()),
        np.sort(neighbor_list("d", atoms, cutoff))[::2],
        atol=1e-8,
    )
    batch = neighbors.table(from_atoms([atoms, atoms]), cutoff)  # many systems go by boxes
    first = slice(0, len(atoms))
    assert int(batch.mask[first].sum()) == int(batch.mask[len(atoms) :].sum()) == len(theirs)
