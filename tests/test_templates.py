"""Parameters are checked before a kernel starts; a run is complete, described, and done once."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from mdlearn import manifest
from mdlearn.cli import main
from mdlearn.manifest import code_sha256
from mdlearn.templates import Parameter, check, find, read_parameters, run

ONLY_CODE = shutil.ignore_patterns("files", "weights", "__pycache__")
PARAMETERS = """data: str = ""  # file, frames (extxyz)
epochs: int = 50  # count, passes over the data
rate: float = 1e-2  # 1/step, learning rate
method: str = "gfn2"  # name, which method labels
shuffle: bool = True  # yes or no, other order in each epoch
temperatures: list[float] = [300.0, 600.0]  # K, of the dynamics
seed: int | None = None  # count, of the random numbers"""
WORK = """from pathlib import Path
with Path("count.txt").open("a") as file:
    print(epochs, file=file)
assert epochs < 1000, "too many"
_ = Path("length.txt").write_text(str(len(Path(data).read_text())))
import os
_ = Path("wait.txt").write_text(os.environ["OMP_WAIT_POLICY"])"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    cells = [
        nbformat.v4.new_markdown_cell("# Tiny\n\nCounts the letters of a file."),
        nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(WORK),
    ]
    path = tmp_path / "tiny.ipynb"
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "my.xyz").write_text("three")
    return tmp_path / "my.xyz"


def test_parameters_are_read_with_type_unit_and_meaning(template):
    known = read_parameters(template)
    assert list(known)[:2] == ["data", "epochs"]
    assert known["epochs"] == Parameter("epochs", "int", 50, "count", "passes over the data")
    assert known["seed"].type == "int | None"


def test_defaults_fill_up_and_texts_become_their_type(template):
    texts = {"epochs": "7", "rate": "1", "shuffle": "no", "temperatures": "300,350", "seed": "None"}
    assert check(template, texts) == {
        "data": "",
        "epochs": 7,
        "rate": 1.0,
        "method": "gfn2",
        "shuffle": False,
        "temperatures": [300.0, 350.0],
        "seed": None,
    }


def test_a_typo_names_the_nearest_parameter(template):
    with pytest.raises(ValueError, match="no parameter 'epoch', did you mean 'epochs'"):
        check(template, {"epoch": 5})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("epochs", "many", "'many' .str., but it must be int"),
        ("epochs", 5.0, "5.0 .float., but it must be int"),
        ("epochs", True, "True .bool., but it must be int"),
        ("rate", "nan", "nan .float., but it must be float"),
        ("method", 3, "3 .int., but it must be str"),
        ("shuffle", "perhaps", "must be bool"),
        ("temperatures", 300.0, "must be list.float."),
        ("seed", 1.5, "must be int | None"),
    ],
)
def test_a_wrong_type_says_what_came_and_what_was_wanted(name, value, wanted, template):
    with pytest.raises(ValueError, match=f"^{name} is .*{wanted}"):
        check(template, {name: value})


def test_a_missing_file_is_named(template):
    with pytest.raises(FileNotFoundError, match=r"data names 'no.xyz'.*frames"):
        check(template, {"data": "no.xyz"})


def test_an_unknown_template_is_named():
    with pytest.raises(FileNotFoundError, match="no template 'trian_force_field'"):
        find("trian_force_field")


def test_an_untyped_parameter_is_refused(tmp_path):
    cell = nbformat.v4.new_code_cell("epochs = 5", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "bad.ipynb")
    with pytest.raises(ValueError, match="line 1: each line must look like"):
        read_parameters(tmp_path / "bad.ipynb")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--epoch", "5"], "no parameter 'epoch', did you mean 'epochs'"),
        (["--epochs", "many"], "epochs is 'many'"),
        (["--data", "no.xyz"], "data names 'no.xyz'"),
    ],
)
def test_a_wrong_command_ends_with_2_and_makes_nothing(arguments, says, template, tmp_path, capsys):
    assert main(["run", str(template), *arguments, "-o", str(tmp_path / "runs")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_command_explains_the_parameters(template, capsys):
    with pytest.raises(SystemExit):
        main(["run", str(template), "--help"])
    text = capsys.readouterr().out
    assert "Counts the letters of a file." in text
    assert "--epochs INT" in text and "passes over the data (count) [50]" in text


def test_the_command_lists_the_templates(capsys):
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    for name in (path.stem for path in Path("notebooks/templates").glob("*.ipynb")):
        assert name in told


@pytest.mark.notebook
def test_a_run_is_described_and_done_once(template, data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["run", str(template), "--data", "my.xyz", "--epochs", "3", "-o", "runs"]
    assert main(command) == 0 and main(command) == 0
    assert "finished before" in capsys.readouterr().out
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "count.txt").read_text() == "3\n"  # ran once
    assert (folder / "length.txt").read_text() == "5"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["parameters"]["epochs"] == 3
    assert manifest["parameters"]["data"] == "my.xyz"
    assert set(manifest["results_sha256"]) == {
        "count.txt",
        "length.txt",
        "wait.txt",
        "notebook.ipynb",
    }
    assert manifest["seconds"] > 0 and "torch" in manifest["versions"]

    data.write_text("other content")  # same name: another run
    other = run(template, {"data": data, "epochs": 3}, "runs", report=None)
    assert (other / "wait.txt").read_text() == "PASSIVE"
    assert other != folder and (other / "length.txt").read_text() == "13"


@pytest.mark.notebook
def test_a_failed_run_names_the_cell_and_is_taken_up_in_its_folder(template, data, tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match=r"AssertionError: too many; see .*notebook.ipynb"):
            run(template, {"data": data, "epochs": 1000}, tmp_path / "runs", report=None)
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "count.txt").read_text() == "1000\n1000\n"
    assert not (folder / "manifest.json").exists()


SLOW = """import time
from pathlib import Path
log = Path("steps.txt")
done = len(log.read_text().splitlines()) if log.exists() else 0
for step in range(done, epochs):
    with log.open("a") as file:
        print(step, file=file)
    if step == 2:
        time.sleep(3600)"""


@pytest.mark.notebook
def test_a_killed_run_goes_on_in_its_folder(template, tmp_path):
    notebook = nbformat.read(template, as_version=4)
    notebook.cells[2].source = SLOW
    nbformat.write(notebook, template)
    command = ["run", str(template), "--epochs", "5", "-o", str(tmp_path / "runs")]
    with subprocess.Popen([sys.executable, "-m", "mdlearn.cli", *command]) as process:
        end, log = time.monotonic() + 600, "tiny-*/steps.txt"
        while not any(x.read_text().endswith("2\n") for x in (tmp_path / "runs").glob(log)):
            if process.poll() is not None or time.monotonic() > end:
                break
            time.sleep(0.1)
        process.kill()
    assert main(command) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "steps.txt").read_text() == "0\n1\n2\n3\n4\n"  # no step twice
    assert json.loads((folder / "manifest.json").read_text())["parameters"]["epochs"] == 5


def test_other_code_of_the_package_has_another_hash(tmp_path, monkeypatch):
    shutil.copytree(Path(manifest.__file__).parent, tmp_path / "mdlearn", ignore=ONLY_CODE)
    monkeypatch.setattr(manifest, "__file__", str(tmp_path / "mdlearn/manifest.py"))
    before = code_sha256()
    assert before == code_sha256()
    with (tmp_path / "mdlearn/units.py").open("a") as file:
        file.write("# one more line\n")
    assert code_sha256() != before
