"""A ranked list: the row chosen is the molecule shown, and every number is told."""

import io

import numpy as np
import pytest
from ase.build import molecule
from PIL import Image

from mdlearn.view.ranked import intervals, ranked_list

SHAPES = [molecule(name) for name in ("CH3CH2OH", "H2O", "C6H6")]
NAMES = ["ethanol", "water", "benzene with a long name"]
SCORES, LOW, HIGH = np.array([3.0, 2.0, 1.0]), np.array([2.0, 0.5, 0.9]), np.array([4.5, 2.5, 1.1])


@pytest.fixture
def panel():
    made = ranked_list(SHAPES, NAMES, SCORES, LOW, HIGH, label="score (1)", title="Ranks",
                       remarks=["near", "far <away>", "far"])  # fmt: skip
    yield made
    made.close()


def visible(panel) -> list[bool]:
    """What the view was last told about each molecule."""
    calls = [m for m in panel.scene.view._ngl_msg_archive if m["methodName"] == "setVisibility"]
    told = {m["component_index"]: m["args"][0] for m in calls}
    return [told[k] for k in sorted(told)]


def test_the_row_chosen_is_the_molecule_shown(panel):
    assert visible(panel) == [True, False, False]
    panel.chooser.value = 1
    assert visible(panel) == [False, True, False]
    assert "2. water" in panel.told.value and "2.00, between 0.50 and 2.50" in panel.told.value
    assert "far &lt;away&gt;" in panel.told.value


def test_the_picture_follows_and_the_words_name_all(panel):
    first = panel.picture()
    panel.choose(2)
    assert first != panel.picture() and Image.open(io.BytesIO(first)).size == (840, 300)
    assert all(name in panel.alt for name in NAMES)


def test_each_molecule_stands_in_the_middle_of_the_view(panel):
    for blob in [m["args"][0]["data"] for m in panel.scene.view._ngl_msg_archive
                 if m["methodName"] == "loadFile"]:  # fmt: skip
        rows = [line for line in blob.splitlines() if line.startswith("ATOM")]
        places = np.array([[float(line[k : k + 8]) for k in (30, 38, 46)] for line in rows])
        np.testing.assert_allclose(places.mean(0), 0, atol=2e-3)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="2 names"):
        ranked_list(SHAPES, NAMES[:2], SCORES, LOW, HIGH, label="score (1)")


def test_the_chosen_interval_looks_different():
    table = np.stack([SCORES, LOW, HIGH], axis=1)
    assert intervals(NAMES, table, "score (1)", 0) != intervals(NAMES, table, "score (1)", 1)
