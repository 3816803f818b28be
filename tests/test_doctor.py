"""The doctor finds this machine well, and each planted illness with its cure."""

import json
import re
from pathlib import Path

import pytest

from mdlearn import doctor
from mdlearn.cli import main
from mdlearn.doctor import Finding, examine, told


def test_quick_checks_are_well_here():
    quick = (doctor.python, doctor.packages, doctor.cores, doctor.device, doctor.viewer)
    assert {finding.state for finding in examine(quick)} == {"good"}


@pytest.mark.notebook
def test_the_kernel_is_this_python():
    assert doctor.kernel() == Finding("kernel", "good", "python3 starts and is this Python")


def test_a_kernel_that_is_not_there_is_told():
    finding = doctor.kernel("python9")
    assert finding.state == "bad" and "python9" in finding.found
    assert "ipykernel install" in finding.cure


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("phlogiston>=1", "phlogiston is missing"),
        ("numpy<1", r"numpy is 2.*and <1 is wanted"),
    ],
)
def test_a_package_that_is_missing_or_too_old_is_named(wanted, found):
    finding = doctor.packages(["scipy>=1", wanted])
    assert finding.state == "bad" and "pip install" in finding.cure
    assert re.search(found, finding.found)


def test_a_front_end_of_another_version_is_told(tmp_path: Path, monkeypatch):
    assert doctor.viewer().state == "good"
    folder = tmp_path / "labextensions/nglview-js-widgets"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"version": "9.9.9"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = doctor.viewer()
    assert finding.state == "bad" and "JupyterLab has 9.9.9" in finding.found
    assert "mdlearn.view" in finding.cure


def test_little_memory_is_told_with_a_cure():
    assert doctor.memory(2000.0).state == "good"
    finding = doctor.memory(600.0)
    assert finding.state == "bad" and "600 MB free" in finding.found and "kernels" in finding.cure


def test_more_threads_than_cores_are_told(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4096")
    assert doctor.cores().state == "poor" and "OMP_NUM_THREADS=" in doctor.cores().cure


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("MDLEARN_CACHE", str(tmp_path / "new"))
    assert doctor.cache().state in ("good", "poor")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    finding = doctor.cache(tmp_path / "file")
    assert finding.state == "bad" and "MDLEARN_CACHE" in finding.cure


def test_a_check_that_breaks_is_a_finding():
    def broken() -> Finding:
        raise ImportError("libmissing.so")

    (finding,) = examine([broken])
    assert finding.state == "bad" and "libmissing.so" in finding.found and finding.cure


def test_words_and_json_say_the_same():
    findings = [Finding("one", "good", "fine"), Finding("two", "bad", "ill", "rest")]
    words = told(findings)
    assert "✓ one" in words and "do: rest" in words and words.endswith("1 of 2 checks failed")
    assert json.loads(told(findings, as_json=True))[1] == {
        "name": "two", "state": "bad", "found": "ill", "cure": "rest",
    }  # fmt: skip


@pytest.mark.notebook
def test_the_command_tells_in_json(capsys):
    code = main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    assert [finding["name"] for finding in findings] == [check.__name__ for check in doctor.CHECKS]
    assert code == int(any(finding["state"] == "bad" for finding in findings))
