"""Read labeled frames from your own file, and say plainly what is wrong with it.

Common names of energies and forces are recognized, or told. suspect.py doubts the units;
splits.py and audit.py come next.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.io.formats import UnknownFileTypeError
from ase.neighborlist import neighbor_list
from jaxtyping import Float
from scipy.spatial import cKDTree

ENERGY_KEYS = (
    "energy",
    "ref_energy",
    "dft_energy",
    "energy_dft",
    "qm_energy",
    "total_energy",
    "potential_energy",
    "totenergy",
    "toten",
    "etot",
    "e",
)
FORCE_KEYS = (
    "forces",
    "force",
    "ref_forces",
    "ref_force",
    "dft_forces",
    "dft_force",
    "forces_dft",
    "qm_forces",
    "f",
)
GRADIENT_KEYS = ("gradient", "gradients", "grad", "dft_gradient", "energy_gradient")
CLOSEST = 0.5  # Å; no bond is shorter (H2: 0.74)


def read_frames(
    path: Path | str,
    *,
    energy: str | None = None,
    forces: str | None = None,
    report: Callable[[str], None] | None = print,
) -> list[Atoms]:
    """Frames with energies (eV) and forces (eV/Å) from an extxyz file, or any file ASE reads.

    Energies are looked for under names such as `energy`, `E`, `REF_energy`, `TotEnergy`; forces
    under `forces`, `REF_forces`, or minus a `gradient`. Units are taken as they are: let
    `suspect_units` look at the result. A single atom needs no forces, they are zero.

    Args:
        path: The file.
        energy: Key of the energy in the file, when it has an uncommon name.
        forces: Key of the forces; with a minus before it (`"-dEdR"`), the array is a gradient.
        report: Told which uncommon keys were taken.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is empty, unreadable, or a frame in it cannot be learned from.
    """
    path = Path(path)
    frames = _read(path)
    chosen = _choose(frames, "energy", energy, path)
    energies = [_entry(frame, chosen) for frame in frames]
    key, sign = _choose_forces(frames, forces, path)
    arrays = [np.zeros((1, 3)) if len(f) == 1 and key is None else _entry(f, key) for f in frames]
    if report and (chosen.lower(), (key or "forces").lower()) != ("energy", "forces"):
        minus = "minus " if sign < 0 else ""
        report(f"{path.name}: energies are {chosen!r}, forces are {minus}{key!r}")
    labeled = []
    for i, (frame, value, array) in enumerate(zip(frames, energies, arrays, strict=True)):
        where = f"{path.name}, frame {i}"
        check_geometry(frame, where=where)
        value, array = _numbers(frame, value, array, where)
        copy = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.pbc)
        copy.info = dict(frame.info)
        copy.calc = SinglePointCalculator(copy, energy=value, forces=sign * array)
        labeled.append(copy)
    charges = {charge_of(frame) or 0.0 for frame in labeled}
    if len(charges) > 1:
        raise ValueError(
            f"{path.name} mixes charges {sorted(charges)} (e); a potential sees elements and "
            "positions only and cannot tell them apart: train one on each charge"
        )
    return labeled


def read_geometries(path: Path | str) -> list[Atoms]:
    """Frames of any file ASE reads, labels or not, each with a sound geometry.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is empty or unreadable, or a geometry in it is broken.
    """
    frames = _read(Path(path))
    for i, frame in enumerate(frames):
        check_geometry(frame, where=f"{Path(path).name}, frame {i}")
    return frames


def labels_of(atoms: Atoms) -> tuple[float, Float[np.ndarray, "atoms 3"]]:
    """Energy (eV) and forces (eV/Å) that a frame carries, as stored, nothing computed.

    Raises:
        ValueError: It carries none.
    """
    results = atoms.calc.results if atoms.calc is not None else {}
    if missing := {"energy", "forces"} - set(results):
        raise ValueError(
            f"{atoms.get_chemical_formula()} has no {' and '.join(sorted(missing))}; "
            "read files with read_frames, or label the frames first"
        )
    return float(results["energy"]), np.asarray(results["forces"], float)


def charge_of(atoms: Atoms) -> float | None:
    """The total charge (e) that a frame tells in its `info`; `None` when it tells none."""
    told = {key.lower(): value for key, value in atoms.info.items()}
    found = told.get("charge", told.get("total_charge"))
    return None if found is None or np.size(found) != 1 else float(found)


def check_geometry(atoms: Atoms, *, where: str = "the molecule") -> None:
    """Refuse a geometry that is broken: no atoms, unknown elements, not numbers, overlaps.

    Args:
        atoms: The frame.
        where: What to call it in the message.

    Raises:
        ValueError: What is broken, in which atoms, and what to do.
    """
    if len(atoms) == 0:
        raise ValueError(f"{where} has no atoms; remove the frame")
    if (atoms.numbers < 1).any():
        raise ValueError(
            f"{where}: atom {int(np.argmax(atoms.numbers < 1))} has no known element; "
            "give element symbols, not atom types"
        )
    finite = np.isfinite(atoms.positions).all(1)
    if not finite.all():
        raise ValueError(
            f"{where}: the position of atom {int(np.argmin(finite))} is not a number; "
            "the run that wrote it probably exploded, remove the frame"
        )
    if atoms.pbc.any() and abs(atoms.cell.volume) < 1e-6 and atoms.pbc.all():
        raise ValueError(f"{where} is periodic without a cell; give a cell or set pbc=False")
    first, second, distance = _closest(atoms)
    if distance < CLOSEST:
        raise ValueError(
            f"{where}: atoms {first} and {second} overlap, {distance:.3f} Å apart; positions must "
            "be in Å (times 10 from nm), and an atom must not stand twice in the file"
        )


def _closest(atoms: Atoms) -> tuple[int, int, float]:
    """The two atoms nearest to each other and their distance (Å), images included."""
    if len(atoms) < 2:
        return 0, 0, np.inf
    if not atoms.pbc.any():
        distance, other = cKDTree(atoms.positions).query(atoms.positions, k=2)
        first = int(distance[:, 1].argmin())
        second = next(int(i) for i in other[first] if i != first)
        return first, second, float(distance[first, 1])
    # one Å, not CLOSEST: the list sorts atoms into bins of that size, and many bins are slow
    first, second, distance = neighbor_list("ijd", atoms, 1.0)
    worst = int(distance.argmin()) if len(distance) else -1
    return (
        (int(first[worst]), int(second[worst]), float(distance[worst]))
        if worst >= 0
        else (0, 0, np.inf)
    )


def _read(path: Path) -> list[Atoms]:
    """All frames of a file, or an error in plain words."""
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}; it is looked for in {Path.cwd()}")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; did the program that wrote it finish?")
    try:
        frames = read(path, ":")
    except UnknownFileTypeError as error:
        raise ValueError(
            f"{path}: ASE does not know this format ({error}); convert it to extxyz, "
            "with the extension .extxyz"
        ) from error
    except (OSError, ValueError, KeyError, IndexError, TypeError, StopIteration) as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}: {error}); "
            "look for a cut-off last frame or unknown element symbols"
        ) from error
    if not frames:
        raise ValueError(f"{path} holds no frames; did the program that wrote it finish?")
    return frames


def _entries(frame: Atoms) -> dict[str, Any]:
    """Everything a file told about a frame, by its key."""
    results = frame.calc.results if frame.calc is not None else {}
    arrays = {k: v for k, v in frame.arrays.items() if k not in ("numbers", "positions")}
    return {**frame.info, **arrays, **results}


def _entry(frame: Atoms, key: str | None) -> Any:
    return _entries(frame)[key] if key else None


def _choose(frames: Sequence[Atoms], what: str, told: str | None, path: Path) -> str:
    """The key of a quantity that every frame has."""
    if told is not None:
        candidates = [told]
    else:
        known = {"energy": ENERGY_KEYS, "forces": FORCE_KEYS, "gradient": GRADIENT_KEYS}[what]
        present = dict.fromkeys(key for frame in frames for key in _entries(frame))
        candidates = [key for key in present if key.lower() in known]
    if not candidates and what == "energy" and "free_energy" in _entries(frames[0]):
        candidates = ["free_energy"]
    counts = {key: sum(key in _entries(frame) for frame in frames) for key in candidates}
    counts = {key: count for key, count in counts.items() if count}
    if not counts:
        keys = ", ".join(sorted(_entries(frames[0]))) or "nothing else"
        asked = f"{what} {told!r}" if told else what
        raise ValueError(
            f"{path.name} has no {asked}; frame 0 has {keys}. "
            f"Name the right key with {what}=…, or label the frames first"
        )
    best = max(counts, key=lambda key: counts[key])
    if counts[best] < len(frames):
        lacking = [i for i, frame in enumerate(frames) if best not in _entries(frame)]
        raise ValueError(
            f"{path.name}: {len(lacking)} of {len(frames)} frames lack {best!r} "
            f"(the first is frame {lacking[0]}); label them or remove them"
        )
    _agree(frames[0], [key for key in counts if counts[key] == len(frames)], what, path)
    return best


def _agree(frame: Atoms, keys: Sequence[str], what: str, path: Path) -> None:
    """Refuse to guess between several labels that differ."""
    values = [np.asarray(_entries(frame)[key], float) for key in keys]
    if any(v.shape != values[0].shape or not np.allclose(v, values[0]) for v in values[1:]):
        raise ValueError(
            f"{path.name} has several {what} that differ: {', '.join(keys)}; "
            f"say which with {what}=…"
        )


def _choose_forces(
    frames: Sequence[Atoms], told: str | None, path: Path
) -> tuple[str | None, float]:
    """Key of the forces and the sign that makes them forces; no key when only atoms are there."""
    if told is not None:
        gradient = told.startswith("-") or told.lower() in GRADIENT_KEYS
        return _choose(frames, "forces", told.removeprefix("-"), path), -1.0 if gradient else 1.0
    keys = {key.lower() for frame in frames for key in _entries(frame)}
    if not keys & set(FORCE_KEYS):
        if keys & set(GRADIENT_KEYS):
            return _choose(frames, "gradient", None, path), -1.0
        if all(len(frame) == 1 for frame in frames):
            return None, 1.0
    return _choose(frames, "forces", None, path), 1.0


def _numbers(frame: Atoms, energy: Any, forces: Any, where: str) -> tuple[float, np.ndarray]:
    """Energy and forces as numbers of the right shape."""
    try:
        energy, forces = float(energy), np.asarray(forces, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: energy or forces are not numbers ({error})") from error
    if forces.shape != (len(frame), 3):
        raise ValueError(
            f"{where}: forces must be {len(frame)} rows of 3, got shape {forces.shape}"
        )
    if not (np.isfinite(energy) and np.isfinite(forces).all()):
        raise ValueError(
            f"{where}: energy or forces are NaN or infinite; the calculation probably did not "
            "converge, label it again or remove it"
        )
    return energy, forces
