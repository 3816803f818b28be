"""Photograph the main widget of each chapter for docs/pictures.md.

`make pictures` takes all, at the shipped settings; `python -m tests.browser.pictures 12 21` those of
two chapters; with `--small` at the settings of the tests.
"""

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import numpy as np
from PIL import Image
from playwright.sync_api import Locator

from docs.site.notebooks import read
from tests.browser.chapters import CHAPTERS, SMALL, at_rest, opening, settle
from tests.browser.driver import ROOT, Lab
from tests.browser.seeing import pixels, rests

FOLDER, PAGE = ROOT / "docs/static/chapters", ROOT / "docs/pictures.md"
LARGEST = 60_000  # bytes
MAIN = ("live_dynamics(", "ask_molecule(", "pair_inspector(", "explore(", "_inspector(", "show3d(")
CHOSEN = {"33": "The model, and beside it the crystal"}  # words of the cell, if another says more
FRAMES = 150  # of live dynamics, before the picture is taken
HEAD = """# Chapters in pictures

The main widget of each chapter, as it looks in JupyterLab in a window of 1366 × 768 after all cells
have run, {settings}. `make pictures` takes the photographs.
"""
SHIPPED, TESTED = "at the shipped settings", "at the small settings of `tests/browser/small.toml`"


def main_widget(number: str, sources: Mapping[int, str]) -> int:
    """The cell whose widget says most about a chapter; the last one, of equals."""
    for words in (CHOSEN.get(number), *MAIN):
        if found := [cell for cell, source in sources.items() if words and words in source]:
            return found[-1]
    raise ValueError(f"chapter {number} shows no widget")


def photographed(page: Lab, number: int, source: str) -> np.ndarray:
    """A widget at rest; dynamics after a while of running."""
    cell = page.cell(number)
    settle(page, cell)
    if "live_dynamics(" in source:
        run(page, cell, float(re.search(r"([\d.]+) ps", cell.inner_text())[1]))
    page.page.mouse.move(0, 0)
    widget = cell.locator(".jp-OutputArea-output:has(.jupyter-widgets)").last

    def still() -> bool:
        return at_rest(page, cell) and rests(page.page, lambda: [pixels(widget)])

    page.until(still, "a widget at rest")
    return pixels(widget)


def run(page: Lab, cell: Locator, preview: float) -> None:
    """Let dynamics run until there is something to see, then pause."""
    page.switch(cell, "run")
    end = preview * FRAMES / 20  # a live view begins with 20 frames

    def far() -> bool:
        return float(re.search(r"([\d.]+) ps simulated", cell.inner_text())[1]) > end

    page.until(far, f"{end:.1f} ps")
    page.switch(cell, "pause")
    page.until(lambda: at_rest(page, cell), "a picture at rest")


def save(image: np.ndarray, path: Path) -> None:
    """As a small file: a palette, smaller and smaller until it fits; white margins cut."""
    ink = (image < 250).any(-1)
    bottom, right = np.flatnonzero(ink.any(1))[-1], np.flatnonzero(ink.any(0))[-1]
    picture = Image.fromarray(image[: bottom + 8, : right + 8].astype(np.uint8))
    for colors in (256, 128, 64, 32):
        picture.quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LARGEST:
            return
    raise ValueError(f"{path.name} has {path.stat().st_size} bytes")


def spoken(notebook: nbformat.NotebookNode, number: str) -> str:
    """What the main widget shows, in words."""
    code = {k: c.source for k, c in enumerate(notebook.cells) if c.cell_type == "code"}
    data = [o for o in notebook.cells[main_widget(number, code)].outputs if "data" in o]
    drawn = [o.metadata["image/png"]["alt"] for o in data if "image/png" in o.data]
    return drawn[0] if drawn else data[0].data["text/plain"]


def page_of(chapters: list[Path], settings: str) -> str:
    """docs/pictures.md."""
    parts = [HEAD.format(settings=settings)]
    for path in chapters:
        told = read(path)
        alt = spoken(nbformat.read(path, as_version=4), told.number)
        picture = f"![{alt}](static/chapters/{told.number}.png)"
        parts.append(f"## [{told.number} · {told.title}](../{told.path})\n\n{picture}\n")
    return "\n".join(parts)


def main() -> None:
    """Open each chapter, run it, photograph it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("numbers", nargs="*", help="of chapters; all if none is given")
    parser.add_argument("--small", action="store_true", help="settings of the tests")
    options = parser.parse_args()
    chosen, settings = options.numbers, SMALL if options.small else {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as place:
        root, home = Path(place, "chapters"), Path(place, "home")
        root.mkdir()
        home.mkdir()
        with opening(root, home) as opened:
            for path in CHAPTERS:
                number = read(path).number
                if chosen and number not in chosen:
                    continue
                page, widgets = opened(path, settings.get(path.stem, {}))
                cell = main_widget(number, widgets)
                save(photographed(page, cell, widgets[cell]), FOLDER / f"{number}.png")
                print(f"{number}.png, {(FOLDER / f'{number}.png').stat().st_size / 1000:.0f} kB")
    chapters = sorted(CHAPTERS, key=lambda path: read(path).number)
    PAGE.write_text(page_of(chapters, TESTED if options.small else SHIPPED), encoding="utf-8")


if __name__ == "__main__":
    main()
