"""Who may import whom. The table is the plan of the house; add a module here with its floor."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module belongs to the longest name here that it starts with, and may import its own and these.
HALL = {
    "units",
    "memory",
    "files",
    "parallel",
    "data",
    "history",
    "optimizer",
    "train",
    "uncertainty",
    "explain",
}
TOP = {"lesson", "lessons", "manifest", "templates", "cli", "recipes"}
TOP |= {"sweep", "form", "doctor", "assignment"}
WINGS = {"potentials", "dynamics", "structure", "properties"}
MAY_IMPORT = {
    "units": set(),
    "memory": set(),
    "files": {"units"},
    "parallel": {"units"},
    "data": {"units", "files", "parallel"},
    "history": set(),
    "optimizer": set(),
    "train": {"units", "files", "parallel", "history", "optimizer"},
    "uncertainty": {"units"},
    "explain": {"units"},
    "view": HALL,
    "potentials": HALL,
    "dynamics": HALL | {"potentials"},
    "structure": HALL,
    "properties": HALL | {"manifest"},
    "lesson": HALL | {"view"},
    "lessons": HALL | WINGS | {"view", "lesson"},
    "manifest": set(),
    "templates": {"files", "manifest"},
    "cli": {"templates", "sweep", "form", "doctor", "assignment"},
    "sweep": {"files", "manifest", "parallel", "templates"},
    "form": {"templates", "view"},
    "doctor": {"data", "view"},
    "assignment": {"files"},
    "recipes": HALL | WINGS | {"manifest"},
}


def imports(source: str, module: str) -> set[str]:
    """Modules of the package that a source imports, also inside functions, as `mdlearn.a.b`."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            found |= {origin} | {f"{origin}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("mdlearn.")}


def sources(folder: Path) -> dict[str, str]:
    """Source of each module below a folder that holds `mdlearn`, by its dotted name."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): (
            path.read_text(encoding="utf-8")
        )
        for path in sorted((folder / "mdlearn").rglob("*.py"))
    }


def violations(modules: dict[str, str]) -> list[str]:
    """Arrows that the table does not have, modules that it does not know, cycles."""
    found, arrows = [], {}
    for module, source in modules.items():
        floor = module.split(".")[1] if "." in module else ""
        arrows[module] = {name for name in imports(source, module) if name in modules} - {module}
        if not floor:
            continue
        if floor not in MAY_IMPORT:
            found.append(f"{module} stands on no floor of the table")
            continue
        for other in sorted(arrows[module]):
            if other.split(".")[1] not in MAY_IMPORT[floor] | {floor}:
                found.append(f"{module} imports {other}")
    while ends := {name for name, to in arrows.items() if not to & arrows.keys()}:
        arrows = {name: to for name, to in arrows.items() if name not in ends}
    if arrows:
        found.append(f"a cycle within {', '.join(sorted(arrows))}")
    return found


def test_modules_import_only_what_the_table_allows():
    assert violations(sources(ROOT)) == []


def test_every_floor_knows_the_others():
    assert HALL | WINGS | TOP | {"view"} == MAY_IMPORT.keys()
    assert all("view" not in MAY_IMPORT[floor] for floor in HALL | WINGS)


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("train", "from mdlearn.potentials import ace", "mdlearn.train imports mdlearn.potentials"),
        (
            "properties.x",
            "import mdlearn.structure.fold",
            "mdlearn.properties.x imports mdlearn.st",
        ),
        ("potentials.x", "from mdlearn.view.plots import curve", "imports mdlearn.view.plots"),
        (
            "potentials.x",
            "def f():\n    from ..dynamics import simulate",
            "imports mdlearn.dynamics",
        ),
        ("cellar", "", "mdlearn.cellar stands on no floor"),
        ("units", "from mdlearn.units_too import x", None),
        ("dynamics.simulate", "from mdlearn.potentials.ace import ACE", None),
        ("potentials.ace", "from mdlearn.potentials.x import f", "a cycle within"),
    ],
)
def test_a_planted_import_is_found(module: str, line: str, found: str | None):
    planted = {
        "mdlearn.potentials": "",
        "mdlearn.potentials.ace": "",
        "mdlearn.potentials.x": "import mdlearn.potentials.ace",
        "mdlearn.dynamics": "",
        "mdlearn.dynamics.simulate": "",
        "mdlearn.structure.fold": "",
        "mdlearn.view.plots": "",
    } | {f"mdlearn.{module}": line}
    assert (found is None) == (violations(planted) == [])
    assert found is None or found in "\n".join(violations(planted))


def test_files_stay_short_and_init_files_empty():
    for module, source in sources(ROOT).items():
        assert len(source.splitlines()) <= 300, f"{module} outgrew 300 lines: split it"
        path = ROOT / module.replace(".", "/") / "__init__.py"
        assert not path.exists() or path.stat().st_size == 0, (
            f"{path.name} of {module} is not empty"
        )


def test_importing_the_package_imports_nothing_else():
    code = "import sys; old = set(sys.modules); import mdlearn; print(*set(sys.modules) - old)"
    assert run(code).split() == ["mdlearn"]


def test_importing_any_module_prints_nothing_and_seeds_nothing():
    modules = [name for name in sources(ROOT) if name != "mdlearn"]
    code = f"""
import importlib, os
import torch
before = torch.initial_seed(), torch.get_default_dtype(), set(os.listdir())
for name in {modules}:
    importlib.import_module(name)
assert before == (torch.initial_seed(), torch.get_default_dtype(), set(os.listdir()))
"""
    assert run(code) == ""


def run(code: str) -> str:
    """What Python prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:mdlearn", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
