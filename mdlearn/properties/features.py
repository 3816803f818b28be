"""What a molecule looks like to a model without messages: fingerprints and RDKit's descriptors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from rdkit import Chem, rdBase

from mdlearn.files import replacing

BITS, RADIUS = 2048, 2
SKIPPED = ("Ipc", "AvgIpc")  # grow like e^atoms


def fingerprints(
    mols: Sequence[Chem.Mol], *, counts: bool = True
) -> Float[np.ndarray, "molecules 2048"]:
    """ECFP4: how often each neighborhood of up to two bonds occurs, hashed into 2,048 places.

    References:
        Rogers & Hahn, J. Chem. Inf. Model. 50, 742 (2010), doi:10.1021/ci100050t.
    """
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    make = generator.GetCountFingerprintAsNumPy if counts else generator.GetFingerprintAsNumPy
    rows = [make(molecule) for molecule in mols]
    return np.array(rows, np.float32).reshape(len(rows), BITS)


def packed(mols: Sequence[Chem.Mol]) -> UInt8[np.ndarray, "molecules 256"]:
    """ECFP4 as bits, eight to a byte."""
    return np.packbits(fingerprints(mols, counts=False).astype(bool), axis=1)


def similarity(
    mols: UInt8[np.ndarray, "molecules 256"], others: UInt8[np.ndarray, "others 256"]
) -> Float[np.ndarray, "molecules others"]:
    """Tanimoto similarity of packed fingerprints: bits in both over bits in either, a ratio."""
    a = np.unpackbits(mols, axis=1).astype(np.float32)
    b = np.unpackbits(others, axis=1).astype(np.float32)
    both = a @ b.T
    either = a.sum(1)[:, None] + b.sum(1)[None] - both
    return both / np.maximum(either, 1.0)


@lru_cache(1)
def descriptor_names() -> tuple[str, ...]:
    """Names of RDKit's descriptors that are used, in order."""
    from rdkit.Chem import Descriptors

    return tuple(name for name, _ in Descriptors.descList if name not in SKIPPED)


def descriptors(
    mols: Sequence[Chem.Mol], *, folder: Path | str | None = None
) -> Float[np.ndarray, "molecules descriptors"]:
    """RDKit's descriptors: weight, logP, ring counts, surface areas, about two hundred.

    Args:
        mols: RDKit molecules.
        folder: Where to keep them; the name of the file is a hash of the molecules.
    """
    if folder is not None:
        told = hashlib.sha256(f"{rdBase.rdkitVersion} {len(mols)}".encode())
        for molecule in mols:
            told.update(molecule.ToBinary())
        path = Path(folder) / f"descriptors-{told.hexdigest()[:32]}.npy"
        if path.exists():
            return np.load(path, allow_pickle=False)
    rows = [_descriptors_of(molecule.ToBinary()) for molecule in mols]
    table = np.array(rows, np.float64).reshape(len(rows), len(descriptor_names()))
    if folder is not None:
        with replacing(path) as part, part.open("wb") as stream:
            np.save(stream, table)
    return table


@lru_cache(20_000)  # about 30 MB: the same molecules come again in every fold and every fit
def _descriptors_of(binary: bytes) -> tuple[float, ...]:
    from rdkit.Chem import Descriptors

    functions, molecule = dict(Descriptors.descList), Chem.Mol(binary)
    with rdBase.BlockLogs():
        values = [_value(functions[name], molecule) for name in descriptor_names()]
    return tuple(np.clip(values, -1e6, 1e6).tolist())  # NaN stays


def _value(function, molecule: Chem.Mol) -> float:
    """A descriptor, NaN where RDKit has none (partial charges of metals, for example)."""
    try:
        return float(function(molecule))
    except (ValueError, RuntimeError, ZeroDivisionError):
        return np.nan


@dataclass(frozen=True)
class Scaler:
    """Descriptors as a network likes them: signed logarithm, standardized, clipped.

    Attributes:
        used: Which columns vary in training.
        mean: Of each.
        spread: Standard deviation of each.
    """

    used: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    @staticmethod
    def of(table: Float[np.ndarray, "molecules descriptors"]) -> "Scaler":
        """Fitted to the training molecules."""
        values = _signed_log(table)
        used = np.isfinite(values).any(0)
        used[used] = np.nanstd(values[:, used], axis=0) > 1e-6
        values = values[:, used]
        return Scaler(used, np.nanmean(values, axis=0), np.nanstd(values, axis=0))

    def __call__(self, table: Float[np.ndarray, "molecules descriptors"]) -> np.ndarray:
        """Scaled, missing ones at the mean, none beyond six standard deviations."""
        values = (_signed_log(table)[:, self.used] - self.mean) / self.spread
        return np.clip(np.where(np.isnan(values), 0.0, values), -6, 6).astype(np.float32)


def _signed_log(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))
