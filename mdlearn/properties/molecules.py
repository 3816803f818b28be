"""SMILES in, molecules out: what cannot be read is named with its row and a reason, never guessed.

`read` is the door of the whole wing; `clean` makes a learnable table out of a dirty one. graphs.py
comes next.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from rdkit import Chem, rdBase

from mdlearn.data.scaffolds import same_molecule

LARGE = 200  # heavy atoms; larger is no drug-like molecule, and drawing it helps nobody
MODES = ("raise", "nan", "drop")
KNOWN = {*range(1, 37), 53}  # elements with a feature of their own, as in chemprop 2
NONMETALS = {1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 32, 33, 34, 35, 36, 51, 52, 53, 54, 85}
DASHES = "‐‑‒–—−"
SELFIES = re.compile(r"(\[[=#/\\]?[A-Z][A-Za-z0-9@+\-=#]*\]){2,}")
SMARTS = re.compile(r"~|!|&|;|,|\$\(|\[[^\]]*#\d|\[[RDXrvx]\d?\]")


@dataclass(frozen=True)
class Problem:
    """Why a row has no answer, or an answer to be doubted.

    Attributes:
        row: Its number, from 0.
        text: What stood there.
        reason: In plain words, with what to do.
    """

    row: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"row {self.row} ({self.text!r}): {self.reason}"


@dataclass(frozen=True)
class Molecules:
    """Molecules that could be read, and what is known about the rest.

    Attributes:
        mols: RDKit molecules.
        rows: The row of each in what was given.
        count: How many rows were given.
        problems: Rows that could not be read.
        doubts: Rows that were read and are unusual: salts, metals, radicals.
    """

    mols: list[Chem.Mol]
    rows: Int[np.ndarray, " molecules"]
    count: int
    problems: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)

    def spread(self, values: Float[np.ndarray, "molecules ..."]) -> Float[np.ndarray, "rows ..."]:
        """Values of the molecules back on all rows, NaN where there was no molecule."""
        whole = np.full((self.count, *values.shape[1:]), np.nan)
        whole[self.rows] = values
        return whole


def read(smiles: Iterable[Any], *, errors: str = "nan", doubt: bool = True) -> Molecules:
    """Molecules from SMILES (or RDKit molecules), each bad row with its number and reason.

    Args:
        smiles: One per row.
        errors: "nan" and "drop" go on without the bad rows, "raise" stops at the first.
        doubt: Also look for what is unusual; long lists go faster without.

    Raises:
        ValueError: A row cannot be read, and errors is "raise"; or one text came instead of rows.
    """
    if errors not in MODES:
        raise ValueError(f"errors is one of {', '.join(MODES)}, got {errors!r}")
    if isinstance(smiles, str):
        raise ValueError(f"a list of SMILES is wanted, got the text {smiles!r}; write [{smiles!r}]")
    mols, rows, problems, doubts, count = [], [], [], [], 0
    with rdBase.BlockLogs():
        for row, text in enumerate(smiles):
            count += 1
            molecule, reason = parse(text)
            if molecule is None:
                problems.append(Problem(row, str(text)[:200], reason))
                if errors == "raise":
                    raise ValueError(str(problems[-1]))
                continue
            mols.append(molecule)
            rows.append(row)
            if doubt:
                doubts += [Problem(row, str(text)[:200], one) for one in unusual(molecule)]
    return Molecules(mols, np.array(rows, dtype=int), count, problems, doubts)


def parse(text: Any) -> tuple[Chem.Mol | None, str]:
    """One molecule, or why there is none. A name after the SMILES is taken off."""
    if isinstance(text, Chem.Mol):
        return (text, "") if text.GetNumAtoms() else (None, "a molecule without atoms")
    if not isinstance(text, str):
        return None, f"a SMILES is a text, got {type(text).__name__}"
    words = text.split()
    if not words:
        return None, "empty"
    if reason := _another_language(words[0]):
        return None, reason
    molecule = Chem.MolFromSmiles(words[0])
    if molecule is None:
        return None, _diagnosis(words[0])
    if not molecule.GetNumAtoms():
        return None, "a molecule without atoms"
    return molecule, ""


def unusual(molecule: Chem.Mol) -> list[str]:
    """What makes the answer for a readable molecule doubtful."""
    atoms = list(molecule.GetAtoms())
    elements = {atom.GetAtomicNum() for atom in atoms}
    found = []
    if len(Chem.GetMolFrags(molecule)) > 1:
        found.append("several parts (a salt or a mixture); standardize keeps the largest")
    if metals := elements - NONMETALS:
        names = ", ".join(Chem.GetPeriodicTable().GetElementSymbol(z) for z in sorted(metals))
        found.append(f"a metal ({names}), outside of what models of organic molecules know")
    elif strange := elements - KNOWN:
        names = ", ".join(Chem.GetPeriodicTable().GetElementSymbol(z) for z in sorted(strange))
        found.append(f"an element without a feature of its own ({names})")
    if any(atom.GetNumRadicalElectrons() for atom in atoms):
        found.append("a radical, often a sign of missing hydrogens")
    if any(atom.GetIsotope() for atom in atoms):
        found.append("a marked isotope")
    if len(atoms) > LARGE:
        found.append(f"{len(atoms)} heavy atoms, far larger than a drug")
    if 6 not in elements:
        found.append("no carbon")
    return found


def standardize(molecule: Chem.Mol) -> Chem.Mol:
    """The neutral parent: RDKit's clean-up, the largest fragment, charges taken off where possible."""
    from rdkit.Chem.MolStandardize import rdMolStandardize

    with rdBase.BlockLogs():
        molecule = rdMolStandardize.FragmentParent(rdMolStandardize.Cleanup(molecule))
        return rdMolStandardize.Uncharger().uncharge(molecule)


@dataclass(frozen=True)
class Cleaned:
    """A table to learn from.

    Attributes:
        smiles: Canonical, no skeleton twice.
        labels: One row each; NaN where nothing is known.
        rows: The first row of each in what was given.
        problems: What was left out, and why.
        merged: How many rows went into another.
        conflicts: Rows whose labels contradict those of the same molecule.
    """

    smiles: list[str]
    labels: Float[np.ndarray, "molecules tasks"]
    rows: Int[np.ndarray, " molecules"]
    problems: list[Problem]
    merged: int
    conflicts: list[Problem]

    def __str__(self) -> str:
        return (
            f"{len(self.smiles)} molecules; {self.merged} rows merged into others, "
            f"{len(self.problems)} left out, {len(self.conflicts)} with conflicting labels"
        )


def clean(
    smiles: Sequence[Any], labels: Float[np.ndarray, "rows tasks"], *, tolerance: float = 0.5
) -> Cleaned:
    """Standardized molecules, each once, with the mean of its labels where they agree.

    Args:
        smiles: One per row.
        labels: Numbers, or 0 and 1; NaN where missing.
        tolerance: Largest spread of labels of one molecule that is averaged (in their unit);
            where they differ by more, that label is left empty.
    """
    found = read(smiles)
    parents = [Chem.MolToSmiles(standardize(molecule)) for molecule in found.mols]
    groups: dict[int, list[int]] = {}
    for place, group in enumerate(same_molecule(parents).tolist()):
        groups.setdefault(group, []).append(place)
    kept, means, conflicts, problems = [], [], [], list(found.problems)
    for places in groups.values():
        mean, apart = _agreed(labels[found.rows[places]], tolerance)
        row = int(found.rows[places[0]])
        if apart:
            reason = f"labels of the same molecule differ by {apart:.3g}"
            conflicts += [Problem(int(found.rows[p]), parents[p], reason) for p in places]
        if np.isnan(mean).all():
            problems.append(Problem(row, parents[places[0]], "no label is left"))
            continue
        kept.append(places[0])
        means.append(mean)
    return Cleaned(
        smiles=[parents[p] for p in kept],
        labels=np.array(means).reshape(len(kept), labels.shape[1]),
        rows=found.rows[kept],
        problems=sorted(problems, key=lambda problem: problem.row),
        merged=sum(len(places) - 1 for places in groups.values()),
        conflicts=conflicts,
    )


def _agreed(labels: np.ndarray, tolerance: float) -> tuple[np.ndarray, float]:
    """Mean of each column where its values agree, and the largest disagreement."""
    mean, worst = np.full(labels.shape[1], np.nan), 0.0
    for task, column in enumerate(labels.T):
        known = column[~np.isnan(column)]
        if len(known) and np.ptp(known) > tolerance:
            worst = max(worst, float(np.ptp(known)))
        elif len(known):
            mean[task] = known.mean()
    return mean, worst


def _another_language(text: str) -> str:
    """Why a text is not SMILES though RDKit may swallow it; empty if it looks like SMILES."""
    if text.startswith("InChI="):
        return "an InChI, not SMILES; convert it with rdkit.Chem.MolFromInchi"
    if ">" in text:
        return "a reaction or a comparison, not one molecule"
    if dash := next((sign for sign in text if sign in DASHES), ""):
        return f"the sign {dash!r} is no bond; a charge or a single bond is written with '-'"
    if not text.isascii():
        return "SMILES have ASCII letters only; look for a copied symbol"
    if SMARTS.search(text):
        return "SMARTS, a pattern and not a molecule"
    if "*" in text:
        return "a wildcard atom '*': not one molecule"
    tokens = re.findall(r"\[[^\]]*\]", text)
    if SELFIES.fullmatch(text) and any(re.fullmatch(r"\[[=#/\\]?[A-Z][a-z]?\]|\[(Branch|Ring).*", token)
                                       and token != "[H]" for token in tokens):  # fmt: skip
        return "looks like SELFIES; decode it to SMILES (sf.decoder) first"
    return ""


def _diagnosis(text: str) -> str:
    """Why RDKit refuses a SMILES, in words of RDKit where it has any."""
    raw = Chem.MolFromSmiles(text, sanitize=False)
    if raw is None:
        return "not SMILES: look for an open ring or bracket, or a name in place of a structure"
    problems = [problem.Message() for problem in Chem.DetectChemistryProblems(raw)]
    return "no possible molecule: " + "; ".join(problems[:2]) if problems else "cannot be read"
