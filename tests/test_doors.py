"""The other doors: teacher's page, images, offline zip agree with the rest of the house."""

import ast
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.notebooks.plan import END, START, minutes, table, updated

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
PYTHON = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")


def test_the_plan_is_that_of_the_last_measurement():
    measured = json.loads((ROOT / "notebooks/measured.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/teaching.md").read_text(encoding="utf-8")
    assert updated(page, table(measured)) == page, "run `make readme`"


def test_minutes_grow_with_words_code_exercises_and_machine():
    def cell(kind: str, source: str, *tags: str) -> dict:
        return {"cell_type": kind, "source": [source], "metadata": {"tags": list(tags)}}

    text, code = cell("markdown", "word " * 650), cell("code", "x = 1\n" * 50)
    answer, solution = cell("code", "...", "answer"), cell("code", "y = 1\n" * 500, "solution")
    assert minutes({"cells": [text]}, 0.0) == (5, 0)
    assert minutes({"cells": [text, code]}, 0.0) == (10, 0)
    assert minutes({"cells": [text, code, answer, solution]}, 1.0) == (20, 1)
    assert updated(f"a{START}old{END}b", "new\n") == f"a{START}\nnew\n{END}b"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_and_files_that_pages_name_are_there(page: Path):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert "://" in target or (page.parent / target).exists(), target
    for name in re.findall(r"`((?:mdlearn|tests|notebooks|binder|docker)/[\w/.]+)`", text):
        unwritten = {"mdlearn/lessons/chNN.py", "tests/lessons/test_chNN.py"}
        unwritten |= {"notebooks/GROUP/NN_name.ipynb", "mdlearn/recipes/my_set.py"}
        assert name in unwritten or (ROOT / name).exists(), name


def test_pictures_of_chapters_are_small_and_told():
    page = (ROOT / "docs/pictures.md").read_text(encoding="utf-8")
    told = {name: alt for alt, name in re.findall(r"!\[(.+)\]\((static/chapters/\d+\.png)\)", page)}
    kept = sorted(path for path in (ROOT / "docs/static/chapters").iterdir())
    assert [f"static/chapters/{path.name}" for path in kept] == sorted(told)
    assert all(len(alt.split()) >= 4 for alt in told.values())
    assert all(path.stat().st_size <= 60_000 for path in kept)


def test_make_targets_that_pages_name_are_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        named = re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
        assert set(named) <= targets, page.name


def test_images_have_the_python_of_binder():
    assert f"FROM python:{PYTHON}-slim\n" in (ROOT / "docker/Dockerfile").read_text()
    told = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert told["image"].startswith(f"python:{PYTHON}-") and told["postCreateCommand"] == (
        "make environment"
    )


def test_the_docker_image_is_made_as_binder_makes_its_own():
    recipe = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    copied = dict(re.findall(r"^COPY (\S+) (\S+)$", recipe, re.M))
    assert all((ROOT / source).exists() for source in copied)
    assert f"pip install -r {copied['binder/requirements.txt']} " in recipe
    assert f"pip install --no-deps {copied['.']} " in recipe
    fonts = 'python -c "import matplotlib.font_manager"'
    after = (ROOT / "binder/postBuild").read_text(encoding="utf-8")
    assert "--no-deps ." in after and fonts in after and fonts in recipe
    threads = "OMP_NUM_THREADS=1 "
    assert threads in (ROOT / "binder/start").read_text() and f"ENV {threads}" in recipe
    assert f"cp -r {copied['.']}/notebooks " in recipe and (ROOT / "notebooks").is_dir()
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {"mdlearn", "notebooks", "binder", "pyproject.toml", "README.md"} & set(left_out)


def test_the_cell_for_colab_does_nothing_elsewhere():
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in NOTEBOOKS]
    (source,) = {"".join(notebook["cells"][1]["source"]) for notebook in notebooks}
    first, branch = ast.parse(source).body
    assert ast.unparse(first) == "import sys" and isinstance(branch, ast.If)
    assert ast.unparse(branch.test) == "'google.colab' in sys.modules" and not branch.orelse
    assert "pip" in source and "enable_custom_widget_manager" in source


LINK = re.compile(r"(?:github\.com|/gh|/github)/([\w-]+/mdlearn)\b")


def test_all_links_name_one_repository_and_one_command_writes_another(tmp_path: Path):
    def git(*words: str, cwd: Path = tmp_path) -> str:
        told = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(told, cwd=cwd, capture_output=True, text=True, check=True).stdout

    files = git("grep", "-lIE", "(github.com|/gh)/[[:alnum:]-]+/mdlearn", cwd=ROOT).split()
    files.remove("Makefile")  # says how
    named = {file: LINK.findall((ROOT / file).read_text(encoding="utf-8")) for file in files}
    assert {"README.md", "docs/teaching.md", "notebooks/00_start.ipynb"} <= set(files)
    (owner,) = {link for links in named.values() for link in links}
    for file in [*files, "Makefile"]:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    git("init", "-q")
    git("add", ".")
    make = ["make", "links", "REPOSITORY=https://github.com/school/lessons"]
    subprocess.run(make, cwd=tmp_path, capture_output=True, check=True)
    for file, links in named.items():
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert owner not in text and text.count("school/lessons") >= len(links)
    unnamed = [*make[:2], "REPOSITORY=lessons"]
    wrong = subprocess.run(unnamed, cwd=tmp_path, capture_output=True, check=False)
    assert wrong.returncode and b"https://github.com/YOU" in wrong.stdout


def test_the_offline_zip_is_one_command_that_downloads_what_binder_pins():
    told = subprocess.run(
        ["make", "--dry-run", "offline"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "git archive HEAD" in told and "wheel --wheel-dir" in told
    assert "binder/requirements.txt > build/pins.txt" in told
    assert "-r build/pins.txt" in told and "hatchling" in told


def test_the_offline_zip_unpacks_to_a_lab_that_asks_no_index(tmp_path: Path):
    """All but the download of the packages, in a copy of the repository."""
    house, room, tools = (tmp_path / name for name in ("house", "room", "tools"))
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, house], check=True)
    python = house / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    make = ["make", "--silent", "offline", "VENV=env", "PIP=true"]
    subprocess.run(make, cwd=house, capture_output=True, check=True)
    with zipfile.ZipFile(house / "dist/mdlearn-offline.zip") as packed:
        packed.extractall(room)
        names = set(packed.namelist())
        lab = packed.getinfo("mdlearn/lab")
    assert {"mdlearn/Makefile", "mdlearn/notebooks/00_start.ipynb", "mdlearn/wheels/"} <= names
    assert lab.external_attr >> 16 & 0o111 == 0o111  # unzip makes it a command
    tools.mkdir()
    (tools / "make").write_text('#!/bin/sh\necho "$PWD $PIP_NO_INDEX $PIP_FIND_LINKS $*"\n')
    (tools / "make").chmod(0o755)
    told = subprocess.run(
        ["sh", room / "mdlearn/lab"],
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert told == [f"{room}/mdlearn", "1", f"{room}/mdlearn/wheels", "lab"]
