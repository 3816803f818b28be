import io
from collections.abc import Iterator

import numpy as np
import pytest
from ase import Atoms
from PIL import Image

from mdlearn.view import picture
from mdlearn.view.proteins import pair_inspector
from mdlearn.view.scene import Scene, show3d
from mdlearn.view.tube import LINK, SMOOTH, chains, curve, trace


def helix(residues: int = 30) -> np.ndarray:
    """CA atoms of a helix: 2.3 Å from the axis, 1.5 Å and 100° apart."""
    k = np.arange(residues)
    turn = np.radians(100) * k
    return np.stack([2.3 * np.cos(turn), 2.3 * np.sin(turn), 1.5 * k], -1)


@pytest.fixture
def scene() -> Iterator[Scene]:
    values = np.arange(30.0)
    made = show3d(Atoms("C30", helix()), style="tube", colors=values, label="place (count)")
    yield made
    made.close()


def test_the_curve_goes_through_every_residue_and_nowhere_far():
    way = curve(helix())
    np.testing.assert_allclose(way[::SMOOTH], helix(), atol=1e-12)
    assert len(way) == 29 * SMOOTH + 1
    far = np.linalg.norm(way[SMOOTH:-SMOOTH, :2], axis=1)  # from the axis, without the ends
    assert far.min() > 1.9 and far.max() < 2.4  # a spiral; straight sticks come to 1.5 Å
    line = np.outer(np.arange(5.0), [3.8, 0, 0])
    np.testing.assert_allclose(curve(line), np.outer(np.arange(33) / 8, [3.8, 0, 0]), atol=1e-12)


def test_a_wide_step_begins_another_chain():
    two = np.concatenate([helix(), helix() + np.array([50.0, 0, 0])])
    assert [len(chain) for chain in chains(two)] == [30, 30]
    assert len(chains(np.outer(np.arange(3), [LINK - 0.1, 0, 0]))) == 1


def test_the_trace_has_the_second_atom_of_each_residue():
    places = np.random.default_rng(0).normal(size=(7, 4, 3))
    np.testing.assert_array_equal(trace(places).positions, places[:, 1])


def test_ngl_is_told_of_residues_it_draws_a_tube_through(scene):
    lines = [line for line in scene._pdb(np.arange(30.0)).splitlines() if line.startswith("ATOM")]
    assert [line[12:20].split() for line in lines] == [["CA", "ALA"]] * 30
    assert [int(line[22:26]) for line in lines] == list(range(1, 31))
    assert [float(line[60:66]) for line in lines] == pytest.approx(np.arange(30) / 0.29, abs=6e-3)
    asked = [call for call in scene.view._ngl_msg_archive if "Representation" in call["methodName"]]
    assert [call["args"] for call in asked] == [["tube"]] and "CONECT" not in scene._pdb(None)


def test_words_and_picture_tell_of_a_tube(scene):
    assert scene.alt == "30 residues as a tube, colored by place (count)"
    atoms = Atoms("C30", helix())
    seen = [
        np.asarray(Image.open(io.BytesIO(picture.still([atoms], style=style))).convert("L"))
        for style in ("tube", "ball+stick")
    ]
    tube, balls = [(image < 250).mean() for image in seen]
    assert tube > 1.5 * balls  # balls alone leave gaps


def test_a_click_on_the_tube_finds_the_pair_of_the_residue():
    places = np.repeat(helix()[:, None], 4, axis=1)
    inspector = pair_inspector(
        places, np.array([[1, 9], [4, 20]]), ["a – b", "c – d"], np.ones((2, 21, 21))
    )
    inspector.click(20)
    assert inspector.chooser.value == 1
    asked = inspector.scene.view._ngl_msg_archive[-1]["kwargs"]
    assert asked["sele"] == "@4,20"
    inspector.close()
