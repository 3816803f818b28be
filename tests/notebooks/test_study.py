"""Chapter 5 on a file of the reader's own: the same cells, another question, a manifest of that file."""

import json
import os
from pathlib import Path

import papermill
import pytest
from ase.io import write

from mdlearn.data.fetch import load
from mdlearn.manifest import sha256
from tests.notebooks.runner import ROOT

CHAPTER = ROOT / "notebooks/5_study.ipynb"
SMALL = {
    "labels": 200, "members": 3, "training_steps": 400, "copies": 12, "steps": 400,
    "worst_force": 0.5, "off_forces": 20.0, "off_answers": 50.0, "seed": 1,
}  # fmt: skip


@pytest.mark.notebook
def test_a_study_runs_on_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    frames = load("ethanol", report=None)[::3]
    for frame in frames:
        del frame.info["split"], frame.info["temperature"]
    mine, kept, claims = (tmp_path / name for name in ("mine.xyz", "mine.json", "claims"))
    write(mine, frames, format="extxyz")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    monkeypatch.setenv("MDLEARN_METRICS", str(claims))
    values = SMALL | {"data": str(mine), "keep": str(kept)}
    papermill.execute_notebook(
        CHAPTER,
        tmp_path / "run.ipynb",
        values,
        kernel_name="python3",
        progress_bar=False,
        start_timeout=300,
    )
    manifest = json.loads(kept.read_text(encoding="utf-8"))
    assert manifest["data"] == sha256(mine) and manifest["repeated"]
    assert "near each other" in manifest["question"]
    assert manifest["baseline"] == "no force at all"
    told = [json.loads(line) for line in claims.read_text(encoding="utf-8").splitlines()]
    assert len(told) >= 8 and all(one["holds"] for one in told)
