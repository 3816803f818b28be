"""Whatever a mouse can do with a panel, keys can do, and each control says what it is."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ase.build import molecule
from ipywidgets import (
    HTML,
    Box,
    Button,
    FloatProgress,
    FloatSlider,
    Image,
    IntSlider,
    Label,
    Play,
    SelectionSlider,
    Text,
    ToggleButton,
    ToggleButtons,
    Widget,
)

from mdlearn.view.ask import ask_molecule
from mdlearn.view.choice import Choice
from mdlearn.view.controls import atom_inspector, explore
from mdlearn.view.dynamics import live_dynamics
from mdlearn.view.ngl import ngl
from mdlearn.view.panel import Panel
from mdlearn.view.proteins import pair_inspector
from mdlearn.view.ranked import ranked_list
from mdlearn.view.scene import show3d
from mdlearn.view.training import live_training
from tests.view.test_live import advance, draw, spring

SEEN = (HTML, Label, Image, Box, FloatProgress)  # nothing to be done with them
KEYS = (Button, FloatSlider, IntSlider, Play, SelectionSlider, Text, ToggleButton, ToggleButtons)


def chain() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 8, (12, 4, 3))


PANELS = {
    "film": lambda: show3d([molecule("CH3OH")] * 3, title="A film"),
    "explore": lambda: explore(draw, height=(0, 2, 1), shape=["line", "dots"]),
    "atoms": lambda: atom_inspector(molecule("H2O"), np.arange(3.0), label="error", unit="eV"),
    "pairs": lambda: pair_inspector(chain(), np.array([[1, 9]]), ["a – b"], np.ones((1, 21, 21))),
    "molecule": lambda: ask_molecule(str, start="CCO", title="Ask", alt="a field to write in"),
    "ranking": lambda: ranked_list(
        [molecule("H2O"), molecule("N2")],
        ["water", "nitrogen"],
        *np.array([[2.0, 1.0], [1.0, 0.0], [3.0, 2.0]]),
        label="score (1)",
        alt="two molecules, ranked",
    ),
    "dynamics": lambda: live_dynamics(
        advance, spring(), atoms=molecule("N2"), interval=1, preview=2
    ),
    "training": lambda: live_training(iter(())),
    "guess": lambda: Choice("Which?", ["one", "two"]),
}


def widgets(widget: Widget) -> Iterator[Widget]:
    """A widget and all that it holds."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets(child)


@pytest.fixture(params=PANELS)
def panel(request: pytest.FixtureRequest) -> Iterator[Panel]:
    panel = PANELS[request.param]()
    yield panel
    panel.close()
    plt.close("all")


def test_every_control_takes_keys_and_says_what_it_is(panel: Panel):
    controls = 0
    for widget in widgets(panel):
        if isinstance(widget, KEYS):
            controls += 1
            named = getattr(widget, "options", ()) if isinstance(widget, ToggleButtons) else ()
            assert isinstance(widget, Play) or widget.description or widget.tooltip or named
        else:
            assert isinstance(widget, (*SEEN, ngl().NGLWidget)), f"are there keys for {widget}?"
    assert controls


def clicks(panel: Panel) -> int:
    """How many want to know what was clicked in 3D."""
    views = [widget for widget in widgets(panel) if isinstance(widget, ngl().NGLWidget)]
    return sum(len(view._trait_notifiers.get("picked", {}).get("change", [])) for view in views)


@pytest.mark.parametrize(("name", "heard"), [("film", 0), ("atoms", 1), ("pairs", 1)])
def test_what_a_click_in_3d_does_a_slider_does(name: str, heard: int):
    panel = PANELS[name]()
    assert clicks(panel) - clicks(PANELS["film"]()) == heard
    assert heard == sum(isinstance(widget, SelectionSlider) for widget in widgets(panel))
    panel.close()


def test_every_panel_is_told_in_words(panel: Panel):
    assert len(panel.alt.split()) >= 3
    assert panel.alt in " ".join(w.value for w in widgets(panel) if isinstance(w, HTML))
