"""Molecules as flat arrays: kinds of atoms and bonds, and the colors that make a network cheap.

Every bond is two directed bonds, 2k and its reverse 2k + 1. Features are those of chemprop 2. A
message-passing network cannot tell directed bonds of one color (1-WL refinement) apart, so
dmpnn.py computes one row per color; the colors of a whole set are made once, here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt64
from rdkit import Chem

from mdlearn.files import replacing

ATOM_FEATURES, BOND_FEATURES = 72, 14
ELEMENTS = {z: i for i, z in enumerate([*range(1, 37), 53])}
CHARGES = {charge: i for i, charge in enumerate([-1, -2, 1, 2, 0])}
_H = Chem.HybridizationType
HYBRIDS = {int(h): i for i, h in enumerate([_H.S, _H.SP, _H.SP2, _H.SP2D, _H.SP3, _H.SP3D, _H.SP3D2])}  # fmt: skip
ORDERS = {1.0: 0, 2.0: 1, 3.0: 2, 1.5: 3}
VERSION = "1"  # of the arrays in a cache


@dataclass(frozen=True)
class Graphs:
    """A set of molecules, one after the other in flat arrays.

    Attributes:
        atom_table: Features of each kind of atom that occurs.
        bond_table: Features of each kind of bond that occurs.
        atoms: Kind of each atom.
        bonds: Kind of each directed bond.
        source: Atom (of the whole set) where a directed bond starts; it ends at `source[i ^ 1]`.
        atom_start: First atom of each molecule, and the end.
        bond_start: First directed bond of each molecule, and the end.
        bond_colors: Color of each directed bond after 0, 1, … rounds of messages.
        atom_colors: Color of each atom after the last round.
    """

    atom_table: Float[np.ndarray, "kinds 72"]
    bond_table: Float[np.ndarray, "kinds2 14"]
    atoms: Int[np.ndarray, " atoms"]
    bonds: Int[np.ndarray, " bonds"]
    source: Int[np.ndarray, " bonds"]
    atom_start: Int[np.ndarray, " ends"]
    bond_start: Int[np.ndarray, " ends"]
    bond_colors: Int[np.ndarray, "rounds bonds"]
    atom_colors: Int[np.ndarray, " atoms"]

    def __len__(self) -> int:
        return len(self.atom_start) - 1

    @property
    def depth(self) -> int:
        """Rounds of a network that these colors serve."""
        return len(self.bond_colors)

    @cached_property
    def line(self) -> tuple[Int[np.ndarray, " ends"], Int[np.ndarray, " entries"]]:
        """The line graph: which directed bonds a directed bond hears."""
        return neighbors_of_bonds(self.source, len(self.atoms))

    @cached_property
    def into_atoms(self) -> tuple[Int[np.ndarray, " ends"], Int[np.ndarray, " bonds"]]:
        """Which directed bonds end at an atom."""
        return bonds_into_atoms(self.source, len(self.atoms))


def graphs(mols: Sequence[Chem.Mol], *, depth: int = 3) -> Graphs:
    """The graphs of molecules, colored for a network of that depth.

    Args:
        mols: RDKit molecules.
        depth: Rounds of the network: the first features and depth − 1 messages.
    """
    atom_kinds: dict[tuple, int] = {}
    bond_kinds: dict[tuple, int] = {}
    atoms: list[int] = []
    bonds: list[int] = []
    source: list[int] = []
    atom_count, bond_count = [0], [0]
    for molecule in mols:
        first = len(atoms)
        atoms += [
            atom_kinds.setdefault(_atom_key(atom), len(atom_kinds)) for atom in molecule.GetAtoms()
        ]
        for bond in molecule.GetBonds():
            kind = bond_kinds.setdefault(_bond_key(bond), len(bond_kinds))
            bonds += (kind, kind)
            source += (first + bond.GetBeginAtomIdx(), first + bond.GetEndAtomIdx())
        atom_count.append(len(atoms))
        bond_count.append(len(bonds))
    arrays = {
        "atoms": np.array(atoms, np.int64),
        "bonds": np.array(bonds, np.int64),
        "source": np.array(source, np.int64),
    }
    bond_colors, atom_colors = colors(**arrays, depth=depth)
    return Graphs(
        atom_table=_table(atom_kinds, atom_features, ATOM_FEATURES),
        bond_table=_table(bond_kinds, bond_features, BOND_FEATURES),
        atom_start=np.array(atom_count),
        bond_start=np.array(bond_count),
        bond_colors=bond_colors,
        atom_colors=atom_colors,
        **arrays,
    )


def cached_graphs(mols: Sequence[Chem.Mol], folder: Path | str, *, depth: int = 3) -> Graphs:
    """The graphs of molecules, from a file in the folder if the same molecules were there before.

    The name of the file is a hash of the molecules (canonical binary form), depth and version.
    """
    told = hashlib.sha256(f"{VERSION} {depth} {len(mols)}".encode())
    for molecule in mols:
        told.update(molecule.ToBinary())
    path = Path(folder) / f"graphs-{told.hexdigest()[:32]}.npz"
    if path.exists():
        with np.load(path, allow_pickle=False) as file:
            return Graphs(**{entry.name: file[entry.name] for entry in fields(Graphs)})
    made = graphs(mols, depth=depth)
    with replacing(path) as part, part.open("wb") as stream:
        np.savez(stream, **{entry.name: getattr(made, entry.name) for entry in fields(Graphs)})
    return made


def atom_features(key: tuple) -> Float[np.ndarray, "72"]:
    """What the network knows of an atom: one-hot groups, each with a place for all the rest.

    Atomic number (38), degree with hydrogens (7), charge (6), chirality (5), hydrogens (6),
    hybridization (8), aromatic (1), mass over 100 (1): chemprop 2's default.
    """
    number, degree, charge, chirality, hydrogens, hybrid, aromatic, mass = key
    groups = (
        (ELEMENTS.get(number, 37), 38),
        (min(degree, 6), 7),
        (CHARGES.get(charge, 5), 6),
        (min(chirality, 4), 5),
        (min(hydrogens, 5), 6),
        (HYBRIDS.get(hybrid, 7), 8),
    )
    row = np.zeros(ATOM_FEATURES, np.float32)
    start = 0
    for place, size in groups:
        row[start + place] = 1
        start += size
    row[start : start + 2] = aromatic, 0.01 * mass
    return row


def bond_features(key: tuple) -> Float[np.ndarray, "14"]:
    """What the network knows of a bond: absent (1), order (4), conjugated, in a ring, stereo (7)."""
    order, conjugated, ring, stereo = key
    row = np.zeros(BOND_FEATURES, np.float32)
    if order in ORDERS:
        row[1 + ORDERS[order]] = 1
    row[5], row[6] = conjugated, ring
    row[7 + min(stereo, 6)] = 1
    return row


def colors(
    atoms: Int[np.ndarray, " atoms"],
    bonds: Int[np.ndarray, " bonds"],
    source: Int[np.ndarray, " bonds"],
    *,
    depth: int,
) -> tuple[Int[np.ndarray, "rounds bonds"], Int[np.ndarray, " atoms"]]:
    """Names of what a network of that depth can tell apart, exact.

    Round 0 names pairs (kind of source atom, kind of bond). Each next round names the pair of the
    first color and the multiset of colors of the bonds that come in at the source, without the
    reverse. At the end an atom is named by its kind and the multiset of its incoming bonds.

    Colors are found by 64-bit hashes, then compared member by member with the first of their
    color: a collision raises instead of giving a wrong number.

    References:
        Morris et al., Proc. AAAI 33, 4602 (2019), doi:10.1609/aaai.v33i01.33014602.
    """
    first = _named(_mix(atoms[source] * 65_536 + bonds))
    verify(first, np.stack([atoms[source], bonds], axis=1))
    rounds = [first]
    start, incoming = neighbors_of_bonds(source, len(atoms))
    for _ in range(depth - 1):
        rounds.append(_refined(first, rounds[-1], start, incoming))
    start, incoming = bonds_into_atoms(source, len(atoms))
    return np.stack(rounds), _refined(atoms, rounds[-1], start, incoming)


def bonds_into_atoms(
    source: Int[np.ndarray, " bonds"], atoms: int
) -> tuple[Int[np.ndarray, " ends"], Int[np.ndarray, " bonds"]]:
    """Directed bonds that end at each atom: where its list starts, and all lists in a row."""
    target = source[np.arange(len(source)) ^ 1]
    start = np.concatenate([[0], np.cumsum(np.bincount(target, minlength=atoms))])
    return start, np.argsort(target, kind="stable")


def neighbors_of_bonds(
    source: Int[np.ndarray, " bonds"], atoms: int
) -> tuple[Int[np.ndarray, " ends"], Int[np.ndarray, " entries"]]:
    """Directed bonds that end where each one starts, but for its own reverse: the line graph."""
    start, incoming = bonds_into_atoms(source, atoms)
    counts = np.diff(start)[source]
    entries = incoming[ranges(start[source], counts)]
    owner = np.repeat(np.arange(len(source)), counts)
    entries = entries[entries != (owner ^ 1)]
    return np.concatenate([[0], np.cumsum(counts - 1)]), entries


def ranges(
    starts: Int[np.ndarray, " rows"], counts: Int[np.ndarray, " rows"]
) -> Int[np.ndarray, " entries"]:
    """Start, start + 1, … for each row, one after the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def _refined(
    own: np.ndarray, colors: np.ndarray, start: np.ndarray, entries: np.ndarray
) -> np.ndarray:
    """New names for pairs of an own color and a multiset of others."""
    hashed = np.concatenate([[np.uint64(0)], np.cumsum(_mix(colors[entries] + 1), dtype=np.uint64)])
    sums = hashed[start[1:]] - hashed[start[:-1]]
    with np.errstate(over="ignore"):
        names = _named(_mix(own + 1) + np.uint64(7) * _mix(sums))
    counts = np.diff(start)
    table = np.full((len(own), int(counts.max(initial=0)) + 1), -1)
    row = np.repeat(np.arange(len(own)), counts)
    table[row, np.arange(len(entries)) - start[:-1][row]] = colors[entries]
    table[:, :-1].sort(axis=1)
    table[:, -1] = own
    verify(names, table)
    return names


def verify(names: Int[np.ndarray, " rows"], contents: Int[np.ndarray, "rows entries"]) -> None:
    """Make sure that all members of a color have the contents of its first, number by number.

    Raises:
        ArithmeticError: Two contents have one name, because their hashes collided.
    """
    _, first = np.unique(names, return_index=True)
    if (contents != contents[first][names]).any():
        raise ArithmeticError("two colors have one hash; change the constants of _mix")


def _named(hashes: UInt64[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _mix(values: np.ndarray) -> UInt64[np.ndarray, " rows"]:
    """A 64-bit hash (splitmix64)."""
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _atom_key(atom: Chem.Atom) -> tuple:
    return (
        atom.GetAtomicNum(),
        atom.GetTotalDegree(),
        atom.GetFormalCharge(),
        int(atom.GetChiralTag()),
        atom.GetTotalNumHs(),
        int(atom.GetHybridization()),
        atom.GetIsAromatic(),
        atom.GetMass(),
    )


def _bond_key(bond: Chem.Bond) -> tuple:
    order = bond.GetBondTypeAsDouble()
    stereo = int(bond.GetStereo()) if order == 2.0 else 0  # only double bonds have any
    return order, bond.GetIsConjugated(), bond.IsInRing(), stereo


def _table(kinds: dict[tuple, int], features, width: int) -> Float[np.ndarray, "kinds width"]:
    rows = [features(key) for key in kinds]
    return np.stack(rows) if rows else np.zeros((0, width), np.float32)
