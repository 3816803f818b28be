"""Widgets in a notebook that nobody looks at: nothing waits for a browser, the pictures are there."""

import re

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

pytestmark = pytest.mark.notebook

WIDGET = "application/vnd.jupyter.widget-view+json"
CELLS = [
    "from ase.build import molecule\n"
    "from mdlearn.lesson import agree, claim, predict, show\n"
    "from mdlearn.view.controls import atom_inspector\n"
    "from mdlearn.view.scene import show3d",
    "show3d([molecule('H2O')] * 3, title='Water')",
    "atom_inspector(molecule('H2O'), [1.0, 2.0, 3.0], label='error', unit='meV/Å')",
    "guess = predict('Which?', ['one', 'two'])\nguess",
    "claim('error', 1.234, 2)\nagree(1, 1)\nshow(claim)\nguess.reveal('one')",
]


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    return NotebookClient(
        notebook, timeout=900, startup_timeout=300, store_widget_state=False
    ).execute()


def test_importing_the_viewer_displays_nothing(executed):
    assert executed.cells[0].outputs == []
    assert len(executed.cells[1].outputs) == 1


def test_views_carry_picture_and_words(executed):
    for cell in executed.cells[1:3]:
        (output,) = cell.outputs
        assert set(output.data) == {WIDGET, "image/png", "text/plain"}
        assert output.metadata["image/png"]["alt"] == output.data["text/plain"]


def test_texts_are_short_and_the_same_each_time(executed):
    texts = [output.data["text/plain"] for output in executed.cells[4].outputs]
    assert texts == [
        "claim holds: error ≤ 2",
        "they agree: 1 value, 8 digits",
        "claim from mdlearn.lesson",
        "answer: one",
    ]
    assert executed.cells[3].outputs[0].data["text/plain"] == "Your guess first: Which? (one / two)"


def test_a_page_without_kernel_shows_the_pictures_with_their_words(executed):
    page, _ = HTMLExporter(template_name="classic").from_notebook_node(executed)
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == 2
    assert 'alt="Water: H2O, 3 atoms, 3 frames"' in page
    assert 'alt="Click an atom: H2O, 3 atoms, colored by error (meV/Å); largest on H2"' in page
