"""The site, built offline without a warning, then read as people read it: in a browser, page by page."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Locator, Page

from docs.site.notebooks import chapters
from tests.browser.driver import LOCAL, ROOT, chromium
from tests.browser.seeing import changed, drawn, photograph, pixels, rests, until

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("site")]

REPOSITORY = "https://github.com/OWNER/mdlearn"
LANGEVIN = "notebooks/2_dynamics/21_integrators_and_conservation.html"
DEAD_END = "http://127.0.0.1:9"  # a proxy that is not there


class Links(HTMLParser):
    """What a page names and what it loads.

    Attributes:
        ids: Places of the page.
        followed: Addresses that a reader may follow.
        loaded: Addresses that the browser loads by itself.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.followed: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids |= {told[key] for key in ("id", "name") if told.get(key)}
        if tag == "a" and told.get("href"):
            self.followed.add(told["href"])
        if tag in ("img", "script", "iframe", "source") and told.get("src"):
            self.loaded.add(told["src"])
        if tag == "link" and told.get("rel") not in ("canonical",) and told.get("href"):
            self.loaded.add(told["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make site` builds it, with every way out of this machine closed."""
    output = tmp_path_factory.mktemp("built") / "site"
    closed = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), DEAD_END)
    command = [sys.executable, "-m", "docs.site.build", "--output", str(output)]
    environment = os.environ | closed | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, "--repository", REPOSITORY],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert "WARNING" not in ran.stderr
    return output


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Links]:
    """Every page, read."""
    paths = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    found = {path: path.read_text(encoding="utf-8") for path in paths}
    return {path.relative_to(site).as_posix(): Links(text) for path, text in found.items()}


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The site on a server of its own."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[BrowserContext]:
    with chromium() as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page that must neither leave this machine nor complain."""
    page = browser.new_page()
    outside, complaints = [], []
    page.on("request", lambda r: r.url.startswith(LOCAL) or outside.append(r.url))
    page.on("console", lambda m: m.type == "error" and complaints.append(m.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert outside == [] and [c for c in complaints if "favicon" not in c] == []


def test_every_chapter_and_module_has_its_page(pages: dict[str, Links]):
    for chapter in chapters():
        assert f"{chapter.page}.html" in pages
    for module in ("potentials.ace", "dynamics.integrators", "structure.fold", "properties.dmpnn"):
        assert f"reference/mdlearn.{module}.html" in pages


def test_pages_load_nothing_from_elsewhere(pages: dict[str, Links]):
    for name, links in pages.items():
        assert [url for url in links.loaded if urlsplit(url).netloc] == [], name


def test_every_internal_link_leads_to_something(site: Path, pages: dict[str, Links]):
    broken = []
    for name, links in pages.items():
        for url in links.followed | links.loaded:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            path = (site / name).parent / unquote(parts.path) if parts.path else site / name
            target = path.resolve()
            told = target.relative_to(site.resolve()).as_posix()
            known = pages.get(told)
            if not target.is_file() or (
                parts.fragment and known and unquote(parts.fragment) not in known.ids
            ):
                broken.append(f"{name}: {url}")
    assert broken == []


def test_chapters_have_doors_and_terms(pages: dict[str, Links]):
    for chapter in chapters():
        followed = pages[f"{chapter.page}.html"].followed
        assert any(url.startswith("https://mybinder.org/v2/gh/OWNER/mdlearn/") for url in followed)
        assert chapter.path.rsplit("/")[-1] in followed
        assert any("glossary.html#term-" in url for url in followed), chapter.path


def _molecule(page: Page) -> Locator:
    """The first molecule of a page, once it is seen."""
    figure = page.locator("figure.molecule").first
    page.wait_for_selector("figure.molecule.drawn canvas")
    until(page, lambda: drawn(pixels(figure.locator(".stage"))), lambda: "no molecule is seen")
    return figure


def _still(page: Page, stage: Locator) -> np.ndarray:
    """A molecule that does not move."""
    until(page, lambda: rests(page, lambda: [pixels(stage)]), lambda: "it moves before it is asked")
    return pixels(stage)


def test_the_front_page_shows_a_molecule_that_moves_by_itself(page: Page, address: str):
    page.goto(f"{address}/index.html")
    stage = _molecule(page).locator(".stage")
    before = pixels(stage)
    page.wait_for_function("n => document.querySelector('figure.molecule input').value > n", arg=20)
    assert changed(before, pixels(stage))
    photograph(page, "site_front")


@pytest.mark.parametrize(
    "name", [LANGEVIN, "notebooks/3_structure/33_from_contacts_to_a_fold.html"]
)
def test_a_chapter_plays_its_molecule_when_asked(page: Page, address: str, name: str):
    page.goto(f"{address}/{name}")
    figure = _molecule(page)
    stage, button = figure.locator(".stage"), figure.locator("button")
    before = _still(page, stage)
    button.press("Enter")
    page.wait_for_function("document.querySelector('figure.molecule input').value > 10")
    button.press("Enter")
    assert changed(before, pixels(stage))
    place = figure.locator("input").input_value()
    figure.locator("input").press("ArrowLeft")
    assert int(figure.locator("input").input_value()) == int(place) - 1
    photograph(page, f"site_{Path(name).stem}")


def test_formulas_are_drawn_and_figures_are_there(page: Page, address: str):
    page.goto(f"{address}/{LANGEVIN}")
    page.wait_for_selector("mjx-container svg")
    assert page.locator("mjx-merror").count() == 0
    page.evaluate("document.querySelectorAll('img.figure').forEach(i => { i.loading = 'eager' })")
    page.wait_for_function(
        "[...document.querySelectorAll('img.figure')].every(i => i.naturalWidth)"
    )
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0, "the page is wider than the window"


def test_the_page_can_be_dark(page: Page, address: str):
    page.goto(f"{address}/{LANGEVIN}")
    stage = _molecule(page).locator(".stage")
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    light = _still(page, stage).mean()
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    until(page, lambda: pixels(stage).mean() < light - 50, lambda: "the molecule stays light")
    photograph(page, "site_dark")


def test_the_package_is_told_with_its_formulas(page: Page, address: str):
    page.goto(f"{address}/reference/mdlearn.dynamics.integrators.html")
    page.wait_for_selector("mjx-container svg")
    assert page.locator("mjx-merror").count() == 0
    assert page.locator("dt[id='mdlearn.dynamics.integrators.langevin']").count() == 1
    photograph(page, "site_package")


def test_search_finds_langevin(page: Page, address: str):
    page.goto(f"{address}/search.html?q=Langevin")
    page.wait_for_selector("ul.search li a")
    found = page.locator("ul.search li a").evaluate_all("links => links.map(a => a.href)")
    assert any(LANGEVIN in url for url in found)
    assert any("mdlearn.dynamics.integrators" in url for url in found)
