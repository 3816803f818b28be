"""Write docs/exercises.md: every exercise, and what each planted wrong answer is told.

python -m tests.lessons.table
"""

import ast
import contextlib
import inspect
import io
import warnings
from collections.abc import Callable, Iterable
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
    stems.sort(key=lambda stem: stem == "ch05")  # the study comes last
    return [row for stem in stems for row in import_module(f"tests.lessons.test_{stem}").WRONG]


def told(name: str, answer: Any) -> str:
    """The sentence that an answer gets."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
        try:
            check(name, answer)
        except Wrong as error:
            return str(error)
    raise AssertionError(f"a planted wrong answer of {name} passes")


def described(answer: Any) -> str:
    """A value as it is, a number in five digits, a function by its name, one without a name as code."""
    if isinstance(answer, float):
        return f"`{answer:.5g}`"
    text, most = " ".join(repr(answer).split()), 40
    if callable(answer):
        name = getattr(answer, "__name__", type(answer).__name__)
        if name != "<lambda>":
            return name.replace("_", " ")
        text, most = _body(answer), 90
    return f"`{text}`" if len(text) <= most else f"`{text[: most - 3]}...`"


def _body(function: Callable[..., Any]) -> str:
    """What a function without a name returns, as written; none of its neighbors shares its line."""
    tree = ast.parse(Path(inspect.getsourcefile(function)).read_text(encoding="utf-8"))
    line = function.__code__.co_firstlineno
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == line]
    return ast.unparse(found[0].body)


def page(rows: Iterable[tuple[str, str, str]]) -> str:
    """The page for rows of exercise, answer, sentence."""
    return HEAD + "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |\n"
        for row in rows
    )


def main() -> None:
    """Ask every exercise about every wrong answer."""
    rows = [(name, described(answer), told(name, answer)) for name, answer, _ in planted()]
    PAGE.write_text(page(rows), encoding="utf-8")
    print(f"{len(rows)} wrong answers in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
