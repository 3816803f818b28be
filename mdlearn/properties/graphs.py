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
from jaxtyping import Float, Int
from rdkit import Chem
from rdkit.Chem.rdqueries import HasChiralTagQueryAtom

from mdlearn.files import replacing
from mdlearn.properties.colors import bonds_into_atoms, colors, neighbors_of_bonds

ATOM_FEATURES, BOND_FEATURES = 72, 14
ELEMENTS = {z: i for i, z in enumerate([*range(1, 37), 53])}
CHARGES = {charge: i for i, charge in enumerate([-1, -2, 1, 2, 0])}
_H = Chem.HybridizationType
HYBRIDS = {int(h): i for i, h in enumerate([_H.S, _H.SP, _H.SP2, _H.SP2D, _H.SP3, _H.SP3D, _H.SP3D2])}  # fmt: skip
ORDERS = {1.0: 0, 2.0: 1, 3.0: 2, 1.5: 3}
# elements whose SMILES tells whether they are aromatic
SPELLED = {5, 6, 7, 8, 14, 15, 16, 33, 34, 52}
HANDED = Chem.RWMol(Chem.MolFromSmarts("*"))
HANDED.ReplaceAtom(0, HasChiralTagQueryAtom())
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
    names: dict[tuple, int] = {}
    atoms: list[int] = []
    bonds: list[int] = []
    source: list[int] = []
    atom_count, bond_count = [0], [0]
    for molecule in mols:
        source += _bonds(molecule, bond_kinds, bonds, first=len(atoms))
        atoms += _atoms(molecule, atom_kinds, names)
        atom_count.append(len(atoms))
        bond_count.append(len(bonds))
    told = {"atoms": atoms, "bonds": bonds, "source": source}
    arrays = {name: np.array(numbers, np.int64) for name, numbers in told.items()}
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


def _atoms(molecule: Chem.Mol, kinds: dict[tuple, int], names: dict[tuple, int]) -> list[int]:
    """The kind of each atom; most are known by their name, two quick questions."""
    found, handed = [], molecule.HasSubstructMatch(HANDED)
    for atom in molecule.GetAtoms():
        told = (atom.GetSmarts(False, True), atom.GetHybridization(), atom.GetDegree())
        told = (*told, int(atom.GetChiralTag())) if handed else told
        kind = names.get(told)
        if kind is None:
            kind = kinds.setdefault(_atom_key(atom), len(kinds))
            if atom.GetAtomicNum() in SPELLED:
                names[told] = kind
        found.append(kind)
    return found


def _bonds(
    molecule: Chem.Mol, kinds: dict[tuple, int], found: list[int], *, first: int
) -> list[int]:
    """Both ends of each bond; its kind is added to `found`, once for each direction."""
    ends = []
    for bond in molecule.GetBonds():
        order = bond.GetBondTypeAsDouble()
        stereo = int(bond.GetStereo()) if order == 2.0 else 0  # only double bonds have any
        told = (order, bond.GetIsConjugated(), bond.IsInRing(), stereo)
        kind = kinds.setdefault(told, len(kinds))
        found += (kind, kind)
        ends += (first + bond.GetBeginAtomIdx(), first + bond.GetEndAtomIdx())
    return ends


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


def _table(kinds: dict[tuple, int], features, width: int) -> Float[np.ndarray, "kinds width"]:
    rows = [features(key) for key in kinds]
    return np.stack(rows) if rows else np.zeros((0, width), np.float32)
