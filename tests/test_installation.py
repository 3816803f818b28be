"""What `make` does on a machine with a bad network, or with few cores."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
[ "$3" = --disable-pip-version-check ] || exit 0
echo "$PIP_RETRIES $@" >> {log}
[ $(wc -l < {log}) -gt {broken} ]
"""


def install(folder: Path, broken: int) -> tuple[int, list[str]]:
    """`make` of the environment with a pip whose first calls fail; exit status and calls."""
    (folder / "bin").mkdir()
    python, log = folder / "bin/python", folder / "log"
    python.write_text(PYTHON.format(log=log, broken=broken))
    python.chmod(0o755)
    for made in (".torch", ".pins"):
        (folder / made).touch()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "PIP"))}
    command = ["make", f"VENV={folder}", "PAUSE=0", str(folder / ".lab")]
    ran = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)
    assert (folder / ".lab").exists() == (ran.returncode == 0), ran.stdout + ran.stderr
    return ran.returncode, log.read_text().splitlines()


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_an_installation_that_the_network_breaks_is_done_again(tmp_path: Path, broken: int):
    status, calls = install(tmp_path, broken)
    assert status == 0 and len(calls) == broken + 1
    assert all(call.startswith("8 -m pip") and ".[labels]" in call for call in calls)


def test_an_installation_that_stays_broken_ends(tmp_path: Path):
    status, calls = install(tmp_path, 99)
    assert status == 2 and len(calls) == 3


def test_there_are_no_more_workers_than_cores():
    told = "--eval=jobs: ; @echo $(JOBS)"
    command = [
        "taskset",
        "--cpu-list",
        str(min(os.sched_getaffinity(0))),
        "make",
        "-s",
        told,
        "jobs",
    ]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1"]
