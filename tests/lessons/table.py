"""Write docs/exercises.md: every exercise, and what each planted wrong answer is told.

python -m tests.lessons.table
"""

import contextlib
import io
import warnings
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from mdlearn.lesson import Wrong, check

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/exercises.md"
HEAD = """# Exercises and their wrong answers

Each exercise has a right answer that passes, and wrong ones, planted in `tests/lessons`, that must be
told what is wrong with them: a sign, a factor, a unit, a leak. Written by `python -m tests.lessons.table`.

| exercise | planted wrong answer | is told |
|---|---|---|
"""


def planted() -> list[tuple[str, Any, str]]:
    """All wrong answers, in the order of the chapters."""
    stems = sorted(path.stem for path in (ROOT / "mdlearn/lessons").glob("ch[0-9]*.py"))
    return [row for stem in stems for row in import_module(f"tests.lessons.test_{stem}").WRONG]


def told(name: str, answer: Any) -> str:
    """The sentence that an answer gets."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        try:
            check(name, answer)
        except Wrong as error:
            return str(error)
    raise AssertionError(f"a planted wrong answer of {name} passes")


def described(answer: Any, pattern: str) -> str:
    """A value as it is, a function by its name; one without a name by what it must be told."""
    if callable(answer):
        name = getattr(answer, "__name__", type(answer).__name__)
        return f"“… {pattern} …”" if name == "<lambda>" else name.replace("_", " ")
    text = " ".join(repr(answer).split())
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}...`"


def page(rows: Iterable[tuple[str, str, str]]) -> str:
    """The page for rows of exercise, answer, sentence."""
    return HEAD + "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |\n"
        for row in rows
    )


def main() -> None:
    """Ask every exercise about every wrong answer."""
    rows = [
        (name, described(answer, pattern), told(name, answer))
        for name, answer, pattern in planted()
    ]
    PAGE.write_text(page(rows), encoding="utf-8")
    print(f"{len(rows)} wrong answers in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
