"""What chapter 5 works with: a molecule of two states, questions to it, and a manifest with its review.

The exercises of the chapter are in `ch05.py`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from jaxtyping import Bool, Float
from torch import Tensor

from mdlearn.data.catalog import catalog, digest
from mdlearn.data.fetch import fetch, load
from mdlearn.data.read import labels_of, read_frames
from mdlearn.data.splits import GROUP_KEYS, Split, split_by_group
from mdlearn.dynamics.distributions import torsions
from mdlearn.units import kB, per_cm

SHARES = {"valid": 0.25, "test": 0.25}


@dataclass(frozen=True)
class Question:
    """How much of the time is a molecule in the one of two states?

    Attributes:
        words: The question, as one asks it.
        atoms: Two atoms for a distance (Å), three for an angle, four for a torsion (degrees).
        border: The first state lies below it, the second above (Å or degrees).
        states: Their names.
    """

    words: str
    atoms: tuple[int, ...]
    border: float
    states: tuple[str, str]


QUESTIONS = {
    "ethanol": Question(
        "How much of the time is the O–H of ethanol turned to a side (gauche)?",
        (3, 2, 1, 0), 120.0, ("gauche", "trans"),
    ),
    "malonaldehyde": Question(
        "How much of the time are the two oxygens so near that the proton may hop?",
        (0, 4), 2.5, ("pressed", "relaxed"),
    ),
    "alanine_dipeptide": Question(
        "How much of the time does a hydrogen bond close the ring of seven?",
        (2, 18), 2.5, ("ring", "open"),
    ),
}  # fmt: skip


def frames_of(data: str) -> tuple[list[Atoms], str]:
    """The frames of a shipped set, or of your own file, and the sha256 of the file.

    Args:
        data: A name of the catalog, or the path of a file that ASE reads, with energies (eV) and
            forces (eV/Å).
    """
    if data in catalog():
        return load(data, report=None), digest(fetch(data, report=None), "sha256")
    return read_frames(data), digest(Path(data), "sha256")


def question_of(data: str, frames: Sequence[Atoms]) -> Question:
    """The question that is asked of a set; of an unknown one, about the distance that changes most."""
    if data in QUESTIONS:
        return QUESTIONS[data]
    if len({tuple(frame.numbers) for frame in frames}) > 1:
        raise ValueError(
            f"{data} holds several molecules, or one with its atoms in several orders; a study "
            "of two states needs frames of one molecule"
        )
    places = torch.tensor(np.stack([frame.positions for frame in frames]))
    i, j = np.triu_indices(len(frames[0]), 1)
    apart = (places[:, i] - places[:, j]).norm(dim=2)  # (frames, pairs)
    k = int(apart.std(0).argmax())
    a, b = int(i[k]), int(j[k])
    names = [f"{frames[0].symbols[n]}{n}" for n in (a, b)]
    return Question(
        f"How much of the time are {names[0]} and {names[1]} near each other?",
        (a, b), round(float(apart[:, k].median()), 1), ("near", "far"),
    )  # fmt: skip


def measure(
    positions: Float[Tensor, "*frames atoms 3"], atoms: Sequence[int]
) -> Float[Tensor, "*frames"]:
    """A distance (Å) of two atoms, an angle of three, or a torsion of four (degrees, 0 to 180).

    Both hands of a torsion count as one: mirror images have the same energy.
    """
    if len(atoms) not in (2, 3, 4):
        raise ValueError(f"name two, three or four atoms, got {len(atoms)}")
    if len(atoms) == 4:
        return torsions(positions, torch.tensor([list(atoms)]))[..., 0].abs().rad2deg()
    arms = [positions[..., a, :] - positions[..., atoms[1], :] for a in (atoms[0], atoms[-1])]
    if len(atoms) == 2:
        return arms[0].norm(dim=-1)
    cosine = (arms[0] * arms[1]).sum(-1) / (arms[0].norm(dim=-1) * arms[1].norm(dim=-1))
    return cosine.clamp(-1, 1).arccos().rad2deg()


def trajectories(frames: Sequence[Atoms]) -> list[Any]:
    """Which trajectory each frame is from: told by `info`, else one of twelve blocks in time."""
    for key in GROUP_KEYS:
        names = [frame.info.get(key) for frame in frames]
        if None not in names and len(set(names)) >= 6:
            return names
    return (np.arange(len(frames)) * 12 // len(frames)).tolist()


def divide(frames: Sequence[Atoms], low: Bool[np.ndarray, " frames"], *, tries: int = 300) -> Split:
    """Whole trajectories to train, to calibrate and to test, each part with its share of both states.

    Of many random divisions it takes the one whose parts are most alike in the share of the first
    state and in heat, where the frames tell their temperature. It never looks at a label.

    Args:
        frames: In order of time.
        low: Which frames are in the first state.
        tries: Random divisions.
    """
    groups = trajectories(frames)
    marks = [low.astype(float), np.array([float(f.info.get("temperature", 0)) for f in frames])]
    marks = [mark for mark in marks if mark.std() > 0]

    def unlike(split: Split) -> float:
        return sum(abs(m[rows].mean() - m.mean()) / m.std() for m in marks for rows in split)

    return min((split_by_group(groups, **SHARES, seed=seed) for seed in range(tries)), key=unlike)


def rival(
    data: str, frames: Sequence[Atoms]
) -> tuple[str, Float[np.ndarray, " frames"], Float[np.ndarray, "frames atoms 3"]]:
    """Name, energies (eV) and forces (eV/Å) of a cheap method on the same frames: the honest baseline.

    GFN2-xTB where the set has its labels beside better ones; else no force and equal energies.
    """
    if data in catalog() and "xtb" in catalog()[data].labels[1:]:
        labels = [labels_of(frame) for frame in load(data, method="xtb", report=None)]
        energies, forces = zip(*labels, strict=True)
        return "GFN2-xTB", np.array(energies), np.stack(forces)
    energies = np.array([labels_of(frame)[0] for frame in frames])
    return "no force at all", np.full_like(energies, energies.mean()), np.zeros(
        (len(frames), len(frames[0]), 3)
    )  # fmt: skip


def sisters(
    positions: Float[np.ndarray, "frames atoms 3"],
    votes: Float[np.ndarray, "members frames"],
    truth: Float[np.ndarray, " frames"],
) -> tuple[Float[np.ndarray, " questions"], Float[np.ndarray, " questions"]]:
    """Questions like ours whose answers the labels know: how wrong is a committee, how far apart?

    Each pair of atoms gives four: with the border where a fifth, two, three or four fifths of the
    frames lie below it, how much more energy has the mean frame above than the one below?

    Args:
        positions: Å.
        votes: Energy of each frame by each member (eV).
        truth: By the labels (eV).

    Returns:
        Error of the mean of the members, and their standard deviation (eV), for each question.
    """
    i, j = np.triu_indices(positions.shape[1], 1)
    apart = np.linalg.norm(positions[:, i] - positions[:, j], axis=2)  # (frames, pairs)
    errors, spreads = [], []
    for values in apart.T:
        for border in np.quantile(values, [0.2, 0.4, 0.6, 0.8]):
            low = values < border
            if not low.any() or low.all():
                continue
            answers = votes[:, ~low].mean(1) - votes[:, low].mean(1)
            errors.append(answers.mean() - (truth[~low].mean() - truth[low].mean()))
            spreads.append(answers.std(ddof=1))
    return np.array(errors), np.array(spreads)


def measured_share(kelvin: float) -> float:
    """Share of gauche ethanol, classical, on the torsional potential that microwaves measured.

    $$V = \\sum_n \\tfrac12 V_n (1 - \\cos n\\alpha)$$, zero at trans; gauche is beyond 60°.

    References:
        Su & Quade, J. Mol. Spectrosc. 175, 390 (1996), doi:10.1006/jmsp.1996.0045: the coefficients.
    """
    angles = np.radians(np.arange(0.5, 180))
    terms = ((1, 45.3), (2, 13.0), (3, 370.0))  # 1/cm
    waves = sum(0.5 * size * (1 - np.cos(n * angles)) for n, size in terms)
    weights = np.exp(-waves * per_cm / (kB * kelvin))
    return float(weights[angles > np.pi / 3].sum() / weights.sum())


MEASURED = {"ethanol": measured_share}  # temperature (K) to share of the first state


def fingerprint(results: Mapping[str, float], grid: Mapping[str, float]) -> str:
    """Hash of results, each first rounded to a multiple of its grid, which is wider than its noise."""
    cells = {name: round(value / grid[name]) for name, value in results.items()}
    return sha256(cells)


def sha256(content: Mapping[str, Any]) -> str:
    """Hash of names and values, whatever their order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def review(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A referee's questions to a study, each with the answer its manifest gives: yes, no, or ask.

    Bounds are those that the manifest registers. What is not in it counts as no.
    """
    shared, frames = manifest.get("trajectories shared", 1), manifest.get("test frames", 0)
    parts, found = manifest.get("error bar", ()), manifest.get("coverage", 0.0)
    promised, bounds = manifest.get("promised coverage", 1.0), manifest.get("bounds", {})
    rows = [
        ("Is no trajectory in two parts?", shared == 0),
        ("Are there 30 test frames or more?", frames >= 30),
        ("Does a baseline stand beside the model?", bool(manifest.get("baseline"))),
        ("Does the error bar hold both noise and model?", {"noise", "model"} <= set(parts)),
        ("Do the intervals cover as promised, on frames not used before?",
         abs(found - promised) <= bounds.get("answers", 0.0)),
        ("Did dynamics stay where the labels are?",
         manifest.get("spread ratio", 9.0) <= bounds.get("spread", 0.0)),
        ("Did it forget where it started?",
         manifest.get("starts apart", 9.0) <= bounds.get("start", 0.0)),
        ("Does a repetition give the same hash?", bool(manifest.get("repeated"))),
        ("Are data and code named by hash?", {"data", "package"} <= set(manifest)),
        ("Is the reference method good enough for the question?", None),
        ("Would the opposite answer have been written up, too?", None),
    ]  # fmt: skip
    return [({True: "yes", False: "no", None: "ask"}[told], words) for words, told in rows]
