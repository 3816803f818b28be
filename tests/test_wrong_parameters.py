"""Every parameter of every template: a typo, a wrong type, a lost file is told before a kernel starts.

The table of what is said goes to `build/wrong_parameters.md`.
"""

from pathlib import Path

import pytest

from mdlearn.templates import Parameter, check, read_parameters, run, templates

KNOWN = {name: read_parameters(path) for name, path in templates().items()}
EACH = [(name, key) for name, known in KNOWN.items() for key in known]
TABLE = Path(__file__).parents[1] / "build/wrong_parameters.md"


def wrong(parameter: Parameter) -> object:
    """A value of another type than the parameter's."""
    kind = parameter.type.removesuffix(" | None")
    return {"int": "many", "float": "hot", "bool": "perhaps", "str": 3.5}.get(kind, 3.5)


def typo(name: str, known: dict[str, Parameter]) -> str:
    """A slip of the finger that is no other parameter."""
    slips = (name[:-1], name + name[-1], name.replace("_", ""), "x" + name)
    return next(slip for slip in slips if slip not in known)


@pytest.mark.parametrize(("template", "name"), EACH)
def test_a_typo_names_the_parameter_that_was_meant(template: str, name: str):
    with pytest.raises(ValueError, match=f"did you mean {name!r}"):
        check(templates()[template], {typo(name, KNOWN[template]): KNOWN[template][name].default})


@pytest.mark.parametrize(("template", "name"), EACH)
def test_a_wrong_type_says_what_came_what_is_wanted_and_what_it_means(template: str, name: str):
    parameter = KNOWN[template][name]
    with pytest.raises(ValueError, match=f"^{name} is ") as told:
        check(templates()[template], {name: wrong(parameter)})
    assert f"it must be {parameter.type}" in str(told.value)
    assert parameter.meaning in str(told.value)


@pytest.mark.parametrize(
    ("template", "name"), [pair for pair in EACH if KNOWN[pair[0]][pair[1]].unit == "file"]
)
def test_a_lost_file_is_named_and_nothing_is_made(template: str, name: str, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=rf"{name} names 'nowhere\.xyz'"):
        run(template, {name: "nowhere.xyz"}, tmp_path / "runs", report=None)
    assert not list(tmp_path.iterdir())


def test_every_template_asks_for_a_file_of_the_reader():
    files = {template for template, name in EACH if KNOWN[template][name].unit == "file"}
    assert files == set(KNOWN)


def test_the_table_is_written():
    lines = ["| template | parameter | given | told |", "|---|---|---|---|"]
    for template, name in EACH:
        parameter = KNOWN[template][name]
        slip = typo(name, KNOWN[template])
        for values in ({slip: parameter.default}, {name: wrong(parameter)}):
            with pytest.raises(ValueError) as told:
                check(templates()[template], values)
            given = ", ".join(f"{key} = {value!r}" for key, value in values.items())
            words = str(told.value).replace("|", "\\|")
            lines.append(
                f"| {template} | {name} | {given} | {words} |".replace(" | None", " \\| None")
            )
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(lines) == 2 + 2 * len(EACH)
