"""Recipes of the sets that ship: geometries are what they should be, noise is measured."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mdlearn.data.audit import audit
from mdlearn.data.fetch import load
from mdlearn.potentials.labels import DFT, GFN2, Label, key, label, read_log
from mdlearn.recipes.alanine_dipeptide import PHI, PSI, built
from mdlearn.recipes.labelled_sets import (
    CHECKED,
    SHIPPED,
    Trajectory,
    finer,
    geometries,
    main,
    noise_of,
)
from mdlearn.recipes.malonaldehyde import ACCEPTOR, DONOR, PROTON, WINDOWS
from mdlearn.recipes.sampling import transfer


@pytest.mark.parametrize(("phi", "psi"), [(-83.0, 70.0), (60.0, -60.0), (22.5, -22.5)])
def test_alanine_dipeptide_has_the_torsions_asked_for_and_trans_peptide_bonds(phi, psi):
    atoms = built(phi, psi)
    assert str(atoms.symbols) == "C2ONC3ONCH12"
    found = [atoms.get_dihedral(*four) for four in (PHI, PSI, (0, 1, 3, 4), (4, 6, 8, 9))]
    off = (np.array(found) - [phi, psi, 180, 180] + 180) % 360 - 180
    assert np.abs(off).max() < 6  # degrees; the builder's springs give way a little


def test_alanine_dipeptide_is_left_handed():
    atoms = built(-83.0, 70.0)
    n, alpha, beta, carbon = (atoms.positions[i] for i in (3, 4, 5, 6))
    # seen from the hydrogen: carbonyl, side chain, nitrogen in clockwise order ("CORN")
    assert np.dot(np.cross(n - alpha, carbon - alpha), beta - alpha) > 0


def test_noise_is_the_difference_to_a_finer_calculation():
    frames = [molecule("H2O"), molecule("H2O")]
    frames[1].rattle(0.05, seed=0)
    method, offset = DFT(), 0.002
    assert finer(method).grid > method.grid and finer(GFN2()).accuracy < GFN2().accuracy
    labels = {}
    for number, frame in enumerate(frames):
        forces = np.full((3, 3), 0.1 * number)
        labels[key(frame, method)] = Label(1.0 + number, forces, 1.0)
        labels[key(frame, finer(method))] = Label(1.5 + number, forces + offset, 1.0)
    noise = noise_of(frames, labels, method)
    assert noise == {"frames": 2, "forces (meV/Å)": 2.0, "energies, about their mean (meV)": 0.0}
    assert noise_of(frames, {}, method) == {"frames": 0}


def test_tight_charges_leave_little_noise(tmp_path):
    frames, method = [molecule("CH3CH2OH")], GFN2(accuracy=0.01)
    for one in (method, finer(method)):
        label(frames, one, tmp_path / "log.jsonl", report=None)
    noise = noise_of(frames, read_log(tmp_path / "log.jsonl"), method)
    assert noise["frames"] == 1
    assert noise["forces (meV/Å)"] < 0.1


def walk(folder: Path, number: int) -> list[Atoms]:
    """Two frames of a trajectory; the third one dies the first time it is run."""
    with (folder / "runs").open("a") as runs:
        runs.write(f"{number} ")
    if number == 2 and not (folder / "mended").exists():
        raise RuntimeError("killed")
    frames = [molecule("H2O"), molecule("H2O")]
    for frame in frames:
        frame.info["number"] = number
    return frames


def test_a_trajectory_that_has_ended_is_not_run_again(tmp_path):
    def trajectories() -> list[Trajectory]:
        return [partial(walk, tmp_path, number) for number in range(4)]

    with pytest.raises(RuntimeError, match="killed"):
        geometries(tmp_path / "frames.xyz", trajectories)
    (tmp_path / "mended").touch()
    frames = geometries(tmp_path / "frames.xyz", trajectories)
    assert (tmp_path / "runs").read_text() == "0 1 2 2 3 "
    assert sorted(frame.info["number"] for frame in frames) == [0, 0, 1, 1, 2, 2, 3, 3]
    again = geometries(tmp_path / "frames.xyz", trajectories)
    assert [f.info["number"] for f in again] == [f.info["number"] for f in frames]
    assert not any(frame.pbc.any() for frame in frames)


def shaken() -> list[Atoms]:
    """Nine frames of water."""
    frames = [molecule("H2O") for _ in range(9)]
    for number, frame in enumerate(frames):
        frame.rattle(0.03, seed=number)
        frame.info.update(split="train", temperature=300, kinetic_temperature=300.5, seed=number)
    return frames


def never() -> list[Trajectory]:
    """Geometries that are there must not be sampled again."""
    raise RuntimeError("sampled twice")


def test_a_set_that_ships_unfinished_is_taken_up_in_another_place(tmp_path):
    method, first, second = GFN2(), tmp_path / "first", tmp_path / "second"
    out = ["--out", str(tmp_path / "files")]
    log = "GFN2-xTB.jsonl"
    frames = geometries(first / "frames.xyz", lambda: [shaken])
    label(frames[:CHECKED], finer(method), first / log, report=None)
    label(frames[:6], method, first / log, report=None)
    main("water", never, [method], ["--finished", "--work", str(first), *out])
    card = json.loads((tmp_path / "files/water.json").read_text())
    assert (card["frames"], card["sampled and not yet labelled"]) == ({"train": 6}, 3)

    main("water", never, [method], ["--work", str(second), *out])
    keys = [json.loads(line)["key"] for line in (second / log).read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 9 + CHECKED
    old, new = read_log(first / log), read_log(second / log)
    for name, known in old.items():  # as it was, not computed again: the time tells
        assert (new[name].energy, new[name].failure) == (known.energy, "")
        assert new[name].seconds == pytest.approx(known.seconds, rel=1e-6)
        np.testing.assert_allclose(new[name].forces, known.forces, rtol=1e-6, atol=1e-7)
    again = geometries(second / "frames.xyz", never)
    for ours, theirs in zip(again, frames, strict=True):
        np.testing.assert_array_equal(ours.positions, theirs.positions)
        assert ours.info == theirs.info

    whole = json.loads((tmp_path / "files/water.json").read_text())
    assert (whole["frames"], whole["sampled and not yet labelled"]) == ({"train": 9}, 0)
    noises = [one["noise against a finer calculation"][method.name] for one in (card, whole)]
    assert noises[0] == pytest.approx(noises[1], rel=0.05)  # forces ship in single precision
    assert not (tmp_path / "files/water_left.json").exists()


def test_without_any_label_no_set_is_written(tmp_path):
    geometries(tmp_path / "frames.xyz", lambda: [shaken])
    with pytest.raises(SystemExit, match="no frame has all labels yet"):
        main(
            "water",
            never,
            [GFN2()],
            ["--finished", "--work", str(tmp_path), "--out", str(tmp_path)],
        )
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.parametrize("name", ["ethanol", "malonaldehyde"])
def test_the_sets_that_ship_are_sound_and_as_their_cards_say(name):
    card = json.loads((SHIPPED / f"{name}.json").read_text())
    parts = {"train": [], "test": []}
    for frame in load(name, report=None):
        parts[frame.info["split"]].append(frame)
    assert {split: len(frames) for split, frames in parts.items()} == card["frames"]
    taught, asked = ({frame.info["seed"] for frame in frames} for frames in parts.values())
    assert not taught & asked  # whole trajectories are tested
    assert audit(parts["train"], test=parts["test"]).ok
    assert card["left out because the calculation failed"] == 0
    cheap = load(name, method="xtb", report=None)
    dear, little = (np.mean([f.info["seconds"] for f in part]) for part in (parts["train"], cheap))
    assert dear > 100 * little


def test_malonaldehyde_has_its_proton_on_both_sides_and_between():
    frames = [f for f in load("malonaldehyde", report=None) if f.info["split"] == "train"]
    progress = transfer(DONOR, PROTON, ACCEPTOR)
    place = np.array([progress(frame.positions)[0] for frame in frames])  # Å
    window = np.array([frame.info["window"] for frame in frames])
    assert set(np.round(window, 1)) == set(WINDOWS)
    assert np.histogram(place, [-1.2, -0.6, -0.2, 0.2, 0.6, 1.2])[0].min() > 0.05 * len(frames)
    assert np.corrcoef(place, window)[0, 1] > 0.9


def test_what_is_left_of_malonaldehyde_is_not_in_the_set():
    card = json.loads((SHIPPED / "malonaldehyde.json").read_text())
    path = SHIPPED / "malonaldehyde_left.json"  # gone when all is labelled
    left = json.loads(path.read_text())["geometries"] if path.exists() else []
    assert len(left) == card["sampled and not yet labelled"]
    known = {frame.positions.tobytes() for frame in load("malonaldehyde", report=None)}
    assert not known & {np.array(one["positions"]).tobytes() for one in left}
    assert len(known) + len(left) == 7 * (48 + 46 + 48) + 100
