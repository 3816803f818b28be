"""From sampled geometries to a labelled set that ships: an npz file and a card that says how."""

import argparse
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write

from mdlearn.files import replacing
from mdlearn.parallel import completed
from mdlearn.potentials.labels import DFT, GFN2, Label, Method, key, label, read_log
from mdlearn.recipes.unlabelled import ENDINGS, order, set_aside, take_up

SHIPPED = Path(__file__).parents[1] / "data" / "files"
DEAR, CHEAP = DFT(), GFN2(accuracy=0.01)
CHECKED = 5  # frames that are also calculated finer, to measure the noise


Trajectory = Callable[[], list[Atoms]]  # picklable: runs one trajectory, gives its frames


def main(
    name: str,
    trajectories: Callable[[], Sequence[Trajectory]],
    methods: Sequence[Method],
    arguments: Sequence[str] | None = None,
) -> None:
    """Sample, label with every method, write the set: the whole of a recipe, resumable.

    With an empty work folder it goes on from the set that ships and the geometries left beside it;
    delete those to begin anew.

    Args:
        name: Of the set.
        trajectories: What to run for the geometries; each is kept when it ends.
        methods: The first gives `energies` and `forces`, a second `energies_xtb`.
        arguments: Of the command line.
    """
    options = _options(name, arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    logs = {options.work / f"{method.name.replace('/', '_')}.jsonl": method for method in methods}
    path, left = options.work / "frames.xyz", options.out / f"{name}_left.json"
    take_up(path, options.out / f"{name}.npz", left, logs, finer)
    frames = geometries(path, trajectories, workers=options.workers)
    if not options.finished:
        for log, method in reversed(logs.items()):  # the cheap one first: a kill leaves a whole set
            label(frames[:CHECKED], finer(method), log, workers=options.workers)
            label(frames, method, log, workers=options.workers)
    known = {name: one for log in logs for name, one in read_log(log).items()}
    rows = [[known.get(key(frame, method)) for method in methods] for frame in frames]
    whole = [i for i, row in enumerate(rows) if all(one and not one.failure for one in row)]
    failed = [i for i, row in enumerate(rows) if any(one and one.failure for one in row)]
    others = sorted(set(range(len(frames))) - {*whole, *failed})
    if not whole:
        raise SystemExit(f"no frame has all labels yet; run without --finished, see {options.work}")
    done = [frames[i] for i in whole]
    noise = {method.name: noise_of(done, known, method) for method in methods}
    notes = {
        "left out because the calculation failed": len(failed),
        "sampled and not yet labelled": len(others),
        "noise against a finer calculation": noise,
    }
    ship(options.out / name, done, [rows[i] for i in whole], methods, notes)
    set_aside(left, [frames[i] for i in others], done, known, [finer(method) for method in methods])


def _options(name: str, arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Make the labelled set {name}.")
    parser.add_argument("--work", type=Path, default=Path("runs/recipes") / name)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument(
        "--finished", action="store_true", help="write what is labelled so far, label nothing"
    )
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of the set")
    return parser.parse_args(arguments)


def geometries(
    path: Path, trajectories: Callable[[], Sequence[Trajectory]], *, workers: int = 1
) -> list[Atoms]:
    """Sampled frames in a fixed random order, so that the first labels are a fair sample.

    A trajectory that has ended is not run again after a kill.
    """
    if not path.exists():
        jobs, folder = trajectories(), path.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        parts = [folder / f"{number:03d}.xyz" for number in range(len(jobs))]
        left = [number for number, part in enumerate(parts) if not part.exists()]
        for done, frames in completed(_run, [jobs[number] for number in left], workers=workers):
            with replacing(parts[left[done]]) as part:
                write(part, frames, format="extxyz")
        with replacing(path) as whole:
            write(whole, [frame for part in parts for frame in _read(part)], format="extxyz")
    frames = _read(path)
    return [frames[i] for i in order(len(frames))]


def _run(trajectory: Trajectory) -> list[Atoms]:
    return trajectory()


def _read(path: Path) -> list[Atoms]:
    frames = read(path, ":", format="extxyz")
    for frame in frames:
        frame.pbc = False
    return frames


def finer(method: Method) -> Method:
    """The same method on a much denser grid, or with tighter charges: what noise is measured against."""
    if isinstance(method, DFT):
        return replace(method, grid=method.grid + 3, tolerance=method.tolerance / 10)
    return replace(method, accuracy=method.accuracy / 100)


def noise_of(
    frames: Sequence[Atoms], labelled: Mapping[str, Label], method: Method
) -> dict[str, float]:
    """Rms difference to the finer calculation of the frames that have both."""
    pairs = [(labelled.get(key(f, method)), labelled.get(key(f, finer(method)))) for f in frames]
    both = [(a, b) for a, b in pairs if a and b and not a.failure and not b.failure]
    if not both:
        return {"frames": 0}
    forces = np.stack([a.forces - b.forces for a, b in both])
    energies = np.array([a.energy - b.energy for a, b in both])
    return {
        "frames": len(both),
        "forces (meV/Å)": float(f"{1e3 * np.sqrt((forces**2).mean()):.3g}"),
        "energies, about their mean (meV)": float(f"{1e3 * energies.std():.3g}"),
    }


def ship(
    path: Path,
    frames: Sequence[Atoms],
    labels: Sequence[Sequence[Label]],
    methods: Sequence[Method],
    notes: Mapping[str, object],
) -> None:
    """Write the arrays and the card, beside each other; `notes` end the card."""
    arrays = {
        "numbers": frames[0].numbers,
        "positions": np.stack([frame.positions for frame in frames]),
    }
    for column, ending in enumerate(ENDINGS[: len(methods)]):
        own = [row[column] for row in labels]
        arrays["energies" + ending] = np.array([one.energy for one in own])
        arrays["forces" + ending] = np.stack([one.forces for one in own]).astype(np.float32)
        arrays["seconds" + ending] = np.array([one.seconds for one in own], np.float32)
    for column in frames[0].info:
        arrays[column] = np.array([frame.info[column] for frame in frames])
    with replacing(path.with_suffix(".npz")) as part, part.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    card = describe(path.name, arrays, methods) | notes
    with replacing(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(card, indent=2) + "\n")


def describe(
    name: str, arrays: dict[str, np.ndarray], methods: Sequence[Method]
) -> dict[str, object]:
    """The card: how the set was made, what it cost, how warm it was, how noisy it is."""
    total = arrays["forces"].astype(float).sum(1) * 1e3  # (frames, 3), meV/Å
    split, bath = arrays["split"], arrays["temperature"]
    warm = {
        f"{kind} {kelvin:.0f} K": round(float(arrays["kinetic_temperature"][mine].mean()), 1)
        for kind in np.unique(split)
        for kelvin in np.unique(bath)
        if (mine := (split == kind) & (bath == kelvin)).any()
    }
    return {
        "name": name,
        "frames": {str(kind): int((split == kind).sum()) for kind in np.unique(split)},
        "labels": [repr(method) for method in methods],
        "geometries": "Langevin dynamics with GFN2-xTB, see the recipe",
        "kinetic temperature after equilibration (K)": warm,
        "mean CPU seconds a label, one thread": {
            method.name: round(float(arrays["seconds" + ending].mean()), 4)
            for method, ending in zip(methods, ENDINGS, strict=False)
        },
        "sum of forces over a molecule, rms (meV/Å)": round(float(np.sqrt((total**2).mean())), 4),
        "recipe": f"python -m mdlearn.recipes.{name}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread a label",
    }
