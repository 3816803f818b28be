"""Families with alignments and crystal structures to train and cross-validate on, from `MDLEARN_DATA`.

The folder `covariation` there: Ollikainen and Kortemme, PLoS Comput. Biol. 9, e1003313 (2013),
doi:10.1371/journal.pcbi.1003313, of github.com/Kortemme-Lab/covariation. It is not shipped, and no
chapter or test needs it; pairs.py does.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdlearn.files import replacing
from mdlearn.structure.alignments import Alignment, read_alignment
from mdlearn.structure.pairs import evolution
from mdlearn.structure.predict import FOLDS
from mdlearn.structure.sequences import encode

RELATED = (  # folds that are alike stay together
    ("PF07679", "PF07686", "PF00041", "PF01833"),
    ("PF00486", "PF00249", "PF12844"),
)
SAMPLES = (None, 0.6, 300)  # all sequences, a share, a count


@dataclass(frozen=True)
class Family:
    """A family, cut to the residues that its alignment covers.

    Attributes:
        name: Of Pfam.
        sequence: Of the structure, from the first aligned residue to the last.
        backbone: N, CA, C, O, CB (Å).
        residues: Place of each column in the sequence.
        rows: Codes of the alignment; the structure's own sequence first.
        maps: Direct couplings, mutual information and effective number, of several samples of rows.
    """

    name: str
    sequence: str
    backbone: np.ndarray
    residues: np.ndarray
    rows: np.ndarray
    maps: list[tuple[np.ndarray, np.ndarray, float]]


def folder() -> Path:
    """Where the families lie.

    Raises:
        FileNotFoundError: `MDLEARN_DATA` is not set, or has no such folder.
    """
    found = Path(os.environ.get("MDLEARN_DATA", "")) / "covariation"
    if not (found / "manifest.json").exists():
        raise FileNotFoundError(
            "set MDLEARN_DATA to a folder that holds covariation/ with manifest.json; "
            "its source stands in the head of mdlearn/recipes/families.py"
        )
    return found


def names() -> list[str]:
    """Of all families there."""
    return sorted(json.loads((folder() / "manifest.json").read_text()))


def load(name: str, work: Path) -> Family:
    """A family, its maps computed on first use and kept in the work folder."""
    entry = json.loads((folder() / "manifest.json").read_text())[name]
    alignment = read_alignment(folder() / f"{name}.aln.gz")
    with np.load(folder() / f"{name}.npz") as stored:
        backbone, columns = stored["backbone"].astype(float), stored["residue_of_column"]
    kept = np.flatnonzero(columns >= 0)
    first, last = columns[kept].min(), columns[kept].max() + 1
    residues = columns[kept] - first
    sequence = entry["pdb_sequence"][first:last]
    rows = alignment.rows[:, kept]
    rows[0] = encode(sequence)[residues]
    dense = Alignment(alignment.names, rows).dense()
    path = work / f"{name}.npz"
    if not path.exists():
        _write(path, dense, seed=sum(map(ord, name)))
    with np.load(path) as stored:
        maps = [(d, m, float(n)) for d, m, n in zip(*(stored[k] for k in "dmn"), strict=True)]
    return Family(name, sequence, backbone[first:last], residues, dense.rows, maps)


def _write(path: Path, alignment: Alignment, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = []
    for sample in SAMPLES:
        count = len(alignment)
        if isinstance(sample, float):
            count = int(sample * count)
        elif sample is not None:
            count = min(count, sample)
        others = 1 + rng.permutation(len(alignment) - 1)[: count - 1]
        chosen = np.arange(count) if sample is None else np.concatenate([[0], others])
        found.append(evolution(alignment.take(chosen)))
    direct, mutual, effective = map(np.array, zip(*found, strict=True))
    with replacing(path) as part, part.open("wb") as stream:
        np.savez(stream, d=direct.astype(np.float32), m=mutual.astype(np.float32), n=effective)


def divide(families: list[str], *, folds: int = FOLDS, seed: int = 0) -> list[list[str]]:
    """Folds of families for cross-validation, related ones in one fold."""
    kin = {name: group for group in RELATED for name in group}
    units: dict[object, list[str]] = {}
    for name in families:
        units.setdefault(kin.get(name, name), []).append(name)
    order = list(units.values())
    np.random.default_rng(seed).shuffle(order)
    found: list[list[str]] = [[] for _ in range(folds)]
    for unit in sorted(order, key=len, reverse=True):
        min(found, key=len).extend(unit)
    return found
