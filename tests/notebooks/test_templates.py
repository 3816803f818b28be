"""Every template runs on other parameters than its own, and leaves what it promises."""

import json
import resource
import tomllib
from pathlib import Path

import pytest

from mdlearn.templates import read_parameters, run
from tests.notebooks.runner import ROOT

TEMPLATES = sorted((ROOT / "notebooks/templates").glob("*.ipynb"))
SMALL = tomllib.loads((ROOT / "tests/notebooks/templates.toml").read_text())


def test_no_parameters_are_left_over():
    assert set(SMALL) == {path.stem for path in TEMPLATES}


@pytest.mark.notebook
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_template_runs(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    values = SMALL[template.stem]
    known = read_parameters(template)
    assert any(values[name] != known[name].default for name in values), "these are its own"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    folder = run(template, values, tmp_path, report=None)
    taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before  # CPU s of the kernel
    assert 1 < taken < 60, "choose smaller parameters"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert any(name.endswith(".png") for name in manifest["results_sha256"]), "no figure"
    assert "metrics.json" in manifest["results_sha256"]
