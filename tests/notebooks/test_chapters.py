"""Every chapter, once: strictly what is committed, within Binder's budget, without a network."""

import os
from pathlib import Path

import pytest

from tests.notebooks.runner import ROOT, execute

FOLDER = ROOT / "notebooks"
CHAPTERS = sorted(FOLDER.glob("[0-9]*.ipynb")) + sorted(FOLDER.glob("[0-9]*/[0-9]*.ipynb"))


@pytest.fixture
def core(worker_id: str) -> int:
    """A core for each worker of pytest-xdist."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[int(worker_id.removeprefix("gw") if worker_id != "master" else 0) % len(cores)]


@pytest.mark.notebook
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_says_what_it_said(chapter: Path, tmp_path: Path, core: int):
    run = execute(chapter, tmp_path, core=core)
    faults = run.faults()
    if len(run.claims) < 3:
        faults.append(f"makes {len(run.claims)} claims; a chapter makes three at least")
    assert not faults, "\n".join([chapter.name, *faults])
    run.save(ROOT / "build/chapters")
