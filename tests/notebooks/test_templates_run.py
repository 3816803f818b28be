"""Every template on other parameters and on a file of the reader's own."""

import json
from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write

from mdlearn.data.fetch import load
from mdlearn.potentials.labels import GFN2, compute
from mdlearn.potentials.weights import load as load_potential
from mdlearn.templates import run

pytestmark = pytest.mark.notebook


def test_train_force_field_on_a_file_with_uncommon_keys(tmp_path: Path) -> None:
    frames = load("ethanol")[:40]
    for number, frame in enumerate(frames):
        frame.info = {"REF_energy": frame.get_potential_energy(), "run": number // 8}
        frame.arrays["REF_forces"] = frame.get_forces()
        frame.calc = None
    write(tmp_path / "mine.xyz", frames, format="extxyz")
    parameters = {
        "data": tmp_path / "mine.xyz", "group": "run", "epochs": 8, "channels": 4, "seed": 3,
        "valid": 0.2, "test": 0.2,
    }  # fmt: skip
    folder = run("train_force_field", parameters, tmp_path / "runs", report=None)
    metrics = json.loads((folder / "metrics.json").read_text())
    found = metrics["errors (meV/Å, meV/atom)"]
    assert metrics["frames"] == {"train": 24, "valid": 8, "test": 8}
    assert 0 < found["test"]["force_mae"] < 0.9 * found["baseline"]["force_mae"]
    assert load_potential(folder / "potential.safetensors").settings["channels"] == 4
    assert (folder / "curves.png").stat().st_size > 10_000


def test_label_molecules_on_a_plain_xyz_file(tmp_path: Path) -> None:
    frames = load("ethanol")[:3]
    for frame in frames:
        frame.calc, frame.info = None, {}
    write(tmp_path / "mine.xyz", frames, format="xyz")
    parameters = {"data": tmp_path / "mine.xyz", "first": 2, "workers": 2}
    folder = run("label_molecules", parameters, tmp_path / "runs", report=None)
    labelled = read(folder / "labelled.xyz", ":")
    assert len(labelled) == 2
    wanted = compute(labelled[1], GFN2())
    assert labelled[1].get_potential_energy() == pytest.approx(wanted.energy, abs=1e-5)
    np.testing.assert_allclose(labelled[1].get_forces(), wanted.forces, atol=1e-4)
    assert json.loads((folder / "metrics.json").read_text())["failed"] == 0


@pytest.mark.parametrize(
    ("template", "parameters", "message"),
    [
        ("train_force_field", {"epoch": 5}, "did you mean 'epochs'"),
        ("train_force_field", {"epochs": "many"}, "it must be int"),
        ("label_molecules", {"data": "nowhere.xyz"}, "no such file"),
    ],
)
def test_a_mistake_is_told_before_a_kernel_starts(
    tmp_path: Path, template: str, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        run(template, parameters, tmp_path, report=None)
    assert not list(tmp_path.iterdir())


def test_a_method_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="it must be gfn2 or dft"):
        run("label_molecules", {"method": "ccsd"}, tmp_path, report=None)
