"""Write the lesson plan of docs/teaching.md: how long a student sits at each chapter.

python tests/notebooks/plan.py
"""

import json
import math
from pathlib import Path

from tests.notebooks.readme import title

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/teaching.md"
START, END = "<!-- plan: written by `make readme` -->", "<!-- /plan -->"
HEADER = "| chapter | minutes in class | of these at exercises | machine | exercises |\n|---|---|---|---|---|\n"
WORDS, LINES, EXERCISE = 130, 10, 8  # a minute, a minute, minutes


def minutes(notebook: dict, machine: float) -> tuple[int, int]:
    """Minutes in class, to the next five, and how many exercises there are.

    Args:
        notebook: A chapter.
        machine: Minutes that it computes.
    """
    texts = {"markdown": "", "code": ""}
    exercises = 0
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        exercises += "answer" in tags
        if not {"solution", "colab"} & set(tags):
            texts[cell["cell_type"]] += "".join(cell["source"]) + "\n"
    reading = len(texts["markdown"].split()) / WORDS
    code = sum(bool(line.strip()) for line in texts["code"].splitlines()) / LINES
    return 5 * math.ceil((reading + code + EXERCISE * exercises + machine) / 5), exercises


def table(measured: dict, root: Path = ROOT) -> str:
    """A row for each chapter, and the sum."""
    rows, whole = [], 0
    for name, run in measured.items():
        machine = run["cpu_seconds"] / 60
        notebook = json.loads((root / name).read_text(encoding="utf-8"))
        total, exercises = minutes(notebook, machine)
        whole += total
        link = f"[{title(root / name)}](../{name})"
        rows.append(
            f"| {link} | {total} | {EXERCISE * exercises} | {machine:.1f} | {exercises} |\n"
        )
    return HEADER + "".join(rows) + f"| all | {whole} | | | |\n"


def updated(page: str, rows: str) -> str:
    """The page with the table between its marks replaced."""
    before, mark, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"docs/teaching.md has lost its marks {START} and {END}")
    return f"{before}{START}\n{rows}{END}{after}"


def main() -> None:
    """Update the plan from the last measurements."""
    measured = json.loads((ROOT / "notebooks/measured.json").read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(updated(page, table(measured)), encoding="utf-8")


if __name__ == "__main__":
    main()
