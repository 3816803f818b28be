"""Write what the chapters measured into the table of README.md.

    python tests/notebooks/readme.py [--measured build/chapters]

With `--measured`, the runs in that folder first go to `notebooks/measured.json`, which is committed.
"""

import argparse
import json
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]
START, END = "<!-- chapters: written by `make readme` -->", "<!-- /chapters -->"
TOLD = Path(__file__).parent / "told.toml"
HEADER = "| chapter | minutes | memory | measured |\n|---|---|---|---|\n"


def merged(old: dict, folder: Path, root: Path = ROOT) -> dict:
    """The committed measurements with those of a folder of runs; chapters that are gone go."""
    new = {run["notebook"]: run for path in folder.glob("*.json") for run in [_read(path)]}
    for run in new.values():
        run["date"] = date.today().isoformat()
    runs = old | new
    return {name: runs[name] for name in sorted(runs) if (root / name).is_file()}


def table(measured: dict, root: Path = ROOT) -> str:
    """Rows of README: chapter, minutes on one core, peak memory, and the claims that tell most."""
    rows = []
    for name, run in measured.items():
        told = "; ".join(_claim(claim) for claim in telling(Path(name).stem, run["claims"]))
        minutes, memory = run["cpu_seconds"] / 60, run["peak_mb"]
        rows.append(
            f"| [{title(root / name)}]({name}) | {minutes:.1f} | {memory:.0f} MB | {told} |\n"
        )
    return HEADER + "".join(rows)


def telling(chapter: str, claims: list[dict]) -> list[dict]:
    """The claims that `told.toml` names; without a word there, the first two beside a baseline.

    Raises:
        ValueError: A name that the chapter no longer claims.
    """
    wanted = tomllib.loads(TOLD.read_text(encoding="utf-8")).get(chapter)
    if wanted is None:
        return sorted(claims, key=lambda claim: claim["baseline"] is None)[:2]
    found = {claim["name"]: claim for claim in claims}
    if lost := [name for name in wanted if name not in found]:
        raise ValueError(f"{chapter} no longer claims {lost[0]!r}; mend {TOLD.name}")
    return [found[name] for name in wanted]


def title(notebook: Path) -> str:
    """The first heading of a notebook."""
    for cell in _read(notebook)["cells"]:
        for line in "".join(cell["source"]).splitlines():
            if line.startswith("# ") and cell["cell_type"] == "markdown":
                return line.removeprefix("# ").strip()
    raise ValueError(f"{notebook.name} has no title")


def updated(readme: str, rows: str) -> str:
    """README with the table between its marks replaced."""
    before, mark, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"README.md has lost its marks {START} and {END}")
    return f"{before}{START}\n{rows}{END}{after}"


def _claim(claim: dict) -> str:
    def number(value: float) -> str:
        text = f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        return f"{text} {claim['unit']}".strip()

    told = f"{claim['name']}: {number(claim['value'])}"
    if claim["baseline"] is not None:
        told += f" ({claim['baseline_name']}: {number(claim['baseline'])})"
    return told.replace("|", "\\|")


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Update the measurements and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, help="folder of runs to take up")
    options = parser.parse_args()
    kept = ROOT / "notebooks/measured.json"
    measured = _read(kept) if kept.is_file() else {}
    if options.measured:
        measured = merged(measured, options.measured)
        text = json.dumps(measured, indent=1, ensure_ascii=False) + "\n"
        kept.write_text(text, encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(
        updated(readme.read_text(encoding="utf-8"), table(measured)), encoding="utf-8"
    )
    print(f"README.md tells of {len(measured)} chapters")


if __name__ == "__main__":
    main()
