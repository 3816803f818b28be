"""Each benchmark runs without rivals for about a second and writes results of the agreed form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import properties_accuracy
from benchmarks.common import ROOT, append, mean, row, stored, table, write
from benchmarks.force_field_training import best

KEYS = {"what", "ours", "rival", "ratio", "bar", "unit", "holds"}
SCRIPTS = {
    "chapters": "",
    "dynamics_speed": "--quick --rounds 1 --seconds 0.02",
    "dynamics_engines": "--side 3 --boxes 2 --rounds 1 --seconds 0.02 --drift 100",
    "dynamics_truths": "--steps 200",
    "force_field_speed": "--systems silicon --rounds 1 --seconds 0.1",
    "properties_speed": "--sets freesolv --rounds 1 --molecules 96 --screened 64 "
    "--whole freesolv --epochs 1 --long freesolv --lines 200",
    "properties_accuracy": "--sets freesolv --seeds 1 --epochs 1 --workers 2 --log {folder}/log",
    "properties_exactness": "--sets freesolv --molecules 64",
    "properties_attribution": "--sets freesolv --seeds 1 --epochs 1 --molecules 60 --explained 3",
    "force_field_training": "--budget 0.5 --scan 0.5 --seeds 1 --train 20 --valid 5 "
    "--rates ours=0.01 --log {folder}/log",
    "structure_couplings": "--sets rhomboid --rounds 1",
    "structure_families": "--sets shipped --only rhomboid --replicas 2 --steps 2 "
    "--log {folder}/log",
}


def run(script: str, folder: Path) -> dict:
    words = SCRIPTS[script].format(folder=folder).split()
    command = [sys.executable, "-m", f"benchmarks.{script}", "--models", "ours", *words]
    subprocess.run(
        [*command, "--results", folder],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return json.loads((folder / f"{script}.json").read_text())


@pytest.mark.parametrize("script", sorted(set(SCRIPTS) - {"force_field_training"}))
def test_results_have_the_agreed_form(script: str, tmp_path: Path):
    check(run(script, tmp_path), tmp_path)


def test_a_training_is_written_and_not_repeated_after_a_kill(tmp_path: Path):
    log = tmp_path / "log"
    check(run("force_field_training", tmp_path), tmp_path)
    done = log.read_bytes()
    log.write_bytes(done + b'{"model": "ours", "rate"')  # killed while writing
    check(run("force_field_training", tmp_path), tmp_path)
    assert stored(log) == [json.loads(line) for line in done.splitlines()]


def check(found: dict, folder: Path) -> None:
    assert {"machine", "date", "versions", "command", "rows"} == found.keys()
    assert "torch" in found["versions"]
    assert str(folder) not in json.dumps(found)
    assert found["rows"]
    for entry in found["rows"]:
        assert entry.keys() >= KEYS
        assert entry["ours"] > (-1 if "r with" in entry["what"] else 0)  # a correlation, or a size


def test_a_line_cut_off_by_a_kill_is_dropped(tmp_path: Path):
    log = tmp_path / "log"
    append(log, {"n": 1})
    log.write_bytes(log.read_bytes() + b'{"n": 2')
    assert stored(log) == [{"n": 1}]
    append(log, {"n": 3})
    assert stored(log) == [{"n": 1}, {"n": 3}]


def test_accuracy_starts_no_run_when_the_time_is_over_and_repeats_none(tmp_path: Path):
    log = tmp_path / "log"
    words = ["--sets", "freesolv", "--models", "trees", "--seeds", "1", "--log", str(log)]
    words += ["--results", str(tmp_path)]
    properties_accuracy.main([*words, "--minutes", "0"])
    assert stored(log) == []
    properties_accuracy.main(words)
    done = stored(log)
    assert [(run["model"], run["device"]) for run in done] == [("trees", "cpu")]
    properties_accuracy.main(words)
    assert stored(log) == done


def test_the_learning_rate_is_chosen_by_validation():
    runs = [
        {"rate": 1, "failure": "the loss is nan"},
        {"rate": 2, "valid": {"force_mae": 3.0}, "test": {"force_mae": 1.0}},
        {"rate": 3, "valid": {"force_mae": 2.0}, "test": {"force_mae": 9.0}},
    ]
    assert best(runs)["rate"] == 3
    with pytest.raises(ValueError, match="lower --rates"):
        best(runs[:1])


def test_rows_judge_errors_and_speed_the_right_way_round():
    assert row("error", 20.0, 50.0, unit="meV/Å", bar=0.42)["holds"] is True
    assert row("error", 25.0, 50.0, unit="meV/Å", bar=0.42)["holds"] is False
    assert row("time", 10.0, 41.0, unit="ms", bar=4.1, speed=True)["holds"] is True
    assert row("time", 10.0, 40.0, unit="ms", bar=4.1, speed=True)["holds"] is False
    assert row("error", 44.0, None, unit="meV/Å", bar=45.0)["holds"] is True
    assert "NO" in table([row("error", 25.0, 50.0, unit="meV/Å", bar=0.42)])


def test_rows_of_earlier_calls_stay_until_measured_anew(tmp_path: Path):
    write("some", [row("a", 1.0, None, unit="s"), row("b", 2.0, None, unit="s")], {}, tmp_path)
    path = write("some", [row("b", 3.0, None, unit="s")], {}, tmp_path)
    kept = json.loads(path.read_text())["rows"]
    assert [(entry["what"], entry["ours"]) for entry in kept] == [("a", 1.0), ("b", 3.0)]


def test_the_standard_error_of_three_values():
    assert mean([1.0, 2.0, 3.0]) == (2.0, pytest.approx(3**-0.5))
    assert mean([5.0]) == (5.0, None)
