"""From sampled geometries to a labelled set that ships: an npz file and a card that says how."""

import argparse
import json
import platform
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write

from mdlearn.files import replacing
from mdlearn.potentials.labels import DFT, GFN2, Label, Method, key, label, read_log

SHIPPED = Path(__file__).parents[1] / "data" / "files"
DEAR, CHEAP = DFT(), GFN2(accuracy=0.01)


def main(name: str, sample: Callable[[], list[Atoms]], methods: Sequence[Method]) -> None:
    """Sample, label with every method, write the set: the whole of a recipe, resumable.

    Args:
        name: Of the set.
        sample: Makes the geometries.
        methods: The first gives `energies` and `forces`, a second `energies_xtb` and so on.
    """
    parser = argparse.ArgumentParser(description=f"Make the labelled set {name}.")
    parser.add_argument("--work", type=Path, default=Path("runs/recipes") / name)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument(
        "--finished", action="store_true", help="write what is labelled so far, label nothing"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    frames = geometries(options.work / "frames.xyz", sample)
    logs = [options.work / f"{method.name.replace('/', '_')}.jsonl" for method in methods]
    if not options.finished:
        for method, log in zip(methods, logs, strict=True):
            label(frames, method, log, workers=options.workers)
    known = [read_log(log) for log in logs]
    labels = [
        [labelled.get(key(frame, method)) for labelled, method in zip(known, methods, strict=True)]
        for frame in frames
    ]
    whole = [i for i, row in enumerate(labels) if all(one and not one.failure for one in row)]
    failed = [i for i, row in enumerate(labels) if any(one and one.failure for one in row)]
    frames, labels = [frames[i] for i in whole], [labels[i] for i in whole]
    ship(name, frames, labels, methods, failed=len(failed))


def geometries(path: Path, sample: Callable[[], list[Atoms]]) -> list[Atoms]:
    """Sampled frames in a fixed random order, so that the first labels are a fair sample."""
    if not path.exists():
        with replacing(path) as part:
            write(part, sample(), format="extxyz")
    frames = read(path, ":", format="extxyz")
    for frame in frames:
        frame.pbc = False
    order = np.random.default_rng(0).permutation(len(frames))
    return [frames[i] for i in order]


def ship(
    name: str,
    frames: Sequence[Atoms],
    labels: Sequence[Sequence[Label]],
    methods: Sequence[Method],
    *,
    failed: int,
) -> None:
    """Write the arrays and the card."""
    arrays = {
        "numbers": frames[0].numbers,
        "positions": np.stack([frame.positions for frame in frames]),
    }
    for column, ending in enumerate(["", "_xtb"][: len(methods)]):
        own = [row[column] for row in labels]
        arrays["energies" + ending] = np.array([one.energy for one in own])
        arrays["forces" + ending] = np.stack([one.forces for one in own])
        arrays["seconds" + ending] = np.array([one.seconds for one in own], np.float32)
    for column in frames[0].info:
        arrays[column] = np.array([frame.info[column] for frame in frames])
    with replacing(SHIPPED / f"{name}.npz") as part, part.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    with replacing(SHIPPED / f"{name}.json") as part:
        part.write_text(json.dumps(describe(name, arrays, methods, failed), indent=2) + "\n")


def describe(
    name: str, arrays: dict[str, np.ndarray], methods: Sequence[Method], failed: int
) -> dict[str, object]:
    """The card: how the set was made, what it cost, how warm it was, how noisy it is."""
    total = arrays["forces"].sum(1) * 1e3  # (frames, 3), meV/Å
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
            for method, ending in zip(methods, ["", "_xtb"], strict=False)
        },
        "left out because the calculation failed": failed,
        "sum of forces over a molecule, rms (meV/Å)": round(float(np.sqrt((total**2).mean())), 4),
        "recipe": f"python -m mdlearn.recipes.{name}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread a label",
    }
