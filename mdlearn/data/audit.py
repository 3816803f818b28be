"""Is a set of labeled frames sound, and is its split honest? `print(audit(train, valid, test))`.

Looks for copies, leaks between the splits, outliers, forces that do not belong to the energies,
noise of the labels, and units that are not eV and Å.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from jaxtyping import Float

from mdlearn.data.consistency import agreement, explain_factor
from mdlearn.data.fingerprints import by_composition, fingerprints, nearest
from mdlearn.data.read import labels_of
from mdlearn.data.suspect import suspect_units

COPY = 1e-3  # Å; frames of dynamics half a femtosecond apart differ by about 5e-3
NEAR = 0.2  # of the distance to the fourth nearest frame: nearly a copy of the nearest
DENSE = 1.5  # fourth over first distance; along a trajectory 2, between independent frames 1.1–1.3
NET = 0.005  # eV/Å per atom; tight calculations stay below 0.001
STRANGE = 8.0  # robust standard deviations


@dataclass(frozen=True)
class Finding:
    """Something a user of the data should know.

    Attributes:
        kind: `broken`, `units`, `duplicates`, `leak`, `extrapolation`, `outliers`, `net force` or
            `consistency`.
        text: What it is and what to do, in plain words.
        split: Where it was seen.
        frames: Numbers of the frames concerned, within that split.
    """

    kind: str
    text: str
    split: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """What the audit saw; print it.

    Attributes:
        findings: What is wrong or doubtful, the worst first.
        numbers: What was measured, by name: distances in Å, noise in eV/Å, ratios.
        sizes: How many frames each split has.
    """

    findings: tuple[Finding, ...]
    numbers: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def kinds(self) -> set[str]:
        """Kinds of the findings."""
        return {finding.kind for finding in self.findings}

    def __str__(self) -> str:
        counts = ", ".join(f"{size} {name}" for name, size in self.sizes.items())
        lines = [f"audited {counts} frames: {len(self.findings) or 'no'} findings"]
        lines += [f"- {f.kind} ({f.split}): {f.text}" for f in self.findings]
        lines += [f"  {name}: {value:.4g}" for name, value in self.numbers.items()]
        return "\n".join(lines)


def audit(
    train: Sequence[Atoms],
    valid: Sequence[Atoms] | None = None,
    test: Sequence[Atoms] | None = None,
) -> Report:
    """Look for everything that makes a model, or the trust in its scores, worse than need be.

    Args:
        train: Frames with energies (eV) and forces (eV/Å).
        valid: Those of the validation part.
        test: Those of the test part.

    Raises:
        ValueError: A split without frames, or frames without labels.
    """
    given = {"train": train, "valid": valid, "test": test}
    splits = {name: list(frames) for name, frames in given.items() if frames is not None}
    for name, frames in splits.items():
        if not frames:
            raise ValueError(f"{name} has no frames; leave it out or give it some")
    broken = [f for name, frames in splits.items() for f in _broken(frames, name)]
    sizes = {name: len(frames) for name, frames in splits.items()}
    if broken:
        return Report(tuple(broken), sizes=sizes)
    findings: list[Finding] = []
    numbers: dict[str, float] = {}
    for name, frames in splits.items():
        findings += [Finding("units", text, name) for text in suspect_units(frames)]
        findings += _duplicates(frames, name)
        findings += _outliers(frames, name)
        findings += _net_forces(frames, name, numbers)
        findings += _inconsistent(frames, name, numbers)
    for name in list(splits)[1:]:
        findings += _leaks(splits["train"], splits[name], name, numbers)
    order = ("units", "consistency", "leak", "duplicates", "outliers", "net force")
    rank = {kind: place for place, kind in enumerate(order)}
    findings.sort(key=lambda finding: rank.get(finding.kind, len(rank)))
    return Report(tuple(findings), numbers, sizes)


def _broken(frames: Sequence[Atoms], name: str) -> list[Finding]:
    bad = tuple(
        i
        for i, frame in enumerate(frames)
        if not np.isfinite(frame.positions).all()
        or not all(np.isfinite(label).all() for label in labels_of(frame))
    )
    text = f"{len(bad)} frames hold NaN or infinite numbers ({_some(bad)}); remove them first"
    return [Finding("broken", text, name, bad)] if bad else []


def _duplicates(frames: Sequence[Atoms], name: str) -> list[Finding]:
    """Frames that are there before, turned or with like atoms renamed, and how labels differ."""
    copies, spread = [], 0.0
    for (members,) in by_composition(frames):
        if len(members) < 2:
            continue
        distance, other = (x[:, 0] for x in nearest(fingerprints([frames[i] for i in members])))
        close = np.flatnonzero(distance < COPY)
        for i, j in zip(members[close].tolist(), members[other[close]].tolist(), strict=True):
            energies = [labels_of(frames[k])[0] for k in (i, j)]
            spread = max(spread, abs(energies[0] - energies[1]))
            copies.append(max(i, j))
    copies = sorted(set(copies))
    if not copies:
        return []
    text = (
        f"{len(copies)} frames repeat another one ({_some(copies)}), "
        f"their energies differ by up to {1000 * spread:.3g} meV; keep one of each"
    )
    return [Finding("duplicates", text, name, tuple(copies))]


def _outliers(frames: Sequence[Atoms], name: str) -> list[Finding]:
    """Energies per atom and largest forces far from those of the other frames of a composition."""
    energies = np.array([labels_of(f)[0] / len(f) for f in frames])
    largest = np.array([np.log(1e-6 + np.abs(labels_of(f)[1]).max()) for f in frames])
    found = []
    for quantity, values in (("energy", energies), ("largest force", largest)):
        strange = [
            members[i]
            for (members,) in by_composition(frames)
            if len(members) >= 10
            for i in np.flatnonzero(np.abs(robust_z(values[members])) > STRANGE)
        ]
        if strange:
            frames_found = tuple(sorted(int(i) for i in strange))
            text = (
                f"{len(strange)} frames have a strange {quantity} ({_some(frames_found)}), more "
                f"than {STRANGE:g} robust standard deviations off; look at them, label them again"
            )
            found.append(Finding("outliers", text, name, frames_found))
    return found


def robust_z(values: Float[np.ndarray, " frames"]) -> Float[np.ndarray, " frames"]:
    """Distance from the median, in standard deviations estimated from the middle half."""
    low, middle, high = np.percentile(values, [25, 50, 75])
    return (values - middle) / max((high - low) / 1.349, 1e-9)  # 1.349 σ in the middle half


def _net_forces(frames: Sequence[Atoms], name: str, numbers: dict[str, float]) -> list[Finding]:
    """Forces on a free molecule sum to zero, and so do torques: what is left is noise or error."""
    free = [i for i, f in enumerate(frames) if len(f) > 1 and not f.pbc.any()]
    if not free:
        return []
    net, torque = np.zeros(len(free)), np.zeros(len(free))
    for k, i in enumerate(free):
        positions, forces = frames[i].positions, labels_of(frames[i])[1]
        arm = positions - positions.mean(0)
        net[k] = np.sqrt((forces.sum(0) ** 2).mean() / len(arm))
        torque[k] = np.sqrt((np.cross(arm, forces).sum(0) ** 2).sum() / (2 * (arm**2).sum()))
    noise = np.maximum(net, torque)
    numbers[f"{name}: noise of forces from their sum (eV/Å)"] = float(np.sqrt((net**2).mean()))
    numbers[f"{name}: the same from torques (eV/Å)"] = float(np.sqrt((torque**2).mean()))
    bad = tuple(free[k] for k in np.flatnonzero(noise > NET))
    if not bad:
        return []
    text = (
        f"forces of {len(bad)} free molecules do not sum to zero, or turn them ({_some(bad)}): "
        f"up to {1000 * noise.max():.3g} meV/Å per atom; "
        "a loose calculation, a missing atom, an outer field, or forces of another frame"
    )
    return [Finding("net force", text, name, bad)]


def _inconsistent(frames: Sequence[Atoms], name: str, numbers: dict[str, float]) -> list[Finding]:
    seen = agreement(frames)
    numbers[f"{name}: energy change over work of the forces"] = seen.factor
    numbers[f"{name}: their correlation"] = seen.correlation
    if seen.ok:
        return []
    text = (
        f"between {seen.pairs} pairs of near frames the energy changes {seen.factor:.3g} times as "
        f"much as the forces say; {explain_factor(seen.factor)}"
    )
    return [Finding("consistency", text, name)]


def _leaks(
    train: Sequence[Atoms], other: Sequence[Atoms], name: str, numbers: dict[str, float]
) -> list[Finding]:
    """Frames of another split that are nearly in train, or lie between its frames in time."""
    leaked, across, within, ratios = [], [], [], []
    for ours, theirs in by_composition(train, other):
        if len(ours) < 5 or not len(theirs):
            continue
        known = fingerprints([train[i] for i in ours])
        distance, _ = nearest(fingerprints([other[i] for i in theirs]), known, count=4)
        first, fourth = distance[:, 0], distance[:, 3]
        leaked += theirs[first < np.maximum(COPY, NEAR * fourth)].tolist()
        ratios += (fourth / np.maximum(first, 1e-9)).tolist()
        across += first.tolist()
        within += nearest(known)[0][:, 0].tolist()
    if not across:
        return []
    far, usual = float(np.median(across)), float(np.median(within))
    dense = float(np.median(ratios))
    numbers[f"{name}: median distance to the nearest train frame (Å)"] = far
    numbers[f"{name}: the same within train (Å)"] = usual
    numbers[f"{name}: fourth nearest over nearest train frame"] = dense
    found = []
    if leaked:
        text = (
            f"{len(leaked)} of {len(other)} frames are nearly in train ({_some(leaked)}); errors "
            "on them say little about new geometries. Split by trajectory or in blocks of time"
        )
        found.append(Finding("leak", text, name, tuple(sorted(leaked))))
    if len(across) >= 5 and dense > DENSE:
        text = (
            "these frames lie between train frames of the same trajectory, a moment before and "
            "after: their errors are too kind. Split by trajectory or in blocks of time"
        )
        found.append(Finding("leak", text, name))
    if not found and far > 2 * usual:
        text = (
            f"these geometries lie {far / usual:.1f} times farther from train than train frames "
            "from each other: errors here are those of extrapolation, or train is dense in time"
        )
        found.append(Finding("extrapolation", text, name))
    return found


def _some(frames: Sequence[int]) -> str:
    shown = ", ".join(str(i) for i in list(frames)[:5])
    return f"frame {shown}" + (", …" if len(frames) > 5 else "")
