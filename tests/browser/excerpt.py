"""The cells of a chapter that its widgets need: the rest of it runs in `make notebooks` already."""

import ast
import dis
import re
from collections.abc import Sequence
from types import CodeType
from typing import Any

SHOWS = re.compile(
    r"\b(show3d|live_\w+|explore|\w+_inspector|predict|ask_molecule|ranked_list)\((?!self)"
)
EXERCISE = {"answer", "check", "solution"}


def excerpt(cells: Sequence[Any]) -> list[int]:
    """Numbers of the cells that show a widget, and of those that make what they use.

    Read from the last cell to the first: a cell counts if it gives a value to a wanted name, or
    changes one (`name.x = …`, `name[i] = …`, `name.method(…)` on a line of its own).
    """
    kept, wanted = [], set()
    for number, cell in reversed(list(enumerate(cells))):
        tags = set(cell["metadata"].get("tags", []))
        if cell["cell_type"] != "code" or tags & EXERCISE:
            continue
        source = "".join(cell["source"])
        stored, loaded = names(source)
        if SHOWS.search(source) or (stored | changed(source)) & wanted or "parameters" in tags:
            kept.append(number)
            wanted = (wanted - stored) | loaded
    return kept[::-1]


def names(source: str) -> tuple[set[str], set[str]]:
    """Names to which a cell gives a value, and names that it reads, also in its functions."""
    stored, loaded = set(), set()
    todo: list[CodeType] = [compile(source, "cell", "exec")]
    while todo:
        code = todo.pop()
        todo += [part for part in code.co_consts if isinstance(part, CodeType)]
        for step in dis.get_instructions(code):
            if step.opname in ("STORE_NAME", "STORE_GLOBAL") and code.co_name == "<module>":
                stored.add(step.argval)
            elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                loaded.add(step.argval)
    return stored, loaded


def changed(source: str) -> set[str]:
    """Names of the things that a cell changes in place."""
    places: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            places.append(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            places += [node.value.func.value] if isinstance(node.value.func, ast.Attribute) else []
    return {n.id for place in places for n in ast.walk(place) if isinstance(n, ast.Name)}
