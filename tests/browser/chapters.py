"""Chapters in a browser: a copy to open, and what their widgets are for, done to them."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from papermill.inspection import inspect_notebook
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from playwright.sync_api import Locator

from tests.browser.driver import ROOT, Lab, await_drawing, chromium, jupyterlab
from tests.browser.seeing import changed, pixels, rests

FOLDER = ROOT / "notebooks"
CHAPTERS = sorted(FOLDER.glob("[0-9]*.ipynb")) + sorted(FOLDER.glob("[0-9]*/[0-9]*.ipynb"))
SMALL = tomllib.loads((Path(__file__).parent / "small.toml").read_text(encoding="utf-8"))
GUESS = re.compile(r"(?<![.\w])predict\(")
CLAIMS = re.compile(r"^\s*claim\(", re.M)
PICTURES = ".jp-OutputArea-output img:visible, .jp-OutputArea-output canvas:visible"
COME = "all => all.every(p => p.tagName === 'CANVAS' || (p.complete && p.naturalWidth > 0))"
PATIENCE = 1200.0  # seconds for the cells of a chapter, on a loaded machine


def prepared(chapter: Path, settings: Mapping[str, Any]) -> nbformat.NotebookNode:
    """A chapter as a learner gets it, without outputs, at other settings.

    A claim is about the shipped settings: with others, `ClaimFailed` does not stop the run.
    """
    unknown = settings.keys() - inspect_notebook(chapter).keys()
    if unknown:
        raise ValueError(f"{chapter.stem} has no parameters {sorted(unknown)}")
    notebook = load_notebook_node(str(chapter))
    if settings:
        notebook = parameterize_notebook(notebook, settings)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if settings and CLAIMS.search(cell.source):
                cell.metadata.tags = [*cell.metadata.get("tags", []), "raises-exception"]
    return notebook


@contextmanager
def opening(root: Path, home: Path) -> Iterator[Callable[..., tuple[Lab, dict[int, str]]]]:
    """A JupyterLab on `root` and a browser; gives what opens a chapter and runs all its cells.

    The chapter opened before is closed, so that one kernel runs at a time.
    """
    pages: list[Lab] = []
    with jupyterlab(root, home) as url, chromium() as context:

        def opened(chapter: Path, settings: Mapping[str, Any]) -> tuple[Lab, dict[int, str]]:
            while pages:
                pages.pop().close()
            notebook = prepared(chapter, settings)
            nbformat.write(notebook, root / chapter.name)
            pages.append(Lab(context.new_page(), url))
            failed = pages[0].run(chapter.name, patience=PATIENCE)
            untrue = [error for error in failed if settings and error.startswith("ClaimFailed")]
            assert failed == untrue
            return pages[0], {k: notebook.cells[k].source for k in pages[0].widgets()}

        yield opened
        for page in pages:
            page.close()


def settle(page: Lab, cell: Locator) -> bool:
    """Wait for a widget to be drawn and at rest; whether it has something in 3D."""
    page.until(cell.locator(".jupyter-widgets").first.is_visible, "a widget")
    solid = cell.locator("canvas").count() > 0
    if solid:
        await_drawing(page, cell)
    page.until(lambda: at_rest(page, cell), "pictures that are there and rest")
    return solid


def use(page: Lab, cell: Locator, source: str) -> set[str]:
    """Do with a widget what it is for; what that was."""
    if "live_dynamics(" in source:
        watch(page, cell)
        return {"live dynamics", "slider"}
    if cell.get_by_role("slider").count():
        slide(page, cell)
        return {"slider"}
    if GUESS.search(source):
        button = cell.locator(".widget-toggle-button").first
        page.insist(button.click, lambda: "You said" in cell.inner_text(), "the guess in words")
        return {"guess"}
    return set()


def watch(page: Lab, cell: Locator) -> None:
    """Live dynamics: it moves, takes another temperature, pauses, goes back to the start."""
    before = look(cell)
    page.switch(cell, "run")
    page.push(cell.get_by_role("slider").first, 5)
    page.until(lambda: other(before, look(cell)), "moving atoms")
    page.switch(cell, "pause")
    page.until(lambda: at_rest(page, cell), "a picture at rest after pause")
    stop = cell.get_by_role("button", name="stop")
    page.insist(stop.click, lambda: "0.00 ps" in cell.inner_text(), "the start in words")


def slide(page: Lab, cell: Locator) -> None:
    """Move the first slider with the keyboard until a picture changes; go back and forth if none does."""
    before, slider = look(cell), cell.get_by_role("slider").first
    away, back = "ArrowRight", "ArrowLeft"
    if slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax"):
        away, back = back, away
    page.push(slider, 1, key=away)
    for _ in range(7):
        slider.press(away)

    def answered() -> bool:
        return at_rest(page, cell) and other(before, look(cell))  # a picture on its way is blank

    def again() -> None:
        slider.press(back)
        slider.press(away)
        page.evaluate("0")  # a kernel that let a message lie takes it up with the next

    shown = cell.locator(".jp-OutputArea").first.inner_text()
    what = f"another picture after the slider moved: {shown}"
    page.insist(again, answered, what, begun=True)


def look(cell: Locator) -> list[np.ndarray]:
    """The pictures of a widget, without its controls."""
    return [pixels(picture) for picture in cell.locator(PICTURES).all()]


def other(before: list[np.ndarray], after: list[np.ndarray]) -> bool:
    """A picture is not what it was."""
    if len(before) != len(after):
        return True
    return any(changed(a, b) for a, b in zip(before, after, strict=True))


def at_rest(page: Lab, cell: Locator) -> bool:
    """All pictures of a widget have come, and stay as they are."""
    come = cell.locator(PICTURES).evaluate_all(COME)
    return come and rests(page.page, lambda: look(cell))
