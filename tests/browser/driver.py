"""Drive a real JupyterLab in headless Chromium: open a notebook, run it, click, look.

Settings are isolated, and a request that would leave this machine is aborted and listed. The browser
draws 3D in software; `CHROMIUM` names another binary.
"""

import io
import os
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
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, Request, sync_playwright

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
]
LOCAL = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:", "about:")
PATIENCE = 300.0  # seconds; on a loaded machine JupyterLab may take two minutes to open
ROOT = Path(__file__).parents[2]

KERNEL_IDLE = """() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session
    ?.kernel?.status === 'idle'"""
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
DONE = """() => { const w = window.jupyterapp.shell.currentWidget;
    const code = w.content.widgets.filter(c => c.model.type === 'code');
    const failed = code.some(c => c.model.outputs.toJSON().some(o => o.output_type === 'error'));
    return failed || (code.every(c => c.model.executionCount)
        && w.sessionContext.session.kernel.status === 'idle') }"""
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(c => c.model.type === 'code').flatMap(c => c.model.outputs.toJSON())
    .filter(o => o.output_type === 'error').map(o => o.ename + ': ' + o.evalue)"""
EVALUATE = """async (code) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    let text = '';
    const future = kernel.requestExecute({code, store_history: false});
    future.onIOPub = m => { text += m.content.text ?? m.content.evalue ?? ''; };
    await future.done;
    return text.trim() }"""


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """A notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)


@contextmanager
def jupyterlab(root: Path, home: Path) -> Iterator[str]:
    """A JupyterLab server on `root` with settings of its own under `home`; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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

    def run(self, path: str) -> list[str]:
        """Open a notebook, run all its cells; the errors they raised."""
        self.page.goto(f"{self.url}/lab/tree/{path}?reset", wait_until="domcontentloaded")
        self.page.wait_for_function(KERNEL_IDLE)
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function(DONE)
        return self.page.evaluate(ERRORS)

    def close(self) -> None:
        """End the notebook's kernel, close the page."""
        self.page.evaluate(SHUT_DOWN)
        self.page.close()

    def cell(self, number: int) -> Locator:
        """A cell, scrolled into view: JupyterLab takes cells off the page that are not in view."""
        scroll = "(i) => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')"
        self.page.evaluate(scroll, number)
        cell = self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')
        cell.wait_for()
        return cell

    def evaluate(self, code: str) -> str:
        """What the code prints in the notebook's kernel."""
        return self.page.evaluate(EVALUATE, code)

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Ask again and again until the answer is true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if answer := condition():
                return answer
            self.page.wait_for_timeout(150)
        raise TimeoutError(f"waited {PATIENCE:.0f} s for: {what}")


def pixels(place: Locator | Page) -> np.ndarray:
    """A screenshot as an array. (height, width, 3)"""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB")).astype(int)


def drawn(image: np.ndarray) -> bool:
    """There is a picture: enough pixels differ from the background, in enough colors."""
    coarse = (image // 8) @ np.array([4096, 64, 1])
    colors, counts = np.unique(coarse, return_counts=True)
    return bool(1 - counts.max() / coarse.size > 0.02 and len(colors) > 30)


def changed(before: np.ndarray, after: np.ndarray) -> bool:
    """Two screenshots differ in more than a blinking cursor."""
    return before.shape != after.shape or bool((before != after).any(-1).mean() > 0.002)


@contextmanager
def chromium(*, width: int = 1366, height: int = 768) -> Iterator[BrowserContext]:
    """Headless Chromium, kept on this machine."""
    binary = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        context = program.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(1000 * PATIENCE)
        context.route(lambda address: not address.startswith(LOCAL), lambda route: route.abort())
        try:
            yield context
        finally:
            program.close()
