"""Every template on other parameters and on a file of the reader's own."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.io import read, write
from rdkit import Chem

from mdlearn.data.fetch import load
from mdlearn.data.tables import load_table
from mdlearn.potentials.labels import GFN2, compute
from mdlearn.potentials.weights import load as load_potential
from mdlearn.templates import run
from mdlearn.units import bohr

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


def test_a_file_in_bohr_is_doubted_and_an_empty_one_refused(tmp_path: Path) -> None:
    water = molecule("H2O")
    water.positions /= bohr
    write(tmp_path / "bohr.xyz", water)
    folder = run("label_molecules", {"data": tmp_path / "bohr.xyz"}, tmp_path / "runs", report=None)
    (executed,) = folder.glob("*.ipynb")
    assert "positions in bohr? They must be in Å" in executed.read_text(encoding="utf-8")
    (tmp_path / "empty.cif").touch()
    with pytest.raises(RuntimeError, match="is empty; did the program that wrote it finish"):
        run("run_md", {"structure": tmp_path / "empty.cif"}, tmp_path, report=None)
    write(tmp_path / "silicon.xyz", bulk("Si"), format="extxyz")
    with pytest.raises(RuntimeError, match="is periodic, GFN2-xTB here takes molecules"):
        run(
            "run_md",
            {"structure": tmp_path / "silicon.xyz", "potential": "xtb"},
            tmp_path,
            report=None,
        )


def test_run_md_on_a_crystal_at_constant_pressure(tmp_path: Path) -> None:
    crystal = bulk("Ar", "fcc", a=5.3, cubic=True) * (2, 2, 2)
    write(tmp_path / "mine.cif", crystal)
    parameters = {
        "structure": tmp_path / "mine.cif", "potential": "lennard-jones", "temperature": 40,
        "pressure": 10, "steps": 100, "settle": 20, "dt_fs": 5, "replicas": 2, "every": 10,
    }  # fmt: skip
    folder = run("run_md", parameters, tmp_path / "runs", report=None)
    found = json.loads((folder / "metrics.json").read_text())["results"]
    assert 1.2 < found["density (g/cm³)"]["mean"] < 1.9
    assert len(read(folder / "trajectory_001.xyz", ":")) == 12
    assert (folder / "plots.png").stat().st_size > 10_000


def test_run_md_takes_an_ase_calculator_by_name_and_refuses_an_unknown_one(tmp_path: Path) -> None:
    write(tmp_path / "cluster.xyz", molecule("H2O"), format="xyz")
    parameters = {
        "structure": tmp_path / "cluster.xyz", "potential": "emt", "steps": 20, "settle": 10,
        "replicas": 1, "every": 10, "relax": False,
    }  # fmt: skip
    folder = run("run_md", parameters, tmp_path / "runs", report=None)
    assert json.loads((folder / "metrics.json").read_text())["potential"] == "emt"
    with pytest.raises(RuntimeError, match="neither one that ships"):
        run("run_md", parameters | {"potential": "phlogiston"}, tmp_path / "runs", report=None)


def test_a_network_explains_the_atoms_of_its_test_molecules(tmp_path: Path) -> None:
    table = load_table("freesolv")
    pairs = zip(table.smiles[:200], table.column("expt")[:200], strict=True)
    lines = ["smiles,dG", *(f"{smiles},{value}" for smiles, value in pairs)]
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n")
    parameters = {"data": tmp_path / "mine.csv", "label": "dG", "epochs": 2, "explained": 3}
    folder = run("train_property_model", parameters, tmp_path / "runs", report=None)
    with (folder / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    for k, row in enumerate(rows):
        heavy = Chem.MolFromSmiles(row["smiles"]).GetNumAtoms()
        assert len(row["atoms"].split()) == (heavy if k < 3 else 0)
    assert "</svg>" in (folder / "atoms.svg").read_text()


def test_a_property_model_is_trained_on_a_dirty_table_and_screens_a_list(tmp_path: Path) -> None:
    table = load_table("logs")
    pairs = zip(table.smiles[:300], table.column("logS")[:300], strict=True)
    lines = ["SMILES;solubility", *(f"{smiles};{value}" for smiles, value in pairs)]
    (tmp_path / "mine.csv").write_text("\n".join([*lines, "nonsense;1", "CCO;"]) + "\n")
    parameters = {"data": tmp_path / "mine.csv", "label": "solubility", "model": "trees", "seed": 2}
    folder = run("train_property_model", parameters, tmp_path / "runs", report=None)
    found = json.loads((folder / "metrics.json").read_text())["test"]
    assert found["RMSE"] < 0.8 * found["RMSE of the mean"]
    assert "nonsense" in (folder / "left_out.txt").read_text()
    with (folder / "predictions.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert (
        len(rows) == json.loads((folder / "metrics.json").read_text())["test"]["molecules"]["test"]
    )
    assert all(float(row["low"]) < float(row["predicted"]) < float(row["high"]) for row in rows)
    assert not any(row["atoms"] for row in rows)  # trees see no atoms
    (tmp_path / "list.smi").write_text("CCO ethanol\nbad row\nc1ccccc1 benzene\n")
    parameters = {"model": folder / "model.safetensors", "molecules": tmp_path / "list.smi"}
    folder = run("screen_molecules", parameters, tmp_path / "runs", report=None)
    rows = (folder / "ranked.csv").read_text().splitlines()
    assert len(rows) == 4 and "ethanol" in rows[1] and "not SMILES" in rows[3]
