"""What the benchmarks share: workers in environments of their own, and the table of what was measured."""

import json
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from mdlearn.files import replacing
from mdlearn.manifest import hardware, versions

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
RIVALS = ROOT / "build" / "rivals"  # where rivals/install.py puts their environments


class Worker:
    """A process that holds one model, in the environment that its package needs, on one thread.

    It takes a line of JSON and answers with one (`rivals/worker.py`). Use it in a `with` block.
    """

    def __init__(
        self, model: str, rivals: Path, *, module: str = "benchmarks.rivals.worker"
    ) -> None:
        self.model = model
        python = Path(sys.executable) if model == "ours" else rivals / model / "bin" / "python"
        if not python.exists():
            raise FileNotFoundError(
                f"{python} is missing; run `python -m benchmarks.rivals.install --folder {rivals}`, "
                "or leave the rivals out with --models ours"
            )
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        calm = [] if model == "ours" else ["-W", "ignore"]  # theirs to mend, a hundred a start
        self.process = subprocess.Popen(
            [python, *calm, "-m", module, model],
            cwd=ROOT,
            env=os.environ | threads | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, task: str, **details: Any) -> dict[str, Any]:
        """The answer to a request; details must be JSON."""
        self.process.stdin.write(json.dumps({"task": task} | details) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the worker of {self.model} ended with {self.process.wait()} during {task!r}; "
                "its message stands above"
            )
        return json.loads(line)


def stored(log: Path) -> list[dict[str, Any]]:
    """The runs in a file of JSON lines; a last line cut off by a kill does not count."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return [json.loads(line) for line in lines]


def append(log: Path, run: Mapping[str, Any]) -> None:
    """One run more; the rest of a line that a kill cut off is removed first."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a+b") as stream:
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
        stream.write(json.dumps(run, ensure_ascii=False).encode() + b"\n")


def mean(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean and its standard error; the error of one value is not known."""
    n, middle = len(values), sum(values) / len(values)
    if n < 2:
        return middle, None
    return middle, math.sqrt(sum((value - middle) ** 2 for value in values) / (n - 1) / n)


def row(
    what: str,
    ours: float,
    rival: float | None,
    *,
    unit: str,
    bar: float | None = None,
    speed: bool = False,
    **more: object,
) -> dict[str, object]:
    """One line of the results.

    Args:
        what: What was measured, under which conditions, against whom.
        ours: Our number.
        rival: The rival's, when there is one.
        unit: Of both.
        bar: What was hoped for: of the ratio, or of our number without a rival.
        speed: Both are costs and the ratio is a speed-up, rival / ours, at least the bar;
            otherwise the ratio is ours / rival, at most the bar.
        more: Errors, counts and settings.
    """
    ratio = None if rival is None else (rival / ours if speed else ours / rival)
    judged = ours if ratio is None else ratio
    holds = None if bar is None else bool(judged >= bar if speed else judged <= bar)
    sense = "at least" if speed else "at most"
    return {
        "what": what, "ours": ours, "rival": rival, "ratio": ratio, "bar": bar,
        "sense": sense, "unit": unit, "holds": holds,
    } | more  # fmt: skip


def write(
    script: str, rows: Sequence[Mapping[str, object]], packages: Mapping[str, str], folder: Path
) -> Path:
    """Put rows into `<folder>/<script>.json`; rows of earlier calls stay until measured anew."""
    path, today = folder / f"{script}.json", date.today().isoformat()
    told = shlex.join(["python", "-m", f"benchmarks.{script}", *_without_places(sys.argv[1:])])
    earlier = json.loads(path.read_text())["rows"] if path.exists() else []
    measured = {str(entry["what"]): {**entry, "command": told, "date": today} for entry in rows}
    kept = {entry["what"]: entry for entry in earlier}
    result = {
        "machine": hardware(),
        "date": today,
        "versions": versions() | dict(packages),
        "command": told,
        "rows": list((kept | measured).values()),
    }
    with replacing(path) as part:
        part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return path


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as text for a terminal."""
    lines = [f"{'ours':>16} {'rival':>16} {'ratio':>7} {'bar':>9}  holds  what"]
    for entry in rows:
        ours = _number(entry["ours"], entry.get("ours_error"))
        rival = _number(entry["rival"], entry.get("rival_error"))
        bar = "" if entry["bar"] is None else f"{'≥' if entry['sense'] == 'at least' else '≤'} "
        bar += _number(entry["bar"])
        verdict = {True: "yes", False: "NO", None: ""}[entry["holds"]]
        lines.append(
            f"{ours:>16} {rival:>16} {_number(entry['ratio']):>7} {bar:>9}  {verdict:5}  "
            f"{entry['what']} ({entry['unit']})"
        )
    return "\n".join(lines)


def _number(value: float | None, error: float | None = None) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if error is None else f"{value:.3g} ± {error:.2g}"


def _without_places(words: Sequence[str]) -> list[str]:
    """A command line without the folders of one machine."""
    kept, skip = [], False
    for word in words:
        skip, place = False, skip or "/" in word
        if word in ("--rivals", "--log", "--results"):
            skip = True
        elif not place:
            kept.append(word)
    return kept
