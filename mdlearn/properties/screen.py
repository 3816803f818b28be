"""Score a long list of molecules: chunk by chunk, over processes or a cluster, and go on after a kill.

Each chunk of the file becomes a sorted part on disk; the parts are merged at the end. Neither
needs more memory than a chunk, however long the file.
"""

import csv
import heapq
import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem

from mdlearn.files import replacing
from mdlearn.manifest import sha256
from mdlearn.parallel import completed
from mdlearn.properties.model import ENOUGH
from mdlearn.properties.molecules import read
from mdlearn.properties.store import load

COLUMNS = ("rank", "line", "smiles", "name", "score", "low", "high", "distance", "remark")
OPEN = 64  # parts merged at a time


@dataclass(frozen=True)
class Chunk:
    """Some lines of a file, and where their scores go.

    Attributes:
        source: The file of SMILES.
        start: First byte.
        count: Lines.
        line: Number of the first line, from 1.
        model: File of the fitted model.
        part: File to write.
        alpha: Of the intervals, a ratio.
        descending: The highest score is the best.
    """

    source: str
    start: int
    count: int
    line: int
    model: str
    part: str
    alpha: float
    descending: bool


def screen(
    source: Path | str,
    model: Path | str,
    target: Path | str,
    *,
    size: int = 1024,
    alpha: float = 0.1,
    descending: bool = True,
    workers: int = 1,
    client: Any = None,
    report: Callable[[str], None] | None = print,
) -> dict[str, int]:
    """A ranked CSV of all molecules of a file; those that cannot be read stand last, with reasons.

    Started again with the same file and model, it goes on where it was stopped.

    Args:
        source: A SMILES and perhaps a name on each line, or a CSV with the SMILES first; a header
            is recognized by its first word.
        model: File of a fitted model (store.save).
        target: CSV to write; its parts lie in a folder beside it until the end.
        size: Lines in a chunk; more is a little faster and needs more memory.
        alpha: Of the intervals, a ratio.
        descending: Whether the highest score is the best.
        workers: Processes.
        client: A `dask.distributed.Client` instead of processes.
        report: Told about progress.

    Returns:
        Counts of lines scored and not scored.
    """
    source, target = Path(source), Path(target)
    if not source.exists():
        raise FileNotFoundError(f"there is no file {source}")
    folder = target.with_name(f".{target.name}.parts")
    _same_run(folder, {"model": sha256(Path(model)), "bytes": source.stat().st_size, "size": size,
                       "alpha": alpha, "descending": descending})  # fmt: skip
    chunks = [
        Chunk(str(source), start, count, line, str(model), str(folder / f"{k:06d}.csv"), alpha, descending)
        for k, (start, count, line) in enumerate(_lines(source, size))
    ]  # fmt: skip
    if not chunks:
        raise ValueError(f"{source.name} has no molecules")
    left = [chunk for chunk in chunks if not Path(chunk.part).exists()]
    for done, _ in enumerate(completed(score_chunk, left, workers=workers, client=client), 1):
        if report and (done % 10 == 0 or done == len(left)):
            report(f"{len(chunks) - len(left) + done} of {len(chunks)} chunks")
    counts = merge([Path(chunk.part) for chunk in chunks], target, folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return counts


def score_chunk(chunk: Chunk) -> int:
    """Score the lines of a chunk and write them in order of score; how many there were."""
    model = _model(chunk.model)
    with open(chunk.source, "rb") as stream:
        stream.seek(chunk.start)
        lines = [stream.readline().decode("utf-8", "replace").strip() for _ in range(chunk.count)]
    pairs = [_smiles_and_name(line) for line in lines]
    found = read([text for text, _ in pairs], doubt=False)
    values = [*_scored(model, found.mols, chunk.alpha), model.distance(found.mols)]
    scores, low, high, far = found.spread(np.stack(values, axis=1)).T
    remarks = {problem.row: problem.reason for problem in found.problems}
    rows = [
        [chunk.line + k, *pairs[k], _told(scores[k]), _told(low[k]), _told(high[k]), _told(far[k]), remarks.get(k, "")]
        for k in range(len(pairs))
    ]  # fmt: skip
    rows.sort(key=lambda row: _order(row, chunk.descending))
    with replacing(chunk.part) as part, part.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return len(rows)


def merge(parts: list[Path], target: Path, folder: Path) -> dict[str, int]:
    """Sorted parts as one ranked table; few files are open and few lines in memory at any time."""
    descending = json.loads((folder / "run.json").read_text())["descending"]
    level = 0
    while len(parts) > OPEN:
        level, groups = level + 1, [parts[k : k + OPEN] for k in range(0, len(parts), OPEN)]
        parts = []
        for k, group in enumerate(groups):
            parts.append(folder / f"merged-{level}-{k:06d}.csv")
            with (
                replacing(parts[-1]) as part,
                part.open("w", newline="", encoding="utf-8") as stream,
            ):
                csv.writer(stream).writerows(_merged(group, descending))
    scored = failed = 0
    with replacing(target) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for rank, row in enumerate(_merged(parts, descending), 1):
            good = row[3] != ""
            scored, failed = scored + good, failed + (not good)
            writer.writerow([rank if good else "", *row])
    return {"scored": scored, "not scored": failed}


def _merged(parts: list[Path], descending: bool) -> Iterator[list[str]]:
    with ExitStack() as stack:
        files = [stack.enter_context(path.open(newline="", encoding="utf-8")) for path in parts]
        rows = [csv.reader(file) for file in files]
        yield from heapq.merge(*rows, key=lambda row: _order(row, descending))


def _order(row: list, descending: bool) -> tuple[float, int]:
    score = math.inf if row[3] == "" else float(row[3]) * (-1 if descending else 1)
    return score, int(row[0])


def _scored(model: Any, mols: list[Chem.Mol], alpha: float) -> tuple[Any, Any, Any]:
    none = np.full(len(mols), np.nan)
    if model.task == "classification":
        score = model.predict_proba(mols)
        return (score[:, 1] if model.flat_ else score[:, 0]), none, none
    if len(model.scores_[model.interval]) < ENOUGH:
        found = model.predict(mols)
        return (found if found.ndim == 1 else found[:, 0]), none, none
    low, high = model.predict_interval(mols, alpha)
    low, high = (x if x.ndim == 1 else x[:, 0] for x in (low, high))
    return 0.5 * (low + high), low, high


def _told(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


@lru_cache(1)
def _model(path: str) -> Any:
    import torch

    torch.set_num_threads(1)
    model = load(path)
    model.errors = "nan"  # a bad row must not move the others
    return model


def _smiles_and_name(line: str) -> tuple[str, str]:
    """SMILES and the rest of a line, separated by a comma, a tab or blanks."""
    if "," in line:
        cells = next(csv.reader([line]))
        return cells[0].strip(), ",".join(cells[1:]).strip()
    smiles, _, name = line.partition("\t") if "\t" in line else line.partition(" ")
    return smiles.strip(), name.strip()


def _lines(path: Path, size: int) -> Iterator[tuple[int, int, int]]:
    """Start (byte), count of lines and number of the first line of each chunk."""
    with path.open("rb") as stream:
        first = stream.readline()
        head = first.decode("utf-8-sig", "replace").strip().lower()
        titled = _smiles_and_name(head)[0].strip('"') in ("smiles", "canonical_smiles", "smi")
        start, line = (len(first), 2) if titled else (0, 1)
        stream.seek(start)
        count = 0
        while text := stream.readline():
            count += bool(text)
            if count == size:
                yield start, count, line
                start, line, count = stream.tell(), line + count, 0
        if count:
            yield start, count, line


def _same_run(folder: Path, about: dict[str, object]) -> None:
    """Parts of another run are no parts of this one."""
    note = folder / "run.json"
    if note.exists() and json.loads(note.read_text()) != about:
        for path in folder.iterdir():
            path.unlink()
    if not note.exists():
        with replacing(note) as part:
            part.write_text(json.dumps(about))
