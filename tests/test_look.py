"""What a chapter shows is labelled, described in words, and stands beside a baseline."""

import ast
import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
CHAPTERS = sorted(FOLDER.glob("[0-9]*.ipynb")) + sorted(FOLDER.glob("[0-9]*/[0-9]*.ipynb"))
TEMPLATES = sorted(FOLDER.glob("templates/*.ipynb"))
DRAWS = {"plot", "scatter", "bar", "barh", "hist", "imshow", "errorbar", "fill_between"}
LABELS = {"xlabel", "ylabel", "label"}

each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def unlabelled(source: str) -> list[str]:
    """Calls that draw, in a cell that labels no axis and hides none."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    drawn = [call for call in calls if _method(call) in DRAWS]
    for call in calls:
        given = {keyword.arg for keyword in call.keywords}
        if _method(call) in ("set_xlabel", "set_ylabel"):
            return []
        if _method(call) in ("set", "colorbar") and given & LABELS:
            return []
        if _method(call).startswith("plot_") and given & LABELS:
            return []
        if _method(call) == "axis" and [ast.unparse(value) for value in call.args] == ["'off'"]:
            return []
    return [ast.unparse(call.func) for call in drawn]


def baselines(source: str) -> list[bool]:
    """For each claim of a cell, whether it names a baseline."""
    return [
        any(keyword.arg in ("baseline", None) for keyword in node.keywords)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and _method(node) == "claim"
    ]


@each_chapter
def test_axes_are_labelled(path: Path):
    for source in _code(path):
        assert not unlabelled(source), f"no axis has a name and a unit:\n{source}"


@each_chapter
def test_pictures_are_told_in_a_sentence(path: Path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            for kind in output.get("data", {}):
                words = output["metadata"].get(kind, {}).get("alt", "")
                assert not kind.startswith("image/") or len(words.split()) >= 4, (
                    f"alternative text {words!r}: say what there is to see, "
                    f"theme.figure(ax, alt) takes it:\n{''.join(cell['source'])}"
                )


@each_chapter
def test_claims_stand_beside_a_baseline(path: Path):
    found = [named for source in _code(path) for named in baselines(source)]
    assert len(found) >= 3 and all(found), f"{sum(found)} of {len(found)} claims have a baseline"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_cells_of_templates_are_short(path: Path):
    for source in _code(path):
        assert len(source.splitlines()) <= 25, f"a cell of over 25 lines:\n{source}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("ax.plot(x, y)\nax.set(title='t')", ["ax.plot"]),
        ("ax.plot(x, y)\nax.set(xlabel='time (ps)')", []),
        ("plt.hist(x)", ["plt.hist"]),
        ("ax.imshow(x)\nfig.colorbar(s, label='ratio')", []),
        ("ax.scatter(x, y)\nax.axis('off')", []),
        ("ax = plots.plot_histograms(x, xlabel='e (eV)')\nax.plot(x, y)", []),
    ],
)
def test_an_axis_without_a_name_is_found(source: str, found: list[str]):
    assert unlabelled(source) == found


def test_a_claim_without_a_baseline_is_found():
    assert baselines("claim('a', 1, 2)\nclaim('b', 1, 2, baseline=3)") == [False, True]


def _method(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _code(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        re.sub(r"^[%!].*$", "", "".join(c["source"]), flags=re.M)
        for c in cells
        if c["cell_type"] == "code"
    ]
