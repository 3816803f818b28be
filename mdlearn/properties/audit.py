"""What is wrong with a table of molecules, before a model learns it by heart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from rdkit import Chem

from mdlearn.data.scaffolds import same_molecule
from mdlearn.data.splits import Split
from mdlearn.properties.molecules import read

STRANGE = 5.0  # robust standard deviations
SHOWN = 5


@dataclass(frozen=True)
class Audit:
    """What was found; print it.

    Attributes:
        rows: How many there are.
        findings: Kind → rows that show it, the worst kinds first.
        notes: Kind → a sentence.
    """

    rows: int
    findings: dict[str, list[int]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"audited {self.rows} rows: {len(self.findings) or 'no'} kinds of findings"]
        for kind, rows in self.findings.items():
            some = ", ".join(map(str, rows[:SHOWN])) + (", …" if len(rows) > SHOWN else "")
            lines.append(f"- {kind}: {len(rows)} (rows {some}). {self.notes[kind]}")
        return "\n".join(lines)


NOTES = {
    "unreadable": "They are left out of everything; read() says why.",
    "leak": "The same molecule is in train and in another part: its error there says nothing.",
    "conflict": "The same molecule has labels that differ by more than the tolerance.",
    "repeated": "The same molecule as an earlier row; keep one (clean() merges).",
    "strange label": "Far from all others; look at the unit and at the source.",
    "several parts": "Salts or mixtures; standardize() keeps the largest part.",
    "metal": "Models of organic molecules know nothing of them.",
    "radical": "Often a sign of missing hydrogens.",
    "undefined stereo": "A center without a mark: the label may belong to either form.",
    "no label": "Nothing to learn from.",
}


def audit_molecules(
    smiles: Sequence[Any],
    labels: Float[np.ndarray, "rows tasks"],
    split: Split | None = None,
    *,
    tolerance: float = 0.5,
) -> Audit:
    """Look for whatever makes a model of these molecules, or trust in its errors, worse.

    Args:
        smiles: One per row.
        labels: Numbers, NaN where missing.
        split: If given, molecules shared between train and the other parts are leaks.
        tolerance: Labels of one molecule may differ by this much (in their unit).
    """
    found = read(smiles)
    seen: dict[str, list[int]] = {kind: [] for kind in NOTES}
    seen["unreadable"] = [problem.row for problem in found.problems]
    for doubt in found.doubts:
        for word in ("several parts", "metal", "radical"):
            if word in doubt.reason:
                seen[word].append(doubt.row)
    groups: dict[int, list[int]] = {}
    names = [Chem.MolToSmiles(molecule) for molecule in found.mols]
    for row, group in zip(found.rows.tolist(), same_molecule(names).tolist(), strict=True):
        groups.setdefault(group, []).append(row)
    for rows in groups.values():
        seen["repeated"] += rows[1:]
        known = labels[rows]
        if len(rows) > 1 and _apart(known) > tolerance:
            seen["conflict"] += rows
        if split is not None:
            trained = set(split.train.tolist())
            inside = [row for row in rows if row in trained]
            seen["leak"] += [row for row in rows if row not in trained] if inside else []
    for row, molecule in zip(found.rows.tolist(), found.mols, strict=True):
        if "?" in str([mark for _, mark in Chem.FindMolChiralCenters(molecule, includeUnassigned=True)]):  # fmt: skip
            seen["undefined stereo"].append(row)
    seen["no label"] = np.flatnonzero(np.isnan(labels).all(1)).tolist()
    seen["strange label"] = _strange(labels)
    findings = {kind: sorted(rows) for kind, rows in seen.items() if rows}
    return Audit(found.count, findings, NOTES)


def _apart(labels: np.ndarray) -> float:
    """The largest difference between known labels of one task."""
    spans = [np.ptp(column[~np.isnan(column)]) for column in labels.T if (~np.isnan(column)).any()]
    return float(max(spans, default=0.0))


def _strange(labels: np.ndarray) -> list[int]:
    rows: set[int] = set()
    for column in labels.T:
        known = column[~np.isnan(column)]
        if len(np.unique(known)) > 10:
            low, middle, high = np.percentile(known, [25, 50, 75])
            width = max((high - low) / 1.349, 1e-9)  # 1.349 σ in the middle half
            rows |= set(np.flatnonzero(np.abs(column - middle) > STRANGE * width).tolist())
    return sorted(rows)
