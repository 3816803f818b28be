"""How far to believe a model: its expected lDDT under the distances it was folded from."""

import json
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mdlearn.structure.pairs import BINS, CENTERS, Pairs
from mdlearn.structure.proteins import Protein
from mdlearn.structure.scores import LIMITS, REACH, distances

CALIBRATION = Path(__file__).parents[1] / "weights" / "confidence.json"  # by recipes/confidence.py


def raw_expectation(model: Protein, pairs: Pairs) -> Float[np.ndarray, " residues"]:
    """Share of each residue's near distances that the beliefs would keep, before calibration."""
    apart = distances(model.cb)
    length = len(model)
    near = (apart < REACH) & (np.abs(np.subtract.outer(range(length), range(length))) >= 3)
    off = np.abs(apart[..., None] - CENTERS)
    shares = pairs.distances[..., :BINS]
    kept = np.mean([(shares * (off < limit)).sum(-1) for limit in LIMITS], axis=0)
    return (kept * near).sum(1) / np.maximum(1, near.sum(1))


def expected_lddt(model: Protein, pairs: Pairs) -> Float[np.ndarray, " residues"]:
    """Expected lDDT of each residue, 0 to 1, calibrated on families the networks never saw."""
    line = calibration()
    raw = smooth(raw_expectation(model, pairs))
    return np.clip(line["level"] + line["slope"] * raw, 0.0, 1.0)


def smooth(values: Float[np.ndarray, " residues"]) -> Float[np.ndarray, " residues"]:
    """Means over three residues."""
    return np.convolve(np.pad(values, 1, mode="edge"), np.ones(3) / 3, "valid")


@cache
def calibration() -> dict[str, float]:
    """Slope and level of the line from expected to true lDDT, and how good it is."""
    return json.loads(CALIBRATION.read_text(encoding="utf-8"))
