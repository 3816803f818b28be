"""A labelled set may ship before all its geometries have labels; what is left ships beside it.

A later checkout takes both up as if the work had never stopped: no geometry is sampled again, none
is labelled twice.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from mdlearn.files import replacing
from mdlearn.potentials.labels import Label, Method, key

Finer = Callable[[Method], Method]  # the method that noise is measured against
ENDINGS = ("", "_xtb")  # of the arrays of the first method and of the second


def order(count: int) -> np.ndarray:
    """The fixed random order in which geometries are labelled: the first labels are a fair sample."""
    return np.random.default_rng(0).permutation(count)


def set_aside(
    path: Path,
    left: Sequence[Atoms],
    frames: Sequence[Atoms],
    known: Mapping[str, Label],
    finer: Sequence[Method],
) -> None:
    """Write the geometries without labels, and the finer calculations of those that have them.

    With none left, the file is taken away: the set is whole.

    Args:
        path: What to write.
        left: Geometries without labels, in the order in which they will be labelled.
        frames: Those of the set.
        known: All labels there are, by key.
        finer: The methods that noise was measured against.
    """
    if not left:
        path.unlink(missing_ok=True)
        return
    checks = {
        key(frame, method): _record(known[key(frame, method)])
        for frame in frames
        for method in finer
        if key(frame, method) in known
    }
    geometries = [
        {
            "positions": frame.positions.tolist(),
            "info": {k: _plain(v) for k, v in frame.info.items()},
        }
        for frame in left
    ]
    content = {"what": __doc__.splitlines()[0], "geometries": geometries, "checks": checks}
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")


def take_up(
    work: Path,
    shipped: Path,
    left: Path,
    methods: Mapping[Path, Method],
    finer: Finer,
) -> None:
    """Put what ships back into an empty work folder: geometries in their order, labels in their logs.

    Args:
        work: File of the geometries; nothing happens when it is there.
        shipped: The labelled set.
        left: What `set_aside` wrote; nothing happens when it is missing.
        methods: Log of each method, in the order of the arrays.
        finer: Gives the method that noise was measured against.
    """
    if work.exists() or not left.exists() or not shipped.exists():
        return
    content = json.loads(left.read_text(encoding="utf-8"))
    with np.load(shipped, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    columns = list(content["geometries"][0]["info"])
    frames = [
        Atoms(arrays["numbers"], places, info={c: arrays[c][i].item() for c in columns})
        for i, places in enumerate(arrays["positions"])
    ]
    for (log, method), ending in zip(methods.items(), ENDINGS, strict=False):
        keys = [key(frame, finer(method)) for frame in frames]
        checks = {name: content["checks"][name] for name in keys if name in content["checks"]}
        _append(log, _records(frames, method, arrays, ending) | checks)
    frames += [
        Atoms(arrays["numbers"], one["positions"], info=one["info"])
        for one in content["geometries"]
    ]
    back = np.argsort(order(len(frames)))
    with replacing(work) as part:
        write(part, [frames[i] for i in back], format="extxyz")


def _records(
    frames: Sequence[Atoms], method: Method, arrays: Mapping[str, np.ndarray], ending: str
) -> dict[str, dict[str, object]]:
    """What the log of a method said of the frames that ship."""
    columns = (arrays[column + ending] for column in ("energies", "forces", "seconds"))
    return {
        key(frame, method): _record(Label(float(energy), forces, float(seconds)))
        for frame, energy, forces, seconds in zip(frames, *columns, strict=True)
    }


def _plain(value: object) -> object:
    """A Python number in place of NumPy's, so that JSON takes it."""
    return value.item() if isinstance(value, np.generic) else value


def _record(label: Label) -> dict[str, object]:
    return asdict(label) | {"forces": np.asarray(label.forces, float).tolist()}


def _append(log: Path, records: Mapping[str, Mapping[str, object]]) -> None:
    """Lines as `label` writes them."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        for name, record in records.items():
            stream.write(json.dumps(record | {"key": name}) + "\n")
