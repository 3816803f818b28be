"""A chapter as an assignment for nbgrader: the solutions move into the answer cells, between its marks.

    mdlearn assignment notebooks/1_force_fields/12_train_a_force_field.ipynb -o course

writes `course/source/12_train_a_force_field/12_train_a_force_field.ipynb`, from which
`nbgrader generate_assignment` makes what learners get. An exercise that is left open passes in the
learner's copy, so that the chapter runs to its end, and gets no points when it is graded.
"""

import ast
import copy
import json
import re
from pathlib import Path
from typing import Any

from mdlearn.files import replacing

KINDS = ("answer", "check", "solution")
CONFIG = '''"""Settings of nbgrader for chapters of mdlearn; add your own."""

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "mdlearn"
c.ClearSolutions.code_stub = {"python": "# your answer takes the place of the ... above"}
c.ExecutePreprocessor.timeout = 600  # seconds for a cell
c.ExecutePreprocessor.startup_timeout = 300  # seconds for a kernel
'''


def write(chapter: Path, course: Path, *, points: int = 1) -> Path:
    """Write the assignment of a chapter into a course, and settings where the course has none.

    Args:
        chapter: A notebook whose exercises have the tags `answer`, `check` and `solution`.
        course: Folder of the course, made if need be.
        points: For each exercise.

    Returns:
        The notebook written.

    Raises:
        FileNotFoundError: There is no such chapter.
        ValueError: It has no exercises, or one that lacks a cell.
    """
    chapter, course = Path(chapter), Path(course)
    if not chapter.is_file():
        raise FileNotFoundError(f"there is no notebook {chapter}; give the path of a chapter")
    if points < 1:
        raise ValueError(f"an exercise has one point or more, got {points}")
    notebook = exported(json.loads(chapter.read_text(encoding="utf-8")), points=points)
    target = course / "source" / chapter.stem / chapter.name
    with replacing(target) as part:
        part.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if not (course / "nbgrader_config.py").exists():
        (course / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    return target


def exported(notebook: dict[str, Any], *, points: int = 1) -> dict[str, Any]:
    """The notebook with nbgrader's marks, without outputs and without folded solutions."""
    notebook = copy.deepcopy(notebook)
    exercises = [cell for cell in notebook["cells"] if _kind(cell)]
    order = [_kind(cell) for cell in exercises]
    if not order or order != list(KINDS) * (len(order) // 3):
        raise ValueError(
            f"exercises are cells tagged {', '.join(KINDS)}, in this order; "
            f"this notebook has {', '.join(order) or 'none'}"
        )
    for answer, check, solution in zip(*(exercises[k::3] for k in range(3)), strict=True):
        call, name = _call(check)
        answer["source"] = "\n".join(
            [_source(answer), "### BEGIN SOLUTION", _solved(solution), "### END SOLUTION"]
        )
        graded = f"{call[:-1]}, graded=True)"
        check["source"] = "\n".join(
            [_source(check), "### BEGIN HIDDEN TESTS", graded, "### END HIDDEN TESTS"]
        )
        _mark(answer, f"answer-{name}", solution=True, locked=False)
        _mark(check, f"check-{name}", grade=True, points=points)
    notebook["cells"] = [cell for cell in notebook["cells"] if _kind(cell) != "solution"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return notebook


def _mark(cell: dict[str, Any], name: str, **settings: Any) -> None:
    """Nbgrader's own metadata, schema 3."""
    role = {"grade": False, "solution": False, "locked": True, "task": False} | settings
    cell["metadata"]["nbgrader"] = {"schema_version": 3, "grade_id": name, **role}


def _kind(cell: dict[str, Any]) -> str:
    return next((tag for tag in cell["metadata"].get("tags", []) if tag in KINDS), "")


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"]).rstrip()


def _checks(source: str) -> list[ast.Expr]:
    """The lines of a cell that call `check`."""
    return [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", "") == "check"
    ]


def _call(cell: dict[str, Any]) -> tuple[str, str]:
    """The call of `check` in a cell, and the name of its exercise, fit for a grade."""
    source = _source(cell)
    calls = _checks(source)
    if len(calls) != 1:
        raise ValueError(f"a check cell calls check once, this one {len(calls)} times:\n{source}")
    name = calls[0].value.args[0].value
    return ast.get_source_segment(source, calls[0]), re.sub(r"\W", "-", name)


def _solved(cell: dict[str, Any]) -> str:
    """What a solution does before it checks itself."""
    source = _source(cell)
    lines = source.splitlines()[: _checks(source)[0].lineno - 1]
    return "\n".join(lines).rstrip()
