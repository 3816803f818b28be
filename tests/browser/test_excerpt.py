"""What the widgets of a chapter need is found without running it."""

import json

import pytest

from tests.browser.driver import ROOT
from tests.browser.excerpt import SHOWS, excerpt

CHAPTERS = sorted((ROOT / "notebooks").glob("**/[0-9]*.ipynb"))


def cell(source: str, *tags: str) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}}


def test_only_what_a_widget_uses_is_kept():
    cells = [
        cell("seed = 0", "parameters"),
        cell("import numpy as np\nfrom mdlearn.view.controls import explore"),
        cell("values = np.arange(5)"),
        cell("other = np.ones(3)"),  # nobody asks for it
        cell("values[0] = 7"),
        cell("scale = 2\nprint(values)"),
        cell("print(other)"),
        cell("def draw(x):\n    local = values * scale\n    return local"),
        cell("def answer(): ...", "answer"),
        cell("explore(draw, x=(0, 1, 0))"),
        cell("values = None"),  # too late
    ]
    assert excerpt(cells) == [0, 1, 2, 4, 5, 7, 9]


def test_a_name_made_anew_needs_no_older_one():
    cells = [cell("x = slow()"), cell("x = 1"), cell("show3d(x)")]
    assert excerpt(cells) == [1, 2]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_shows_a_widget_and_an_excerpt_is_shorter(chapter):
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    kept = excerpt(cells)
    code = [number for number, cell in enumerate(cells) if cell["cell_type"] == "code"]
    assert any(SHOWS.search("".join(cells[number]["source"])) for number in kept)
    assert len(kept) < 0.8 * len(code)
