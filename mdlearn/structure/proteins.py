"""One protein chain: its letters and the places of its backbone, read from and written to files.

PDB and mmCIF are read and written by gemmi. alignments.py adds the chain's relatives, scores.py
compares two chains.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import gemmi
import numpy as np
from jaxtyping import Bool, Float

from mdlearn.data.fetch import fetch
from mdlearn.structure.sequences import LETTERS, decode

ATOMS = ("N", "CA", "C", "O", "CB")
PEPTIDE = 1.329  # Å, C to the next N
KINDS = {"DNA", "RNA", "HOH", "PAA", "PYR"}


@dataclass(frozen=True)
class Protein:
    """A chain of residues with their backbone.

    Attributes:
        name: What to call it.
        sequence: One letter a residue; X for unknown ones.
        backbone: Places of N, CA, C, O, CB (Å); NaN where an O is missing. A glycine, or a residue
            without its CB, has the CB that its other atoms imply.
        labels: Number of each residue in its file, with insertion code: "27", "27A".
        confidence: Expected lDDT of each residue, 0 to 1, for a model.
    """

    name: str
    sequence: str
    backbone: Float[np.ndarray, "residues 5 3"]
    labels: tuple[str, ...] = ()
    confidence: Float[np.ndarray, " residues"] | None = None

    def __len__(self) -> int:
        return len(self.sequence)

    @property
    def ca(self) -> Float[np.ndarray, "residues 3"]:
        """Places of the CA atoms (Å)."""
        return self.backbone[:, 1]

    @property
    def cb(self) -> Float[np.ndarray, "residues 3"]:
        """Places of the CB atoms (Å)."""
        return self.backbone[:, 4]

    def take(self, residues: Iterable[int]) -> "Protein":
        """Some of the residues."""
        chosen = [int(i) for i in residues]
        return replace(
            self,
            sequence="".join(self.sequence[i] for i in chosen),
            backbone=self.backbone[chosen],
            labels=tuple(self.labels[i] for i in chosen) if self.labels else (),
            confidence=None if self.confidence is None else self.confidence[chosen],
        )

    def breaks(self) -> Bool[np.ndarray, " steps"]:
        """Whether the chain is broken after each residue but the last: no peptide bond there."""
        bond = np.linalg.norm(self.backbone[1:, 0] - self.backbone[:-1, 2], axis=-1)
        return bond > PEPTIDE + 0.6


def virtual_cb(backbone: Float[np.ndarray, "*any atoms 3"]) -> Float[np.ndarray, "*any 3"]:
    """Where an ideal CB sits (Å), from N, CA, C.

    Its coefficients in the basis of both bonds and their cross product are those of ideal geometry.
    """
    b = backbone[..., 1, :] - backbone[..., 0, :]
    c = backbone[..., 2, :] - backbone[..., 1, :]
    a = np.cross(b, c)
    return -0.58273431 * a + 0.56802827 * b - 0.54067466 * c + backbone[..., 1, :]


def carbonyl_oxygen(
    backbone: Float[np.ndarray, "residues atoms 3"],
) -> Float[np.ndarray, "residues 3"]:
    """Where the O of a flat peptide bond sits (Å), from CA, C and the next N; opposite N at the end."""
    ca, c = backbone[:, 1], backbone[:, 2]
    following = np.vstack([backbone[1:, 0], 2 * c[-1:] - backbone[-1:, 0]])
    unit = lambda v: v / np.linalg.norm(v, axis=-1, keepdims=True)  # noqa: E731
    return c + 1.231 * unit(unit(c - ca) + unit(c - following))


def complete(backbone: Float[np.ndarray, "residues atoms 3"]) -> Float[np.ndarray, "residues 5 3"]:
    """N, CA, C with ideal O and CB added."""
    known = backbone[:, :3]
    return np.concatenate([known, carbonyl_oxygen(known)[:, None], virtual_cb(known)[:, None]], 1)


def read_structure(path: Path | str, *, chain: str | None = None, model: int = 1) -> Protein:
    """A chain of a PDB or mmCIF file (also .gz): the backbone of residues that have N, CA and C.

    Of alternate places the one with the highest occupancy is taken; modified residues are read as
    their parent; waters, ligands and nucleic acids are left out.

    Args:
        path: The file.
        chain: Name of the chain; needed when the file has more than one protein chain.
        model: Number of the model, from 1, where there are several (NMR).

    Raises:
        FileNotFoundError: No such file.
        ValueError: No structure in it, no such chain or model, or no protein.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    try:
        structure = gemmi.read_structure(str(path))
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path.name} is no PDB or mmCIF file that can be read: {error}"
        ) from error
    if not 1 <= model <= len(structure):
        raise ValueError(f"{path.name} has {len(structure)} models, asked for number {model}")
    residues = {c.name: _residues(c) for c in structure[model - 1]}
    proteins = [name for name, found in residues.items() if found]
    if chain is None and len(proteins) != 1:
        raise ValueError(
            f"{path.name} has {len(proteins)} protein chains ({', '.join(proteins) or 'none'}); "
            "name one with chain="
            if proteins
            else f"{path.name} has no protein in it: no residue has N, CA and C"
        )
    chain = proteins[0] if chain is None else chain
    if chain not in proteins:
        kind = "is no protein" if chain in residues else "is not there"
        raise ValueError(f"chain {chain!r} {kind} in {path.name}; proteins: {', '.join(proteins)}")
    letters, labels, places = zip(*residues[chain], strict=True)
    backbone = np.array(places)  # (residues, 5, 3)
    bare = np.isnan(backbone[:, 4, 0])
    backbone[bare, 4] = virtual_cb(backbone[bare])
    stem = path.name.split(".")[0]
    return Protein(f"{stem}_{chain}", "".join(letters), backbone, labels)


def _residues(chain: gemmi.Chain) -> list[tuple[str, str, np.ndarray]]:
    """Letter, number and places of each residue with a whole N, CA, C; each number once."""
    found, seen = [], set()
    for residue in chain:
        label = f"{residue.seqid.num}{residue.seqid.icode.strip()}"
        kind = gemmi.find_tabulated_residue(residue.name)
        if label in seen or not (kind.is_amino_acid() or residue.find_atom("CA", "*")):
            continue
        places = np.full((5, 3), np.nan)
        for k, name in enumerate(ATOMS):
            atoms = [atom for atom in residue if atom.name == name and atom.element.name != "Ca"]
            if atoms:
                best = max(atoms, key=lambda atom: atom.occ)
                places[k] = best.pos.tolist()
        letter = kind.one_letter_code.upper()
        if np.isfinite(places[:3]).all():
            seen.add(label)
            found.append((letter if letter in LETTERS else "X", label, places))
    return found


def write_structure(protein: Protein, path: Path | str) -> None:
    """The backbone as PDB or, by the name's ending, mmCIF; 100 × confidence stands as B-factor."""
    path = Path(path)
    if path.suffix not in (".pdb", ".cif"):
        raise ValueError(f"a structure is written as .pdb or .cif, got {path.name!r}")
    structure, model, chain = gemmi.Structure(), gemmi.Model(1), gemmi.Chain("A")
    structure.name = protein.name
    for i, letter in enumerate(protein.sequence):
        residue = gemmi.Residue()
        residue.name = gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA) or "UNK"
        label = protein.labels[i] if protein.labels else str(i + 1)
        residue.seqid = gemmi.SeqId(label)
        for name, place in zip(ATOMS, protein.backbone[i], strict=True):
            if np.isfinite(place).all() and not (name == "CB" and letter == "G"):
                confidence = 0.0 if protein.confidence is None else protein.confidence[i]
                residue.add_atom(_atom(name, place, 100 * float(confidence)))
        chain.add_residue(residue)
    model.add_chain(chain)
    structure.add_model(model)
    structure.setup_entities()
    text = (
        structure.make_pdb_string()
        if path.suffix == ".pdb"
        else structure.make_mmcif_document().as_string()
    )
    path.write_text(text, encoding="utf-8")


def _atom(name: str, place: np.ndarray, value: float) -> gemmi.Atom:
    atom = gemmi.Atom()
    atom.name, atom.element = name, gemmi.Element(name[0])
    atom.pos = gemmi.Position(*map(float, place))
    atom.occ, atom.b_iso = 1.0, value
    return atom


def load_chains(split: str | None = None) -> list[Protein]:
    """The shipped experimental chains: 30 to 100 residues, compact, no two of them alike.

    Args:
        split: "train", "valid" or "test"; all when not told. Nothing similar crosses.
    """
    with np.load(fetch("protein_chains"), allow_pickle=False) as stored:
        cuts = np.cumsum(stored["lengths"].astype(int))[:-1]
        parts = stored["split"]
        if split is not None and split not in parts:
            raise ValueError(f"the chains are split into train, valid and test; got {split!r}")
        places = np.split(stored["backbone"] * stored["unit"], cuts)
        rows = np.split(stored["letters"], cuts)
        return [
            Protein(str(name), decode(row), complete(place))
            for name, row, place, part in zip(stored["names"], rows, places, parts, strict=True)
            if split in (None, part)
        ]
