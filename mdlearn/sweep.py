"""Run a template once for every combination of some parameters, on as many processes as you have."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from mdlearn.files import replacing
from mdlearn.manifest import sha256
from mdlearn.parallel import completed
from mdlearn.templates import check, find, read_parameters, run

MAX_RUNS = 1000  # more are a slip of the pen


@dataclass(frozen=True)
class Outcome:
    """One run of a sweep.

    Attributes:
        values: The parameters that vary.
        folder: Where its results are; none if it failed.
        error: Why it failed.
    """

    values: dict[str, Any]
    folder: Path | None
    error: str = ""


def combinations(
    template: str | Path,
    parameters: Mapping[str, object] | None,
    varied: Mapping[str, str | Sequence[object]],
) -> list[dict[str, Any]]:
    """The varied parameters of each run, every one checked; nothing starts.

    Args:
        template: Name or path of a template.
        parameters: The same in every run.
        varied: Name → its values, as a sequence or as a text with commas.

    Raises:
        ValueError: A name or a value is wrong, a list is varied, or the runs are too many.
    """
    source, parameters = find(template), dict(parameters or {})
    check(source, parameters)
    known, choices = read_parameters(source), {}
    for name, values in varied.items():
        if name in parameters:
            raise ValueError(f"{name} is given twice: once for all runs, and once to vary")
        if name in known and known[name].type.startswith("list["):
            raise ValueError(f"{name} is a list, and a sweep varies single values")
        values = values.split(",") if isinstance(values, str) else list(values)
        choices[name] = [check(source, {name: value})[name] for value in values]
        if len(set(map(repr, choices[name]))) < len(choices[name]):
            raise ValueError(f"{name} has a value twice: {', '.join(map(str, values))}")
    rows = [dict(zip(choices, row, strict=True)) for row in product(*choices.values())]
    if len(rows) > MAX_RUNS:
        raise ValueError(f"{len(rows):,} runs are asked for, {MAX_RUNS:,} at most; sweep in parts")
    return rows


def sweep(
    template: str | Path,
    parameters: Mapping[str, object] | None = None,
    varied: Mapping[str, str | Sequence[object]] | None = None,
    out: str | Path = "runs",
    *,
    workers: int = 1,
    client: Any = None,
    report: Callable[[str], None] | None = print,
) -> list[Outcome]:
    """Run every combination; one that fails costs only itself, one that is finished costs nothing.

    Writes `sweep-HASH.csv` beside the folders of the runs: the parameters that vary, the numbers of
    each run's `metrics.json`, its folder, its error.

    Args:
        template: Name or path of a template.
        parameters: The same in every run.
        varied: Name → its values.
        out: Where the folders are made.
        workers: Local processes side by side.
        client: A `dask.distributed.Client` to use instead.
        report: Is told what happens.

    Returns:
        One outcome per combination, in their order.
    """
    rows = combinations(template, parameters, varied or {})
    source, parameters = find(template), parameters or {}
    fixed = {
        name: check(source, parameters)[name] for name in parameters
    }  # files by their full path
    out, say = Path(out).resolve(), report or (lambda text: None)
    outcomes: list[Outcome | None] = [None] * len(rows)
    one = partial(_one, source, fixed, out)
    for done, (place, outcome) in enumerate(completed(one, rows, workers=workers, client=client)):
        outcomes[place] = outcome
        say(f"{done + 1} of {len(rows)}: {_words(rows[place])}: {outcome.error or outcome.folder}")
    key = sha256(json.dumps([source.stem, fixed, rows], sort_keys=True, default=str))
    table = out / f"sweep-{key[:12]}.csv"
    _write(table, [outcome for outcome in outcomes if outcome is not None])
    say(f"all runs: {table}")
    return outcomes


def numbers(folder: Path) -> dict[str, float]:
    """Every number of a run's `metrics.json`, nested names joined by a dot."""
    path = folder / "metrics.json"
    return _flat(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _one(source: Path, fixed: dict[str, Any], out: Path, values: dict[str, Any]) -> Outcome:
    try:
        return Outcome(values, run(source, fixed | values, out, report=None))
    except RuntimeError as error:  # a cell failed: the other runs go on
        return Outcome(values, None, str(error))


def _write(table: Path, outcomes: Sequence[Outcome]) -> None:
    rows = []
    for outcome in outcomes:
        found = numbers(outcome.folder) if outcome.folder else {}
        folder = outcome.folder.name if outcome.folder else ""
        rows.append(outcome.values | found | {"folder": folder, "error": outcome.error})
    names = list(dict.fromkeys(name for row in rows for name in row))
    names.sort(key=lambda name: name in ("folder", "error"))  # these come last
    with replacing(table) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def _flat(tree: Mapping[str, Any], stem: str = "") -> dict[str, float]:
    found = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{stem}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[stem + name] = value
    return found


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items()) or "one run"
