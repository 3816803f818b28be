"""A sweep checks all its runs before one starts, and loses nothing when one fails."""

import csv
from pathlib import Path

import nbformat
import pytest
from dask.distributed import Client, LocalCluster

from mdlearn.cli import main
from mdlearn.sweep import combinations, sweep

PARAMETERS = """rate: float = 1e-2  # 1/step, learning rate
epochs: int = 5  # count, passes over the data
sizes: list[int] = [1, 2]  # count, of layers"""
WORK = """import json
from pathlib import Path
assert rate < 1, "too fast"
_ = Path("metrics.json").write_text(json.dumps({"error": {"test": rate * epochs}, "name": "x"}))"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    cells = [
        nbformat.v4.new_markdown_cell("# Tiny\n\nMultiplies."),
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(WORK),
    ]
    path = tmp_path / "tiny.ipynb"
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


def test_all_combinations_in_order(template):
    rows = combinations(template, {}, {"rate": "0.01,0.003", "epochs": [1, 2]})
    assert rows == [
        {"rate": 0.01, "epochs": 1}, {"rate": 0.01, "epochs": 2},
        {"rate": 0.003, "epochs": 1}, {"rate": 0.003, "epochs": 2},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--sweep", "rat=0.1,0.2"], "no parameter 'rat', did you mean 'rate'"),
        (["--sweep", "rate=0.1,fast"], "rate is 'fast'"),
        (["--sweep", "rate"], "must look like"),
        (["--sweep", "sizes=1,2"], "is a list"),
        (["--sweep", "rate=0.1,0.1"], "a value twice"),
        (["--rate", "0.1", "--sweep", "rate=0.1,0.2"], "given twice"),
        (["--epoch", "3", "--sweep", "rate=0.1,0.2"], "did you mean 'epochs'"),
        (["--sweep", "epochs=" + ",".join(map(str, range(2000)))], "2,000 runs are asked for"),
    ],
)
def test_a_slip_is_told_before_anything_starts(arguments, says, template, tmp_path, capsys):
    assert main(["run", str(template), *arguments, "-o", str(tmp_path / "runs")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.notebook
def test_a_failed_run_costs_only_itself_and_a_finished_one_nothing(template, tmp_path, capsys):
    runs = tmp_path / "runs"
    command = ["run", str(template), "--epochs", "3", "-o", str(runs), "--sweep", "rate=0.1,2"]
    assert main(command) == 1
    (table,) = runs.glob("sweep-*.csv")
    good, bad = csv.DictReader(table.read_text().splitlines())
    assert float(good["error.test"]) == pytest.approx(0.3) and good["error"] == ""
    assert "too fast" in bad["error"] and bad["folder"] == ""
    before = (runs / good["folder"] / "manifest.json").stat().st_mtime_ns
    assert main([*command[:-1], "rate=0.1"]) == 0
    assert (runs / good["folder"] / "manifest.json").stat().st_mtime_ns == before


@pytest.mark.notebook
def test_dask_gives_the_same_folders(template, tmp_path):
    varied = {"rate": [0.1, 0.2]}
    settings = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(1, **settings) as cluster, Client(cluster) as client:
        far = sweep(template, None, varied, tmp_path / "far", client=client, report=None)
    near = sweep(template, None, varied, tmp_path / "near", workers=2, report=None)
    assert [o.folder.name for o in far] == [o.folder.name for o in near]
    assert [o.values for o in far] == [{"rate": 0.1}, {"rate": 0.2}]
