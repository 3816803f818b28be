"""The widgets as a learner meets them: in JupyterLab, in a browser, with mouse and keyboard."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.browser.driver import Lab, await_drawing, chromium, jupyterlab, write_notebook
from tests.browser.seeing import changed, photograph, pixels

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("widgets")]

SCENES = [
    "from ase.build import bulk, molecule\nfrom mdlearn.view.scene import show3d\nimport numpy as np",
    "scene = show3d(molecule('CH3CH2OH'), title='Ethanol')\nscene",
    "values = np.linspace(0, 40, 9)\n"
    "show3d(molecule('CH3CH2OH'), title='Where the model errs', colors=values,"
    " label='force error (meV/Å)')",
    "frames = [molecule('CH3CH2OH') for _ in range(30)]\n"
    "for k, frame in enumerate(frames):\n    frame.rotate(6 * k, 'y')\n"
    "film = show3d(frames, title='A trajectory')\nfilm",
    "show3d(bulk('Si', cubic=True).repeat(2), title='Silicon')",
    "show3d(bulk('Ar', 'fcc', 5.4, cubic=True).repeat(2), style='spacefill', title='Argon')",
    "from ase import Atoms\nk = np.arange(30)\n"
    "helix = np.stack([2.3 * np.cos(1.75 * k), 2.3 * np.sin(1.75 * k), 1.5 * k], -1)\n"
    "show3d([Atoms('C30', helix), Atoms('C30', 1.5 * helix)], style='tube', colors=k,"
    " label='place (count)', title='A helix')",
]
DYNAMICS = [
    """
import numpy as np, torch
from dataclasses import dataclass, replace
from types import SimpleNamespace
from ase.cluster import Octahedron
from mdlearn.units import fs, kB
from mdlearn.view.dynamics import live_dynamics

atoms = Octahedron('Ar', 3, latticeconstant=5.4)
MASS, DT, GAMMA = 39.948, 10 * fs, 0.02
""",
    """
@dataclass(frozen=True)
class State:
    system: SimpleNamespace
    velocities: torch.Tensor
    energies: torch.Tensor
    masses: torch.Tensor

def energy(x):
    d = torch.pdist(x)
    s6 = (3.405 / d) ** 6
    return 4 * 0.0104 * (s6 * s6 - s6).sum()

def advance(state, temperature, seed):
    g = torch.Generator().manual_seed(seed)
    x, v = state.system.positions, state.velocities
    for _ in range(5):
        x = x.detach().requires_grad_()
        e = energy(x)
        f = -torch.autograd.grad(e, x)[0]
        v = v + DT * f / MASS
        keep = np.exp(-GAMMA * 5)
        noise = torch.randn(x.shape, generator=g, dtype=x.dtype)
        v = keep * v + ((1 - keep**2) * kB * temperature / MASS) ** 0.5 * noise
        x = (x + DT * v).detach()
    return State(SimpleNamespace(positions=x), v, e.detach().reshape(1), state.masses)
""",
    """
x = torch.tensor(atoms.positions)
start = State(SimpleNamespace(positions=x), torch.zeros_like(x), energy(x).reshape(1), torch.full((len(x),), MASS))
live = live_dynamics(advance, start, atoms=atoms, interval=5 * DT, temperature=(5, 60, 20),
                     style='spacefill', title='A cluster of argon')
live
""",
]
TRAINING = [
    """
import time
from types import SimpleNamespace
from mdlearn.view.training import live_training, progress_plot

def training(n):
    for k in range(1, n + 1):
        time.sleep(0.05)
        yield SimpleNamespace(fraction=k / n, seconds=0.7 * k, valid={'force_mae': 400 / k**0.6})
""",
    "live = live_training(training(4000))\nlive",
    "progress = progress_plot(every=0.2)\nfor record in training(20):\n    progress(record)",
]
CONTROLS = [
    """
import numpy as np, matplotlib.pyplot as plt
from ase.build import molecule
from mdlearn.lesson import agree, claim, predict, show
from mdlearn.view import theme
from mdlearn.view.controls import atom_inspector, explore
from mdlearn.view.plots import plot_energy
theme.use()
""",
    """
def pair(sigma, epsilon, shape):
    r = np.linspace(3, 9, 300)
    ax = plt.subplots()[1]
    ax.plot(r, 4 * epsilon * ((sigma / r) ** 12 - (sigma / r) ** 6), ls=shape)
    ax.set(xlabel='distance (Å)', ylabel='energy (meV)', ylim=(-20, 20))
    return ax

panel = explore(pair, title='Two argon atoms', sigma=(3.0, 4.0, 3.4), epsilon=(5, 20, 10.4),
                shape=['-', '--'], units={'sigma': 'Å', 'epsilon': 'meV'})
panel
""",
    "errors = np.array([12.0, 31, 8, 22, 15, 9, 27, 18, 5])\n"
    "inspector = atom_inspector(molecule('CH3CH2OH'), errors, label='force error', unit='meV/Å',"
    " title='Which atom is hard?')\ninspector",
    "guess = predict('What does the error do when dt doubles?', ['stays', '×2', '×4'])\nguess",
    "claim('force error on unseen frames', 21.4, 30, unit='meV/Å', baseline=712,"
    " baseline_name='zero forces', beats_baseline=True)\n"
    "agree(np.ones(3), np.ones(3))\nshow(plot_energy)\nguess.reveal('×4', 'It is of second order.')",
]
SKETCH = [
    """
from mdlearn.view.ask import ask_molecule
panel = ask_molecule(lambda smiles: f'<b>answer to {smiles}</b>', start='Cc1ccccc1O',
                     title='Type or draw', alt='A field and a board for a molecule')
panel
"""
]
PLAIN = ["import nglview\nfrom ase.build import molecule\nnglview.show_ase(molecule('CH3CH2OH'))"]
NOTEBOOKS = {
    "scenes": SCENES,
    "dynamics": DYNAMICS,
    "training": TRAINING,
    "controls": CONTROLS,
    "sketch": SKETCH,
    "plain": PLAIN,
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Lab]]:
    """Opens a notebook and runs it, once: a page that has not complained."""
    root, pages = tmp_path_factory.mktemp("notebooks"), {}
    with jupyterlab(root, tmp_path_factory.mktemp("home")) as url, chromium() as context:

        def lab(name: str) -> Lab:
            if name not in pages:
                write_notebook(root / f"{name}.ipynb", NOTEBOOKS[name])
                pages[name] = Lab(context.new_page(), url)
                assert pages[name].run(f"{name}.ipynb") == []
            pages[name].page.bring_to_front()
            return pages[name]

        yield lab
        for page in pages.values():
            page.close()


def test_scenes_draw(lab):
    page = lab("scenes")
    for number in range(1, len(SCENES)):
        cell = page.cell(number)
        await_drawing(page, cell)
        photograph(cell, f"scene_{number}")


def test_the_player_turns_the_molecule(lab):
    page = lab("scenes")
    cell = page.cell(3)
    canvas = await_drawing(page, cell)
    before = pixels(canvas)
    page.push(cell.get_by_role("slider").first, 10)
    page.until(lambda: changed(before, pixels(canvas)), "another frame")
    page.until(lambda: page.evaluate("film.view.frame") == "10", "frame 10 in the kernel")


def test_live_dynamics_runs_pauses_stops_and_is_steered(lab):
    page = lab("dynamics")
    cell = page.cell(len(DYNAMICS) - 1)
    canvas = await_drawing(page, cell)
    plot = cell.locator("img").first
    atoms, curve = pixels(canvas), pixels(plot)
    box = cell.locator(".jp-OutputArea-output").last.bounding_box()
    assert box["width"] < 1000 and box["height"] < 520  # beside each other, no scrolling
    frames = "live.simulation.frames"

    page.switch(cell, "run", key="Space")
    page.until(lambda: changed(atoms, pixels(canvas)), "moving atoms")
    page.until(lambda: changed(curve, pixels(plot)), "a growing plot")
    page.until(lambda: int(page.evaluate(frames)) > 60, "60 frames")
    page.until(lambda: int(page.evaluate("live.echo.heard.value")) > 2, "answers of the browser")
    photograph(cell, "dynamics_running")

    page.push(cell.get_by_role("slider").first, 15)
    kelvin = "live.simulation.temperature"
    page.until(lambda: float(page.evaluate(kelvin)) > 25, "the slider in the kernel")

    page.switch(cell, "pause")
    page.until(lambda: page.evaluate("live.loop.running") == "False", "a pause")
    paused = page.evaluate(frames)
    page.page.wait_for_timeout(500)
    assert page.evaluate(frames) == paused
    photograph(cell, "dynamics_paused")

    page.switch(cell, "run")
    page.until(lambda: int(page.evaluate(frames)) > int(paused), "going on")
    stop = cell.get_by_role("button", name="stop")
    page.insist(stop.click, lambda: page.evaluate(frames) == "0", "the start")
    page.until(lambda: "0.00 ps simulated" in cell.inner_text(), "the start in words")


def test_live_training_draws_and_stops(lab):
    page = lab("training")
    cell = page.cell(1)
    plot = cell.locator("img").first
    page.until(plot.is_visible, "a plot")
    before = pixels(plot)
    page.switch(cell, "train")
    page.until(lambda: changed(before, pixels(plot)), "a growing curve")
    page.until(lambda: int(page.evaluate("len(live.records)")) > 12, "12 records")
    stop = cell.get_by_role("button", name="stop")
    page.insist(stop.click, lambda: page.evaluate("live.finished") == "True", "the end")
    photograph(cell, "training_stopped")
    photograph(page.cell(2), "training_in_a_cell")
    assert int(page.evaluate("len(live.records)")) < 4000


def test_a_slider_changes_the_figure(lab):
    page = lab("controls")
    cell = page.cell(1)
    figure = cell.locator("img").first
    page.until(figure.is_visible, "a figure")
    before = photograph(cell, "explore")
    page.push(cell.get_by_role("slider").first, 20)
    page.until(lambda: changed(before, pixels(cell)), "another figure")
    assert page.until(lambda: page.evaluate("round(panel.values['sigma'], 2)") == "3.6", "3.6 Å")


def test_a_click_and_the_keyboard_tell_the_value_of_an_atom(lab):
    page = lab("controls")
    cell = page.cell(2)
    canvas = await_drawing(page, cell)
    page.until(lambda: "C1: 31 meV/Å" in cell.inner_text(), "the largest value")
    photograph(cell, "inspector")
    page.push(cell.get_by_role("slider").first, 1)
    page.until(lambda: "H6: 27 meV/Å" in cell.inner_text(), "the value by keyboard")
    place = canvas.bounding_box()
    spots = itertools.cycle(itertools.product(np.linspace(0.2, 0.8, 13), repeat=2))

    def another() -> bool:
        x, y = next(spots)
        canvas.click(position={"x": x * place["width"], "y": y * place["height"]})
        return "H6: 27 meV/Å" not in cell.inner_text()

    page.until(another, "the value by mouse")
    photograph(cell, "inspector_clicked")


def test_the_words_of_a_chapter(lab):
    page = lab("controls")
    cell = page.cell(3)
    double = cell.get_by_role("button", name="×2")
    page.insist(double.click, lambda: "You said: ×2" in cell.inner_text(), "the guess by mouse")

    def choose_the_next() -> None:
        double.press("Tab")
        page.page.keyboard.press("Space")

    said = "You said: ×4"
    page.insist(choose_the_next, lambda: said in cell.inner_text(), "the guess by keyboard")
    photograph(cell, "predict")
    words = page.cell(4)
    page.until(lambda: "claim holds" in words.inner_text(), "the claim")
    photograph(words, "claim")


def test_a_molecule_is_drawn_by_mouse_and_keyboard(lab):
    page = lab("sketch")
    cell = page.cell(0)
    said = cell.get_by_role("status")
    page.until(lambda: "Cc1ccccc1O" in said.inner_text(), "the start")
    photograph(cell, "sketch")
    oxygen = cell.get_by_role("button", name="atom 7, O")
    board, spot = cell.locator("img").first.bounding_box(), oxygen.bounding_box()
    assert board["x"] < spot["x"] < board["x"] + board["width"] - 15  # the buttons lie on the paper
    assert board["y"] < spot["y"] < board["y"] + board["height"] - 15

    oxygen.click()
    page.until(lambda: "COc1ccccc1C" in said.inner_text(), "a methyl group by mouse")
    page.until(lambda: "answer to COc1ccccc1C" in cell.inner_text(), "the answer")
    cell.get_by_role("button", name="atom 0, C").focus()
    page.page.keyboard.press("Space")
    page.until(lambda: "CCc1ccccc1OC" in said.inner_text(), "another by keyboard")
    photograph(cell, "sketch_drawn")
    cell.get_by_role("button", name="undo").press("Enter")
    page.until(lambda: "COc1ccccc1C" in said.inner_text(), "one step back")


def test_no_page_complained_or_asked_for_anything_outside(lab):
    for name in ("scenes", "dynamics", "training", "controls", "sketch"):
        page = lab(name)
        assert not [text for text in page.complaints if "registered" in text or "odel" in text]
        assert page.outside == []


def test_plain_nglview_fails_so_these_tests_would_see_it(lab):
    page = lab("plain")
    page.until(lambda: any("not registered" in text for text in page.complaints), "a complaint")
    assert not page.cell(0).locator("canvas").count()
