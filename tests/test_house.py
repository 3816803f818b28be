"""What is written twice agrees, and what is committed is clean: pins, notebooks, paths."""

import json
import re
import subprocess
import tomllib
from base64 import b64decode
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mdlearn.templates import read_parameters
from tests.notebooks.clean import cleaned

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
TEMPLATES = [path for path in NOTEBOOKS if path.parent.name == "templates"]
CHAPTERS = [path for path in NOTEBOOKS if path not in TEMPLATES]
MAX_FIGURE, MAX_FIGURES = 80_000, 600_000  # bytes, in a cell's output and in a notebook

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
each_template = pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)


def test_binder_pins_what_the_package_needs():
    lines = (ROOT / "binder/requirements.txt").read_text().splitlines()
    pins = dict(re.fullmatch(r"([\w-]+)==([\w.+]+)", x).groups() for x in lines if x[0] not in "#-")
    wanted = [Requirement(text) for text in PROJECT["dependencies"]]
    wanted += [Requirement(text) for text in PROJECT["optional-dependencies"]["labels"]]
    assert {need.name for need in wanted} <= pins.keys()
    for need in wanted:
        assert need.specifier.contains(pins[need.name].partition("+")[0]), need
        assert ">=" in str(need.specifier), f"{need} has no lower end"
    assert pins["torch"].endswith("+cpu")
    version = (ROOT / "binder/runtime.txt").read_text().strip().removeprefix("python-")
    assert f">={version}" == PROJECT["requires-python"]


def test_the_version_is_the_same_everywhere():
    version = PROJECT["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_nothing_committed_names_a_place_of_one_machine():
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    places = re.compile(r"(?<![\w./:}])/(home|root|Users|work|mnt|media|scratch)/\w")
    for name in filter(None, files.stdout.decode().split("\0")):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in data:
            found = places.search(data.decode())
            assert not found, f"{name} names {found.group()}..."


@each_notebook
def test_notebooks_hold_only_text_code_and_outputs(path: Path):
    text = path.read_text(encoding="utf-8")
    assert text == cleaned(text), f"{path.name} is not clean: run `make clean-notebooks`"
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    assert len(ids) == len(set(ids))


@each_notebook
def test_notebooks_have_one_cell_of_parameters_before_all_other_code(path: Path):
    cells = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    assert [n for n, cell in enumerate(cells) if "colab" in _tags(cell)] == [0]
    tagged = [n for n, cell in enumerate(cells) if "parameters" in _tags(cell)]
    assert tagged == [1], "the code cell after Colab's, and no other, has the tag `parameters`"


@each_chapter
def test_chapters_are_committed_as_run_from_top_to_bottom(path: Path):
    cells = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= 25, f"a cell of over 25 lines:\n{source}"
        assert not source.rstrip().endswith(";"), f"nbval sees through a trailing `;`:\n{source}"
        for output in cell["outputs"]:
            assert output["output_type"] != "error", f"an error was committed:\n{source}"
            assert output.get("name") != "stderr", f"a warning was committed:\n{source}"


@each_chapter
def test_figures_are_small_and_described(path: Path):
    cells = _cells(path)
    pictures = [
        (output, kind, after)
        for cell, after in zip(cells, [*cells[1:], None], strict=True)
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
        if kind.startswith("image/")
    ]
    sizes = [_size(output["data"][kind], kind) for output, kind, _ in pictures]
    html = [
        "".join(output["data"]["text/html"])
        for cell in cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    inline = [
        text for page in html for text in re.findall(r"data:image/[^;]+;base64,([\w+/=]+)", page)
    ]
    sizes += [len(b64decode(text)) for text in inline]
    assert max(sizes, default=0) <= MAX_FIGURE
    assert sum(sizes) <= MAX_FIGURES
    for output, kind, after in pictures:
        spoken = output["metadata"].get(kind, {}).get("alt")
        told = after is not None and after["cell_type"] == "markdown"
        assert spoken or told, "a figure has neither alternative text nor a text cell after it"
    for image in re.findall(r"<img[^>]*>", "".join(html)):
        assert re.search(r'alt="[^"]', image), "a picture has no alternative text"


@each_chapter
def test_every_exercise_has_an_answer_a_check_and_a_solution_that_is_checked(path: Path):
    cells = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    kinds = [next((tag for tag in _tags(cell) if tag in EXERCISE), "") for cell in cells]
    assert kinds.count("answer") >= 3, "a chapter has three exercises at least"
    assert [kind for kind in kinds if kind] == EXERCISE * kinds.count("answer")
    for cell, kind in zip(cells, kinds, strict=True):
        source = "".join(cell["source"])
        if kind == "answer":
            assert "..." in source, f"nothing is left to the learner:\n{source}"
        if kind in ("check", "solution"):
            assert re.search(r"^check\(", source, re.M), f"no call of check:\n{source}"
        if kind == "solution":
            assert cell["metadata"].get("jupyter") == {"source_hidden": True}, "it is not folded"
            assert "..." not in source
            assert "✓" in json.dumps(cell["outputs"], ensure_ascii=False), "it is not right"


EXERCISE = ["answer", "check", "solution"]


@each_template
def test_templates_have_typed_parameters_and_no_outputs(path: Path):
    assert read_parameters(path)
    cells = [cell for cell in _cells(path) if cell["cell_type"] == "code"]
    assert 6 <= len(cells) <= 12
    assert not any(cell["outputs"] for cell in cells)


def _cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _size(content: str | list[str], kind: str) -> int:
    text = "".join(content)
    return len(text) if kind == "image/svg+xml" else len(b64decode(text))
