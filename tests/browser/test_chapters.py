"""Every chapter as a learner meets it: opened in JupyterLab, all cells run, every widget used.

The settings are small ones (`small.toml`): `make notebooks` runs the shipped ones. Pictures of all
widgets are left in `build/browser`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chapters import CHAPTERS, SMALL, opening, prepared, settle, use
from tests.browser.seeing import photograph

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple]]:
    """Opens a chapter in a kernel of its own, and runs it."""
    with opening(tmp_path_factory.mktemp("chapters"), tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_runs_and_its_widgets_answer(opened: Callable[..., tuple], chapter: Path):
    page, widgets = opened(chapter, SMALL.get(chapter.stem, {}))
    done = set()
    for number, source in widgets.items():
        cell = page.cell(number)
        solid = settle(page, cell)
        widget = cell.locator(".jp-OutputArea").first
        photograph(widget, f"{chapter.stem}_{number:02d}")
        done |= use(page, cell, source) | ({"3D"} if solid else set())
        photograph(widget, f"{chapter.stem}_{number:02d}_used")
    assert {"3D", "slider"} <= done, f"only {sorted(done)}"
    assert ("live dynamics" in done) == ("live_dynamics(" in chapter.read_text(encoding="utf-8"))
    assert not [text for text in page.complaints if "registered" in text or "odel" in text]
    assert page.outside == []


def test_settings_are_those_of_a_chapter():
    assert SMALL.keys() <= {path.stem for path in CHAPTERS}
    with pytest.raises(ValueError, match="has no parameters \\['epoch'\\]"):
        prepared(CHAPTERS[0], {"epoch": 3})
