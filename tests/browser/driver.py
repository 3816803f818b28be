"""Drive a real JupyterLab in headless Chromium: open a notebook, run it, click, look.

Settings are isolated, and a request that would leave this machine is aborted and listed. The browser
draws 3D in software; `CHROMIUM` names another binary.
"""

import io
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from playwright.sync_api import BrowserContext, Locator, Page, Request, sync_playwright
from playwright.sync_api import TimeoutError as Late

from tests.browser.seeing import ARTIFACTS, PATIENCE, drawn, photograph, pixels, until

FLAGS = [
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-checker-imaging",  # no blank place where a picture is still decoded
]
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:")
AGAIN = 15.0  # seconds without an effect after which people press a button once more
ROOT = Path(__file__).parents[2]

KERNEL_IDLE = """() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session
    ?.kernel?.status === 'idle'"""
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
DONE = """() => { const w = window.jupyterapp.shell.currentWidget;
    const code = w.content.widgets.filter(c => c.model.type === 'code');
    const failed = code.some(c => c.model.outputs.toJSON().some(o => o.output_type === 'error')
        && !c.model.getMetadata('tags')?.includes('raises-exception'));
    return failed || (code.every(c => c.model.executionCount)
        && w.sessionContext.session.kernel.status === 'idle') }"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(c => c.model.type === 'code').flatMap(c => c.model.outputs.toJSON())
    .filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)"""
PLACE = "handle => handle.parentElement.style.transform"  # its value is rounded, its place is not
STATE = """() => { const session = window.jupyterapp?.shell?.currentWidget?.sessionContext?.session;
    return `kernel ${session?.kernel?.status}, ${session?.kernel?.connectionStatus}` }"""
WIDGETS = """() => window.jupyterapp.shell.currentWidget.content.widgets.flatMap((c, number) =>
    c.model.type === 'code' && c.model.outputs.toJSON().some(
        o => 'application/vnd.jupyter.widget-view+json' in (o.data ?? {})) ? [number] : [])"""
EVALUATE = """async ([expression, patience]) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute(
        {code: '', store_history: false, user_expressions: {value: expression}});
    const late = new Promise(done => setTimeout(done, 1000 * patience));
    const reply = await Promise.race([future.done, late]);
    if (!reply) return null;
    const value = reply.content.user_expressions?.value;
    return value?.data?.['text/plain'] ?? JSON.stringify(value ?? reply.content) }"""


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)


@contextmanager
def jupyterlab(root: Path, home: Path) -> Iterator[str]:
    """A JupyterLab server on `root` with settings of its own under `home`; gives its address."""
    port = _free_port()
    folders = {
        f"JUPYTER{name}": str(home / name)
        for name in ("_CONFIG_DIR", "_RUNTIME_DIR", "LAB_SETTINGS_DIR", "LAB_WORKSPACES_DIR")
    }
    quiet = home / "LAB_SETTINGS_DIR/@jupyterlab/apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | folders | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    environment.pop("MPLBACKEND", None)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}"]
    command += ["--ip=127.0.0.1", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    command += [f"--ServerApp.root_dir={root}", "--LabApp.expose_app_in_browser=True"]
    command += ["--LabApp.news_url=", "--ServerApp.disable_check_xsrf=True", "--allow-root"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (home / "lab.log").open("w+") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            url = f"http://127.0.0.1:{port}"
            _await_server(url, server, log)
            yield url
        finally:
            server.kill()  # its kernels are shut down by `Lab.close`
            server.wait()


def _free_port() -> int:
    """A port that nobody takes while JupyterLab starts: the system gives away only larger ones."""
    for port in random.Random(os.getpid()).sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("no free port for JupyterLab")


def _await_server(url: str, server: subprocess.Popen, log: io.TextIOBase) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if server.poll() is not None:
            log.seek(0)
            raise RuntimeError(f"JupyterLab did not start:\n{log.read()[-2000:]}")
        try:
            urllib.request.urlopen(url + "/api", timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"JupyterLab did not answer within {PATIENCE:.0f} s")


class Lab:
    """A browser page with a notebook in JupyterLab.

    Attributes:
        complaints: Errors that the page wrote to its console.
        outside: Addresses off this machine that the page asked for (and did not get).
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text[:600]))
        page.on("pageerror", lambda error: self.complaints.append(str(error)[:600]))
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(LOCAL):
            self.outside.append(request.url)

    def run(self, path: str, *, patience: float = PATIENCE) -> list[str]:
        """Open a notebook, run all its cells (s at most); the errors they raised."""
        self.page.goto(f"{self.url}/lab/tree/{path}?reset", wait_until="domcontentloaded")
        self._when(KERNEL_IDLE, f"a kernel for {path}")
        self.page.evaluate(RUN_ALL)
        self._when(DONE, f"the end of {path}", patience)
        return self.page.evaluate(ERRORS)

    def close(self) -> None:
        """End the notebook's kernel, close the page."""
        self.page.evaluate(SHUT_DOWN)
        self.page.close()

    def widgets(self) -> list[int]:
        """Numbers of the cells that show something that is alive."""
        return self.page.evaluate(WIDGETS)

    def cell(self, number: int) -> Locator:
        """A cell, scrolled into view: JupyterLab takes cells off the page that are not in view."""
        scroll = "(i) => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')"
        self.page.evaluate(scroll, number)
        cell = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')
        self.until(cell.is_visible, f"cell {number}")
        return cell

    def evaluate(self, expression: str) -> str:
        """The value of an expression in the notebook's kernel, as Python writes it.

        It comes with the reply itself: on a loaded machine, printed words may come after it.
        """
        value = self.page.evaluate(EVALUATE, [expression, PATIENCE])
        if value is None:
            raise TimeoutError(self._explain(f"the value of {expression}"))
        return value

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Ask again and again until the answer is true."""
        return until(self.page, condition, lambda: self._explain(what))

    def insist(
        self,
        act: Callable[[], Any],
        condition: Callable[[], Any],
        what: str,
        *,
        begun: bool = False,
    ) -> None:
        """Act, and act again when nothing comes of it, as people do: a click may be lost.

        Only for what may be done twice: a button that stops, not one that turns on and off. What
        was done already (`begun`) is done again only when nothing has come of it for a while.
        """
        acted = time.monotonic() if begun else -np.inf

        def came() -> bool:
            nonlocal acted
            if condition():
                return True
            if time.monotonic() - acted < AGAIN:
                return False
            act()
            acted = time.monotonic()
            return condition()

        self.until(came, what)

    def switch(self, place: Locator, name: str, *, key: str = "") -> None:
        """Press a button that turns something on or off, by mouse or with a key.

        Whether the click has arrived is seen in the page, before the kernel knows of it.
        """
        button = place.get_by_role("button", name=name).element_handle()
        before = "mod-active" in button.get_attribute("class")
        self.insist(
            (lambda: button.press(key)) if key else button.click,
            lambda: ("mod-active" in button.get_attribute("class")) != before,
            f"a press of {name}",
        )

    def push(self, slider: Locator, steps: int, *, key: str = "ArrowRight") -> None:
        """Move a slider by keyboard, step by step; a key that is lost is pressed again."""
        for _ in range(steps):
            before = slider.evaluate(PLACE)
            self.insist(
                lambda: slider.press(key),
                lambda before=before: slider.evaluate(PLACE) != before,
                "a step of the slider",
            )

    def _when(self, question: str, what: str, patience: float = PATIENCE) -> None:
        """Wait until the page says yes, also while it loads anew."""
        try:
            self.page.wait_for_function(question, timeout=1000 * patience)
        except Late as error:
            raise TimeoutError(self._explain(what, patience)) from error

    def _explain(self, what: str, patience: float = PATIENCE) -> str:
        """What was waited for, and what the page looked like in the end; a picture of it is kept."""
        name = "late_" + re.sub(r"\W+", "_", what)[:60]
        photograph(self.page, name)
        said = "\n".join(self.complaints[-5:]) or "nothing"
        return (
            f"waited {patience:.0f} s for: {what}\n{self.page.evaluate(STATE)}\n"
            f"picture: {ARTIFACTS / name}.png\nthe console said: {said}"
        )


def await_drawing(lab: Lab, cell: Locator) -> Locator:
    """The 3D view of a cell, once there is something in it."""
    canvas = cell.locator("canvas").first
    canvas.wait_for(state="visible")
    lab.until(lambda: drawn(pixels(canvas)), "something in the 3D view")
    return canvas


@contextmanager
def chromium(*, width: int = 1366, height: int = 768) -> Iterator[BrowserContext]:
    """Headless Chromium, kept on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")  # as the Makefile knows them
    binary = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        context = program.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(1000 * PATIENCE)
        context.route(lambda address: not address.startswith(LOCAL), lambda route: route.abort())
        try:
            yield context
        finally:
            program.close()
