"""What README says is true: its code runs, its table is the last measurement, its links lead on."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks.readme import END, START, merged, table, telling, updated

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "notebooks/templates/README.md")]


def test_the_code_runs(tmp_path: Path):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len([line for line in code.splitlines() if line]) == 12
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / "ethanol.png").stat().st_size > 5000


def test_the_table_is_the_last_measurement():
    kept = ROOT / "notebooks/measured.json"
    measured = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    assert updated(README, table(measured)) == README, "run `make readme`"
    chapters = {str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/[0-9]*.ipynb")}
    chapters |= {str(path.relative_to(ROOT)) for path in ROOT.glob("notebooks/[0-9]*/*.ipynb")}
    assert set(measured) == chapters, "run `make notebooks readme`"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_to_files_lead_to_files(page: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_a_new_run_replaces_the_old_and_a_lost_chapter_goes(tmp_path: Path):
    (tmp_path / "build").mkdir()
    claim = {"name": "error", "value": 18.04, "unit": "meV/Å", "baseline": 1234.0}
    claim["baseline_name"] = "zero"
    run = {"notebook": "1.ipynb", "cpu_seconds": 90.0, "peak_mb": 512.4, "claims": [claim]}
    (tmp_path / "build/1.json").write_text(json.dumps(run))
    cell = {"cell_type": "markdown", "source": ["# One\n", "more"]}
    (tmp_path / "1.ipynb").write_text(json.dumps({"cells": [cell]}))
    old = {"1.ipynb": run | {"cpu_seconds": 1.0}, "lost.ipynb": run}
    measured = merged(old, tmp_path / "build", tmp_path)
    assert list(measured) == ["1.ipynb"] and measured["1.ipynb"]["cpu_seconds"] == 90.0
    row = table(measured, tmp_path).splitlines()[-1]
    assert row == "| [One](1.ipynb) | 1.5 | 512 MB | error: 18 meV/Å (zero: 1,234 meV/Å) |"
    page = updated(f"a\n{START}\nold\n{END}\nb", "new\n")
    assert page == f"a\n{START}\nnew\n{END}\nb"


def test_a_claim_that_is_told_but_gone_is_named():
    claims = [{"name": "something else", "baseline": None}]
    with pytest.raises(ValueError, match="00_start no longer claims 'force error"):
        telling("00_start", claims)
