"""A form says what the command line says, and runs the same."""

import asyncio
from pathlib import Path

import nbformat
import pytest
from ipywidgets import Checkbox, Text

from mdlearn.form import form
from mdlearn.templates import read_parameters, templates


@pytest.mark.parametrize("name", templates())
def test_every_template_has_a_field_for_each_parameter_and_its_defaults_are_valid(name: str):
    shown = form(name)
    assert list(shown.fields) == list(read_parameters(templates()[name]))
    assert shown.given == {} and not shown.start.disabled
    defaults = {key: parameter.default for key, parameter in shown.known.items()}
    assert shown.values() == defaults
    assert "mdlearn run" in shown.told.value
    for key, field in shown.fields.items():
        assert isinstance(field, Checkbox if shown.known[key].type == "bool" else Text)
        assert shown.known[key].unit and shown.known[key].meaning


def test_a_wrong_value_is_told_and_cannot_be_run():
    shown = form("train_force_field")
    shown.fields["epochs"].value = "many"
    assert "epochs is &#x27;many&#x27;" in shown.told.value and shown.start.disabled
    shown.fields["epochs"].value = "7"
    assert shown.values()["epochs"] == 7 and not shown.start.disabled
    assert shown.command[:5] == ["mdlearn", "run", "train_force_field", "--epochs", "7"]
    shown.fields["data"].value = "nowhere.xyz"
    assert "no such file" in shown.told.value and shown.start.disabled


@pytest.mark.notebook
def test_the_button_runs_the_template(tmp_path: Path):
    cells = [
        nbformat.v4.new_markdown_cell("# Tiny\n\nWrites a number."),
        nbformat.v4.new_code_cell(
            "n: int = 1  # count, of things", metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell("_ = open('n.txt', 'w').write(str(n))"),
    ]
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=metadata), tmp_path / "tiny.ipynb"
    )
    shown = form(tmp_path / "tiny.ipynb", tmp_path / "runs")
    shown.fields["n"].value = "3"

    async def press() -> None:
        shown.start.click()
        await shown.task

    asyncio.run(press())
    assert "finished in" in shown.output.value
    (folder,) = (tmp_path / "runs").iterdir()
    assert (folder / "n.txt").read_text() == "3"
    assert shown.process is None and not shown.start.disabled
