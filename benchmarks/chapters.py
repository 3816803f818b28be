"""What each chapter costs on one core: CPU seconds and peak memory, against the budget of Binder.

    make notebooks readme

The tests run and measure the chapters (`notebooks/measured.json`); this writes their last run as rows.
"""

import argparse
import json
from pathlib import Path

from benchmarks.common import RESULTS, ROOT, row, table, write
from tests.notebooks.runner import MAX_CPU, MAX_MEMORY


def main() -> None:
    """Two rows a chapter, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--models", help="accepted for the smoke test; there is no rival here")
    options = parser.parse_args()
    measured = json.loads((ROOT / "notebooks/measured.json").read_text(encoding="utf-8"))
    rows = []
    for name, run in measured.items():
        chapter, day = Path(name).stem, {"measured on": run["date"]}
        rows.append(
            row(f"{chapter}, time", run["cpu_seconds"], None, unit="CPU s", bar=MAX_CPU, **day)
        )
        rows.append(
            row(f"{chapter}, peak memory", run["peak_mb"], None, unit="MB", bar=MAX_MEMORY, **day)
        )
    whole = sum(run["cpu_seconds"] for run in measured.values())
    rows.append(row("all chapters, time", round(whole, 1), None, unit="CPU s", bar=30 * 60))
    print(table(rows))
    write("chapters", rows, {}, options.results)


if __name__ == "__main__":
    main()
