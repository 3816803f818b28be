"""A chapter becomes an assignment that nbgrader takes, hands out, and grades: right, wrong and open."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from mdlearn.assignment import exported, write
from mdlearn.cli import main

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted(ROOT.glob("notebooks/[0-9]*.ipynb")) + sorted(
    ROOT.glob("notebooks/[0-9]*/*.ipynb")
)
GRADED = [path for path in CHAPTERS if path.stem[:2] in ("21", "32")]
WRONG = "answer = lambda *given: None if not given else 0 * given[0]"


def nbgrader(course: Path, *words: str) -> str:
    """What nbgrader says, run in a course."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(
        command, cwd=course, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def marks(notebook: dict) -> list[dict]:
    return [c["metadata"]["nbgrader"] for c in notebook["cells"] if "nbgrader" in c["metadata"]]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_can_be_exported(chapter: Path, tmp_path: Path):
    path = write(chapter, tmp_path)
    assert path == tmp_path / "source" / chapter.stem / chapter.name
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    found = marks(notebook)
    assert len(found) >= 6 and len({mark["grade_id"] for mark in found}) == len(found)
    assert [mark["solution"] for mark in found] == [True, False] * (len(found) // 2)
    assert all(mark["grade"] and mark["points"] == 1 for mark in found[1::2])
    text = path.read_text(encoding="utf-8")
    assert text.count("BEGIN SOLUTION") == text.count("graded=True") == len(found) // 2
    assert not any(cell.get("outputs") for cell in notebook.cells)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(cell.source, chapter.stem, "exec")


def test_a_second_export_keeps_the_settings_of_the_course(tmp_path: Path):
    write(CHAPTERS[0], tmp_path)
    (tmp_path / "nbgrader_config.py").write_text("mine")
    write(CHAPTERS[0], tmp_path)
    assert (tmp_path / "nbgrader_config.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("tags", "says"), [([], "has none"), (["answer", "solution"], "has answer, solution")]
)
def test_a_notebook_without_whole_exercises_is_refused(tags: list[str], says: str):
    cells = [nbformat.v4.new_code_cell("answer = ...", metadata={"tags": [tag]}) for tag in tags]
    with pytest.raises(ValueError, match=says):
        exported(json.loads(nbformat.writes(nbformat.v4.new_notebook(cells=cells))))


def test_a_lost_chapter_is_told(tmp_path: Path, capsys):
    assert main(["assignment", str(tmp_path / "no.ipynb"), "-o", str(tmp_path)]) == 2
    assert "there is no notebook" in capsys.readouterr().err


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize("chapter", GRADED, ids=lambda path: path.stem)
def test_nbgrader_hands_out_and_grades(
    chapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # alembic
    name = chapter.stem
    assert main(["assignment", str(chapter), "-o", str(tmp_path), "--points", "2"]) == 0
    nbgrader(tmp_path, "generate_assignment", name, "--create")
    handed = tmp_path / "release" / name / chapter.name
    text = handed.read_text(encoding="utf-8")
    assert "BEGIN SOLUTION" not in text and "graded=True" not in text and "..." in text
    solutions = {
        cell["metadata"]["nbgrader"]["grade_id"]: cell["source"]
        for cell in json.loads((tmp_path / "source" / name / chapter.name).read_text())["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }
    submit(handed, tmp_path / "submitted/ada" / name, solutions)
    first, *others = solutions
    submit(handed, tmp_path / "submitted/bob" / name, {first: WRONG})  # the others stay open
    nbgrader(tmp_path, "autograde", name)
    with Gradebook(f"sqlite:///{tmp_path}/gradebook.db") as book:
        best = 2 * len(solutions)
        assert book.find_submission(name, "ada").score == best
        assert book.find_submission(name, "bob").score == 0
        assert book.find_submission(name, "bob").max_score == best
    graded = (tmp_path / "autograded/bob" / name / chapter.name).read_text(encoding="utf-8")
    assert graded.count("was left open") >= len(others) > 0


def submit(handed: Path, folder: Path, answers: dict[str, str]) -> None:
    """A learner's copy with some answers filled in."""
    notebook = nbformat.read(handed, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in answers:
            cell.source = answers[name]
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / handed.name)
