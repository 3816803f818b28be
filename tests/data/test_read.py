"""Any common key is understood; what is broken is named, with its frame and a cure."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from mdlearn.data.read import check_geometry, labels_of, read_frames


def store(path, frames, energy="energy", forces="forces", sign=1.0, skip=()):
    """Frames in a file whose labels have these names."""
    plain = []
    for i, frame in enumerate(frames):
        copy = Atoms(frame.numbers, frame.positions)
        if energy and i not in skip:
            copy.info[energy] = frame.get_potential_energy()
        if forces and i not in skip:
            copy.arrays[forces] = sign * frame.get_forces()
        plain.append(copy)
    write(path, plain, format="extxyz")
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "frames.extxyz"


@pytest.mark.parametrize(
    ("energy", "forces"),
    [
        ("energy", "forces"),
        ("Energy", "force"),
        ("E", "F"),
        ("REF_energy", "REF_forces"),
        ("dft_energy", "dft_forces"),
        ("TotEnergy", "forces"),
    ],
)
def test_common_keys_are_understood(path, ethanol, energy, forces):
    store(path, ethanol[:3], energy, forces)
    for frame, true in zip(read_frames(path, report=None), ethanol[:3], strict=True):
        assert labels_of(frame)[0] == pytest.approx(true.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(labels_of(frame)[1], true.get_forces(), atol=1e-6)


@pytest.mark.parametrize(("key", "told"), [("gradient", None), ("dEdR", "-dEdR")])
def test_a_gradient_becomes_forces(path, ethanol, key, told):
    store(path, ethanol[:2], forces=key, sign=-1.0)
    said = []
    frame = read_frames(path, forces=told, report=said.append)[0]
    np.testing.assert_allclose(labels_of(frame)[1], ethanol[0].get_forces(), atol=1e-6)
    assert f"minus {key!r}" in said[0]


def test_keys_can_be_told(path, ethanol):
    store(path, ethanol[:2], "eps", "phi")
    frame = read_frames(path, energy="eps", forces="phi", report=None)[1]
    assert labels_of(frame)[0] == pytest.approx(ethanol[1].get_potential_energy(), abs=1e-6)


def test_other_information_stays(path, ethanol):
    frames = [frame.copy() for frame in ethanol[:2]]
    for frame, true in zip(frames, ethanol, strict=False):
        frame.calc, frame.info["temperature"] = true.calc, 300
    write(path, frames, format="extxyz")
    assert read_frames(path)[0].info["temperature"] == 300


def test_single_atoms_need_no_forces(path):
    write(path, [Atoms("H", info={"E": -13.6}), Atoms("C", info={"E": -1029.0})], format="extxyz")
    assert [labels_of(frame)[0] for frame in read_frames(path, report=None)] == [-13.6, -1029.0]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_frames(tmp_path / "none.xyz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; did the program"),
        ("2\nProperties=species:S:1:pos:R:3\nH 0 0 0\n", "cut-off last frame"),
        ("1\nProperties=species:S:1:pos:R:3\nQq 0 0 0\n", "unknown element symbols"),
        ("not a molecule\n", "cannot be read"),
    ],
)
def test_broken_files_are_told(path, text, said):
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_frames(path)


def test_unknown_formats_are_told(tmp_path):
    (tmp_path / "notes.qqq").write_text("hello\n")
    with pytest.raises(ValueError, match="convert it to extxyz"):
        read_frames(tmp_path / "notes.qqq")


def test_missing_labels_are_told_with_the_keys_there_are(path, ethanol):
    store(path, ethanol[:2], "energy", "phi")
    with pytest.raises(ValueError, match=r"has no forces; frame 0 has energy, phi.*forces=…"):
        read_frames(path)
    with pytest.raises(ValueError, match="has no energy 'eps'"):
        read_frames(path, energy="eps", forces="phi")


def test_labels_on_some_frames_only_are_told(path, ethanol):
    store(path, ethanol[:5], "my_energy", "my_forces", skip=(1, 3))
    with pytest.raises(
        ValueError, match=r"2 of 5 frames lack 'my_energy' \(the first is frame 1\)"
    ):
        read_frames(path, energy="my_energy", forces="my_forces")


def test_labels_that_differ_are_not_guessed_between(path, ethanol):
    frames = [ethanol[0].copy()]
    frames[0].calc, frames[0].info["REF_energy"] = ethanol[0].calc, -1.0
    write(path, frames, format="extxyz")
    with pytest.raises(ValueError, match="several energy that differ: REF_energy, energy"):
        read_frames(path)
    assert labels_of(read_frames(path, energy="REF_energy", report=None)[0])[0] == -1.0


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        ("position", "the position of atom 4 is not a number"),
        ("energy", "energy or forces are NaN"),
        ("forces", "energy or forces are NaN"),
        ("overlap", "atoms 0 and 1 overlap, 0.173 Å apart"),
    ],
)
def test_a_frame_that_cannot_be_learned_from_is_told(path, ethanol, spoiled, said):
    bad = ethanol[0].copy()
    bad.calc = SinglePointCalculator(
        bad, energy=np.nan if spoiled == "energy" else 1.0, forces=np.zeros((9, 3))
    )
    if spoiled == "position":
        bad.positions[4, 0] = np.nan
    if spoiled == "overlap":
        bad.positions[1] = bad.positions[0] + 0.1
    if spoiled == "forces":
        bad.calc.results["forces"][2] = np.inf
    bad.calc.atoms = bad.copy()
    write(path, [ethanol[1], bad], format="extxyz")
    with pytest.raises(ValueError, match=f"frame 1.*{said}"):
        read_frames(path)


def test_overlaps_across_a_cell_are_seen():
    crystal = bulk("Si", cubic=True) * 2
    check_geometry(crystal)
    crystal.positions[3] = crystal.positions[0] - [0.1, 0, 0] + crystal.cell[0]
    with pytest.raises(ValueError, match=r"atoms 0 and 3 overlap|atoms 3 and 0 overlap"):
        check_geometry(crystal)


def test_unlabeled_frames_are_told():
    with pytest.raises(ValueError, match="H2 has no energy and forces"):
        labels_of(Atoms("H2", positions=[[0, 0, 0], [0, 0, 0.74]]))
