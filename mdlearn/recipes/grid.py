"""A grid of runs, each written down when it is done: a killed recipe goes on where it was."""

import json
from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from mdlearn.parallel import completed

Job = TypeVar("Job", bound=Hashable)


def finished(
    jobs: Iterable[Job],
    run: Callable[[Job], dict[str, Any]],
    log: Path,
    *,
    workers: int = 1,
    report: Callable[[str], None] | None = print,
) -> list[dict[str, Any]]:
    """What every job gave, in order; only what the log does not hold is done.

    Args:
        jobs: Frozen dataclasses, all of one class.
        run: Does a job; its answer holds the job's fields and what came out.
        log: JSON, one answer a line.
        workers: Processes.
        report: Told each new answer.
    """
    jobs = list(jobs)
    known = read(log, type(jobs[0]))
    missing = [job for job in jobs if job not in known]
    log.parent.mkdir(parents=True, exist_ok=True)
    for number, row in completed(run, missing, workers=workers):
        line = json.dumps(row, ensure_ascii=False)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")  # apart from a line that a kill cut off
        known[missing[number]] = row
        if report:
            report(line)
    return [known[job] for job in jobs]


def read(log: Path, kind: type[Job]) -> dict[Job, dict[str, Any]]:
    """Runs written down so far; a line that a kill cut off is done again."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    names = [field.name for field in fields(kind)]
    return {kind(**{name: _frozen(row[name]) for name in names}): row for row in rows}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
