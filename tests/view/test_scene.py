import io
import threading
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import read
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from mdlearn.view import picture
from mdlearn.view.scene import show3d
from mdlearn.view.theme import BLUE, GRAY, VERMILION

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def ethanol() -> Atoms:
    return molecule("CH3CH2OH")


@pytest.fixture
def show():
    """`show3d`, with what it opens closed at the end."""
    opened = []

    def show(*args, **options):
        opened.append(show3d(*args, **options))
        return opened[-1]

    yield show
    for scene in opened:
        scene.close()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_the_bundle_has_the_live_view_and_the_picture_with_its_words(show, ethanol):
    data, about = show(ethanol, title="Ethanol")._repr_mimebundle_()
    assert {WIDGET, "image/png", "text/plain"} == set(data)
    assert about["image/png"]["alt"] == data["text/plain"] == "Ethanol: C2H6O, 9 atoms"


def test_words_tell_of_frames_cell_and_colors(show, ethanol):
    assert "2 frames" in show([ethanol, ethanol]).alt
    assert "periodic" in show(bulk("Si", cubic=True)).alt
    values = np.arange(9.0)
    assert show(ethanol, colors=values, label="charge (e)").alt.endswith("colored by charge (e)")
    assert show(ethanol, alt="my words").alt == "my words"


def test_the_picture_has_the_colors_of_the_elements(ethanol):
    seen = pixels(picture.still([ethanol]))
    red = (seen[..., 0] > 130) & (seen[..., 1:].max(-1) < 60)
    assert 200 < red.sum() < 8000  # oxygen
    assert (seen.min(-1) > 250).mean() > 0.3  # white around
    assert (seen.min(-1) < 200).mean() > 0.05  # a molecule in it


def test_the_picture_stays_inside_its_frame():
    long = Atoms("C8", positions=[[1.4 * i, 0, 0] for i in range(8)])
    for atoms in (long, bulk("Ar", "fcc", 5.4, cubic=True)):
        seen = pixels(picture.still([atoms], style="spacefill"))
        rim = np.concatenate([seen[:3].ravel(), seen[-3:].ravel()])
        assert rim.min() > 250
        assert np.concatenate([seen[:, 0].ravel(), seen[:, -1].ravel()]).min() > 250


def test_nearer_atoms_hide_farther_ones():
    pair = Atoms("OC", positions=[[0, 0, 1], [0, 0, -4]])
    colors = picture.element_colors(pair)
    image = picture.render(pair, np.eye(3), colors, size=(41, 41), extent=np.array([2.0, 2.0]))
    center = image[20, 20]
    assert center[0] > 2 * center[1]  # red oxygen, not gray carbon


def test_the_pose_is_a_rotation_and_turns_with_the_molecule(ethanol):
    rotation = picture.pose(ethanol)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    turned = ethanol.copy()
    turned.rotate(73, (1, 2, 3))
    center = ethanol.positions.mean(0), turned.positions.mean(0)
    seen = (ethanol.positions - center[0]) @ rotation.T
    again = (turned.positions - center[1]) @ picture.pose(turned).T
    np.testing.assert_allclose(seen, again, atol=1e-8)


def test_bonds_of_ethanol(ethanol):
    assert len(picture.find_bonds(ethanol)) == 8
    assert len(picture.find_bonds(Atoms("Ar2", positions=[[0, 0, 0], [2, 0, 0]]))) == 0


@pytest.mark.parametrize(
    ("values", "limits"), [([0, 1, 4], (0, 4)), ([-1, 0, 3], (-3, 3)), ([-2, -1, -1], (-2, 0))]
)
def test_color_scales_start_at_zero_or_center_on_it(values, limits):
    scale = picture.value_colors(np.array(values, dtype=float))[1]
    assert (scale.norm.vmin, scale.norm.vmax) == limits


def test_live_view_and_picture_share_pose_and_colors(show, ethanol):
    values = np.arange(9.0)
    scene = show(ethanol, colors=values, label="force error (meV/Å)")
    lines = [line for line in scene._pdb(values).splitlines() if line.startswith("ATOM")]
    written = np.array([[float(line[k : k + 8]) for k in (30, 38, 46)] for line in lines])
    center = ethanol.positions.mean(0)
    expected = (ethanol.positions - center) @ picture.pose(ethanol).T * [-1, 1, -1]
    np.testing.assert_allclose(written, expected, atol=6e-4)  # a PDB file has three decimals
    np.testing.assert_allclose([float(line[60:66]) for line in lines], 100 * values / 8, atol=6e-3)


@pytest.mark.parametrize("count", [99, 101, 1200])
def test_many_atoms_keep_their_elements_and_places(show, count):
    """A name of five letters shifts the columns of a PDB file: argon 100 was drawn as another."""
    places = 3.8 * np.stack(np.unravel_index(np.arange(count), (12, 12, 12)), -1)
    atoms = Atoms(["Ar", "C"] * (count // 2) + ["Ar"] * (count % 2), positions=places)
    text = show(atoms)._pdb(None)
    found = read(io.StringIO(text), format="proteindatabank")
    assert found.symbols.get_chemical_formula() == atoms.symbols.get_chemical_formula()
    assert (found.numbers == atoms.numbers).all()
    lines = [line for line in text.splitlines() if line.startswith("ATOM")]
    assert {len(line) for line in lines} == {len(lines[0])}
    np.testing.assert_allclose(
        found.get_all_distances()[0], atoms.get_all_distances()[0], atol=0.01
    )


def test_a_long_chain_has_its_bonds(show):
    """NGL looks for bonds among 500 atoms at most."""
    chain = Atoms("C" * 600, positions=np.outer(np.arange(600), [1.5, 0, 0]))
    told = [line for line in show(chain)._pdb(None).splitlines() if line.startswith("CONECT")]
    assert len(told) == 599 and told[0].split() == ["CONECT", "1", "2"]
    assert "CONECT" not in show(chain[:500])._pdb(None)


def test_a_film_has_the_bonds_that_most_of_its_frames_have(show):
    """NGL would take those of the first frame, and a chain that folds begins as a crowd."""
    chain = Atoms("C" * 12, positions=np.outer(np.arange(12), [1.5, 0, 0]))
    crowd, torn = chain.copy(), chain.copy()
    crowd.positions *= 0.1
    torn.positions[6:] += 5.0
    scene = show([crowd, *[chain] * 9, torn])
    told = [line.split()[1:] for line in scene._pdb(None).splitlines() if "CONECT" in line]
    assert told == [[str(i), str(i + 1)] for i in range(1, 12)]
    asked = [call for call in scene.view._ngl_msg_archive if call.get("methodName") == "loadFile"]
    assert asked[0]["kwargs"]["inferBonds"] == "none"


def test_named_kinds_have_one_color_each_and_a_bar_with_their_names(show, ethanol):
    kinds, names = np.array([0.0, 1.0, 2.0] * 3), ("other", "strand", "helix")
    colors, scale = picture.value_colors(kinds, names)
    assert {to_hex(color).upper() for color in colors} == {GRAY, VERMILION, BLUE}
    np.testing.assert_allclose(100 * scale.norm(kinds[:3]), [100 / 6, 50, 500 / 6])
    steps = [to_hex(scale.cmap(x)) for x in np.linspace(0, 1, 11)]  # NGL blends between these
    assert steps[1] == steps[2] and steps[8] == steps[9] and len(set(steps)) == 3
    show(ethanol, colors=kinds, names=names, label="state")
    bar = Figure().colorbar(scale, cax=Figure().subplots())
    picture.tell_bar(bar, "state", names)
    assert [tick.get_text() for tick in bar.ax.get_yticklabels()] == list(names)
    with pytest.raises(ValueError, match="2 names need colors from 0 to 1"):
        show(ethanol, colors=kinds, names=names[:2], label="state")


def test_moving_reaches_the_view(show, ethanol):
    scene = show(ethanol)
    scene.move(ethanol.positions + 1.0)
    sent = scene.view._coordinates_dict[0]
    np.testing.assert_allclose(
        sent - scene._placed(ethanol.positions),
        np.ones((9, 3)) @ scene.rotation.T * [-1, 1, -1],
        atol=1e-6,
    )


def test_the_player_walks_through_the_frames(show, ethanol):
    frames = [ethanol.copy() for _ in range(5)]
    for k, frame in enumerate(frames):
        frame.positions += 0.1 * k
    scene = show(frames)
    assert scene.player.max == 4
    scene.view.frame = 3
    np.testing.assert_allclose(
        scene.view._coordinates_dict[0], scene._placed(frames[3].positions), atol=1e-6
    )


def test_a_click_tells_the_place_of_the_atom(show, ethanol):
    scene, clicked = show(ethanol), []
    scene.on_click(clicked.append)
    scene.view.picked = {"atom1": {"index": 2, "name": "O"}}
    scene.view.picked = {}
    assert clicked == [2]


def test_scenes_keep_no_threads(show, ethanol):
    before = threading.active_count()
    for _ in range(5):
        show(ethanol).mark(2)
    end = time.monotonic() + 60
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.02)
    assert threading.active_count() <= before


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: show3d([]), "at least one|one molecule"),
        (lambda a: show3d([a, a[:3]]), "equal"),
        (lambda a: show3d(a, style="cartoon"), "style is one of"),
        (lambda a: show3d(a, colors=np.ones(3), label="x (e)"), "3,"),
        (lambda a: show3d(a, colors=np.ones(9), label="charge"), "unit"),
        (lambda a: show3d(a, colors=np.full(9, np.nan), label="x (e)"), "not finite"),
    ],
)
def test_bad_input_is_told_what_to_do(ethanol, call, words):
    with pytest.raises(ValueError, match=words):
        call(ethanol)
