"""Every widget of every chapter as a learner meets it: drawn and used in JupyterLab.

`make tour` runs this, `make test` does not: it takes long. Only the cells that the widgets need are
run. Pictures of all widgets are left in `build/browser`: look at them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Locator

from tests.browser.driver import (
    ROOT,
    Lab,
    await_drawing,
    changed,
    chromium,
    jupyterlab,
    photograph,
    pixels,
)
from tests.browser.excerpt import SHOWS, excerpt

pytestmark = pytest.mark.browser

PATIENCE = 1200.0  # seconds for a chapter on a loaded machine
FOLDER = ROOT / "notebooks"
CHAPTERS = sorted(FOLDER.glob("[0-9]*.ipynb")) + sorted(FOLDER.glob("[0-9]*/[0-9]*.ipynb"))
PICTURES = ".jp-OutputArea-output img:visible, .jp-OutputArea-output canvas:visible"
COME = "all => all.every(p => p.tagName === 'CANVAS' || (p.complete && p.naturalWidth > 0))"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], tuple]]:
    """Opens what the widgets of a chapter need, in a kernel of its own, and runs it."""
    root, pages = tmp_path_factory.mktemp("chapters"), []
    with jupyterlab(root, tmp_path_factory.mktemp("home")) as url, chromium() as context:

        def opened(chapter: Path) -> tuple[Lab, dict[int, str]]:
            while pages:
                pages.pop().close()
            notebook = nbformat.read(chapter, as_version=4)
            numbers = excerpt(notebook.cells)
            notebook.cells = [notebook.cells[number] for number in numbers]
            for cell in notebook.cells:
                cell.outputs, cell.execution_count = [], None
            nbformat.write(notebook, root / chapter.name)
            pages.append(Lab(context.new_page(), url))
            assert pages[0].run(chapter.name, patience=PATIENCE) == []
            return pages[0], {k: cell.source for k, cell in enumerate(notebook.cells)}

        yield opened
        for page in pages:
            page.close()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_widget_draws_and_answers(opened: Callable[[Path], tuple], chapter: Path):
    page, sources = opened(chapter)
    for number, source in sources.items():
        if not SHOWS.search(source) or not page.has_widget(number):
            continue
        cell = page.cell(number)
        page.until(cell.locator(".jupyter-widgets").first.is_visible, f"widget {number}")
        if cell.locator("canvas").count():
            await_drawing(page, cell)
        page.until(lambda cell=cell: rests(page, cell), "pictures that are there and rest")
        widget = cell.locator(".jp-OutputArea").first
        photograph(widget, f"{chapter.stem}_{number:02d}")
        use(page, cell, source)
        photograph(widget, f"{chapter.stem}_{number:02d}_used")
    assert not [text for text in page.complaints if "registered" in text or "odel" in text]
    assert page.outside == []


def use(page: Lab, cell: Locator, source: str) -> None:
    """Do with a widget what it is for."""
    if "live_dynamics(" in source:
        watch(page, cell)
    elif cell.get_by_role("slider").count():
        slide(page, cell)
    elif cell.locator(".widget-toggle-button").count():
        button = cell.locator(".widget-toggle-button").first
        page.insist(button.click, lambda: "You said" in cell.inner_text(), "the guess in words")


def watch(page: Lab, cell: Locator) -> None:
    """Live dynamics: it moves, it pauses, it goes back to the start."""
    before = look(cell)
    page.switch(cell, "run")
    page.until(lambda: other(before, look(cell)), "moving atoms")
    page.switch(cell, "pause")
    page.until(lambda: rests(page, cell), "a picture at rest after pause")
    stop = cell.get_by_role("button", name="stop")
    page.insist(stop.click, lambda: "0.00 ps" in cell.inner_text(), "the start in words")


def slide(page: Lab, cell: Locator) -> None:
    """Move the first slider with the keyboard until a picture changes."""
    before, slider = look(cell), cell.get_by_role("slider").first
    first, last = slider.get_attribute("aria-valuenow"), slider.get_attribute("aria-valuemax")
    page.push(slider, 1, key="ArrowLeft" if first == last else "ArrowRight")
    for _ in range(7):
        slider.press("ArrowLeft" if first == last else "ArrowRight")
    page.until(lambda: other(before, look(cell)), "another picture after the slider moved")


def look(cell: Locator) -> list[np.ndarray]:
    """The pictures of a widget, without its controls."""
    return [pixels(picture) for picture in cell.locator(PICTURES).all()]


def other(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    """A picture is not what it was."""
    if len(before) != len(after):
        return True
    return any(changed(a, b) for a, b in zip(before, after, strict=True))


def rests(page: Lab, cell: Locator) -> bool:
    """All pictures of a widget have come, and stay as they are."""
    if not cell.locator(PICTURES).evaluate_all(COME):
        return False
    before = look(cell)
    page.page.wait_for_timeout(700)
    return all(picture.std() > 0 for picture in before) and not other(before, look(cell))
