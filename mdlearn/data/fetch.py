"""Get a data set by name: `fetch` brings the file, `load` brings frames in eV and Å.

What ships with the package needs no network; the rest is downloaded once and cached. The road
goes on with splits.py (train, valid, test) and audit.py (is the set sound?).
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mdlearn.data.catalog import SHIPPED, DataFile, DataSet, catalog, find, matches, pin
from mdlearn.data.download import Patience, download
from mdlearn.data.read import read_frames
from mdlearn.units import hartree, kcal_per_mol, kJ_per_mol

ENERGY_UNITS = {"eV": 1.0, "kcal/mol": kcal_per_mol, "kJ/mol": kJ_per_mol, "hartree": hartree}


def cache_folder() -> Path:
    """Where downloads are kept: `MDLEARN_CACHE`, or the platform's cache folder."""
    if told := os.environ.get("MDLEARN_CACHE"):
        return Path(told).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mdlearn"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "mdlearn" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mdlearn"


def fetch(
    name: str,
    *,
    part: str | None = None,
    patience: Patience | None = None,
    report: Callable[[str], None] | None = print,
) -> Path:
    """The file of a data set, its checksum verified: shipped, found, cached or downloaded.

    Looks into the folder that the environment variable `MDLEARN_DATA` names, then into the cache
    (`MDLEARN_CACHE`), then at the addresses in the catalog.

    Args:
        name: Of the data set.
        part: Which file, when the set has several.
        patience: When to give up on a server.
        report: Told about progress.

    Raises:
        ValueError: Unknown name or part, or a file with a wrong checksum.
        FileNotFoundError: A shipped file is missing.
        ConnectionError: No network and no copy; the message says how to go on by hand.
    """
    file = find(name).file(part)
    if not file.url:
        return _shipped(file)
    if (found := _in_data_folder(file, report)) is not None:
        return found
    target = cache_folder() / name / file.file
    if target.exists():
        if matches(target, file.checksum):
            return target
        aside = target.with_name(target.name + ".rejected")
        os.replace(target, aside)
        if report:
            report(f"{target} was damaged; moved to {aside.name}, downloading again")
    return download(file, target, patience=patience, report=report)


def _shipped(file: DataFile) -> Path:
    path = SHIPPED / file.file
    if not path.exists():
        raise FileNotFoundError(
            f"{path} is missing: it ships with the package, so install mdlearn again, "
            "or make it with its recipe in mdlearn/recipes"
        )
    if not matches(path, file.checksum):
        raise ValueError(
            f"{path} is not the file that the catalog knows: install mdlearn again, "
            "or, if you made it anew, run python -m mdlearn.data.fetch --hash"
        )
    return path


def _in_data_folder(file: DataFile, report: Callable[[str], None] | None) -> Path | None:
    """A good copy in the folder `MDLEARN_DATA`, at any depth."""
    told = os.environ.get("MDLEARN_DATA")
    if not told:
        return None
    folder = Path(told).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"MDLEARN_DATA names {folder}, which is no folder; create or unset it"
        )
    for path in sorted(folder.rglob(file.file)):
        if matches(path, file.checksum):
            return path
        if report:
            report(f"{path} has another checksum than the catalog's {file.file}; not used")
    return None


def load(
    name: str,
    *,
    part: str | None = None,
    method: str | None = None,
    frames: Sequence[int] | np.ndarray | None = None,
    report: Callable[[str], None] | None = print,
) -> list[Atoms]:
    """The labeled frames of a data set, energies in eV and forces in eV/Å.

    Each frame carries its labels as a calculator, and whatever else the set tells about it
    (temperature, trajectory, cost) in `info`.

    Args:
        name: Of the data set.
        part: Which file, when the set has several.
        method: Whose labels: `"dft"` or `"xtb"`; the set's main ones when not told.
        frames: Numbers of the frames wanted, all when not told.
        report: Told about a download.

    Raises:
        ValueError: No such set, part, method or frame, or a file that is not what it should be.
    """
    entry = find(name)
    if entry.format == "table":
        raise ValueError(f"{name} is a table of molecules; read it with mdlearn.data.tables")
    if method is not None and method not in entry.labels:
        raise ValueError(f"{name} has labels of {' and '.join(entry.labels)}, not of {method!r}")
    if entry.format == "protein":
        raise ValueError(
            f"{name} holds proteins, no labeled frames; read it with mdlearn.structure"
        )
    path = fetch(name, part=part, report=report)
    if entry.format == "extxyz":
        everything = read_frames(path, report=None)
        return everything if frames is None else [everything[i] for i in frames]
    suffix = "" if method in (None, entry.labels[0]) else f"_{method}"
    return _from_arrays(path, entry, suffix, frames)


def _from_arrays(
    path: Path, entry: DataSet, suffix: str, frames: Sequence[int] | np.ndarray | None
) -> list[Atoms]:
    """Frames of an npz file, ours or rMD17's."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    needed = ["energies" + suffix, "forces" + suffix]
    needed += ["nuclear_charges", "coords"] if entry.format == "rmd17" else ["numbers", "positions"]
    if missing := [key for key in needed if key not in arrays]:
        raise ValueError(f"{path} has no {', '.join(missing)}, only {', '.join(arrays)}")
    if entry.format == "rmd17":
        renamed = {
            "nuclear_charges": "numbers",
            "coords": "positions",
            "energies": "energies",
            "forces": "forces",
            "old_indices": "old_index",
        }
        arrays = {ours: arrays[theirs] for theirs, ours in renamed.items() if theirs in arrays}
    other = {f"{key}_{m}" for key in ("energies", "forces", "seconds") for m in entry.labels}
    if suffix:
        arrays.pop("seconds", None)
        kept = [key for key in ("energies", "forces", "seconds") if key + suffix in arrays]
        arrays |= {key: arrays[key + suffix] for key in kept}
    arrays = {key: values for key, values in arrays.items() if key not in other}
    numbers, positions = arrays.pop("numbers"), arrays.pop("positions")
    wrong = [key for key, values in arrays.items() if values.shape[:1] != positions.shape[:1]]
    if wrong:
        raise ValueError(f"{path}: {', '.join(wrong)} must have one entry per frame")
    scale = ENERGY_UNITS[entry.units["energy"]]
    energies, forces = arrays.pop("energies") * scale, arrays.pop("forces") * scale
    chosen = []
    for i in range(len(positions)) if frames is None else frames:
        atoms = Atoms(numbers, positions[i])
        atoms.info = {key: _plain(values[i]) for key, values in arrays.items()}
        atoms.calc = SinglePointCalculator(atoms, energy=float(energies[i]), forces=forces[i])
        chosen.append(atoms)
    return chosen


def _plain(value: np.ndarray | np.generic) -> object:
    """A Python number or string where there is one value, so that files take it."""
    return value.item() if np.ndim(value) == 0 else value


def main(arguments: Sequence[str] | None = None, report: Callable[[str], None] = print) -> None:
    """List the catalog, fetch sets by name, or write the checksums of shipped files."""
    parser = argparse.ArgumentParser(prog="python -m mdlearn.data.fetch", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="data sets to fetch, all parts of each")
    parser.add_argument(
        "--hash", action="store_true", help="write size and sha256 of shipped files"
    )
    told = parser.parse_args(arguments)
    if told.hash:
        report(f"changed: {', '.join(pin()) or 'nothing'}")
    for name in told.names:
        for file in find(name).files:
            report(str(fetch(name, part=file.part, report=report)))
    if not (told.hash or told.names):
        for entry in catalog().values():
            report(f"{entry.name:20} {entry.title}")


if __name__ == "__main__":
    main()
