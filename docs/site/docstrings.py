"""A Sphinx extension: docstrings with `$formulas$` and `code`, as the package writes them."""

import re
from typing import Any

from sphinx.application import Sphinx

TOKENS = re.compile(
    r"""(?P<display>^(?P<indent>[ ]*)(?P<before>[^\n$]*)\$\$(?P<formula>.+?)\$\$(?P<end>[.,;:]?))
    | (?<![\w\\])\$(?P<inline>[^$]+?)\$
    | `(?P<code>[^`]+)`
    | (?P<strong>\*\*[^*\n]+\*\*)
    | (?P<emphasis>(?<![\w*])\*[^*\s][^*\n]*\*(?![\w*]))
    | (?P<table>(?:^[ ]*\|.*\|[ ]*\n?)+)""",
    re.X | re.S | re.M,
)


def to_rst(text: str) -> str:
    """A docstring in reStructuredText: formulas and code marked, everything else literal."""
    parts, end = [], 0
    for token in TOKENS.finditer(text):
        parts.append(_plain(text[end : token.start()]))
        parts.append(_marked(token))
        end = token.end()
    return "".join(parts) + _plain(text[end:])


def _marked(token: re.Match[str]) -> str:
    text, end = token.string, token.end()
    close = "\\ " if text[end : end + 1].isalnum() else ""
    open_ = "\\ " if token.start() and text[token.start() - 1].isalnum() else ""
    if token["display"]:
        pad, lines = token["indent"], " ".join(token["formula"].split())
        before = f"{pad}{to_rst(token['before'])}\n\n" if token["before"] else ""
        return f"{before}{pad}.. math::\n\n{pad}   {lines}{token['end']}\n\n{pad}"
    if token["inline"]:
        return f"{open_}:math:`{' '.join(token['inline'].split())}`{close}"
    if token["code"]:
        return f"{open_}``{' '.join(token['code'].split())}``{close}"
    if token["table"]:
        return _table(token["table"])
    return token.group()


def _plain(text: str) -> str:
    text = re.sub(r"([\\*|])", r"\\\1", text)
    return re.sub(r"(?<=\w)_(?!\w)", r"\\_", text)


def _table(text: str) -> str:
    """A table between bars, as a list of rows."""
    pad = re.match(r" *", text)[0]
    rows = [line.strip().strip("|").split("|") for line in text.strip().splitlines()]
    lines = [f"{pad}.. list-table::", f"{pad}   :header-rows: 1", ""]
    for row in [rows[0], *rows[2:]]:
        for k, cell in enumerate(row):
            lines.append(f"{pad}   {'  ' if k else '* '}- {to_rst(cell.strip())}")
    return "\n".join([*lines, "", ""])


def translate(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Before napoleon reads the sections of a docstring."""
    lines[:] = to_rst("\n".join(lines)).splitlines()


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", translate, priority=100)
    return {"parallel_read_safe": True}
