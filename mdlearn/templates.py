"""Run a template notebook on your own parameters, checked by name and type before anything starts.

A template is a notebook with one cell tagged `parameters`, made of lines like
`epochs: int = 50  # count, passes over the data`. Many runs are in `sweep.py`, the command line in
`cli.py`, a form for a notebook in `form.py`.
"""

import ast
import difflib
import json
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mdlearn.files import replacing
from mdlearn.manifest import code_sha256, hardware, hashes, sha256, versions

TYPES = {"int": int, "float": float, "str": str, "bool": bool}
WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Parameter:
    """One line of a template's parameters cell.

    Attributes:
        name: Its name.
        type: As annotated: int, float, str, bool, a list of one of them, or any of these `| None`.
        default: Its value if you give none.
        unit: First word of the comment. `file` means that the value names a file that must exist.
        meaning: The rest of the comment.
    """

    name: str
    type: str
    default: object
    unit: str
    meaning: str

    def convert(self, value: object) -> object:
        """The value in the annotated type; a text from the command line is read as that type.

        Raises:
            ValueError: It is of another type.
            FileNotFoundError: It names a file that is not there.
        """
        kind = self.type.removesuffix("| None").strip()
        if self.type != kind and value in (None, "None"):
            return None
        if kind.startswith("list["):
            parts = value.split(",") if isinstance(value, str) else value
            if not isinstance(parts, list | tuple):
                raise self._refusal(value)
            return [self._one(part, kind[5:-1]) for part in parts]
        return self._one(value, kind)

    def _one(self, value: object, kind: str) -> object:
        wanted = TYPES[kind]
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, str) and wanted is bool:
            value = WORDS.get(value.lower(), value)
        elif isinstance(value, str) and wanted is not str:
            try:
                value = wanted(value)
            except ValueError as error:
                raise self._refusal(value) from error
        elif wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted or (wanted is float and not math.isfinite(value)):
            raise self._refusal(value)
        if self.unit == "file" and value:
            if not Path(value).is_file():
                raise FileNotFoundError(
                    f"{self.name} names {value!r}, and there is no such file in {Path.cwd().name}/; "
                    f"give the path of {self.meaning or 'a file'}"
                )
            value = str(Path(value).resolve())
        return value

    def _refusal(self, value: object) -> ValueError:
        return ValueError(
            f"{self.name} is {value!r} ({type(value).__name__}), but it must be {self.type}, "
            f"for example {self.default!r} ({self.unit}: {self.meaning})"
        )


def templates() -> dict[str, Path]:
    """All templates by name: those of the repository, or those installed with the package."""
    package = Path(__file__).parent
    for folder in (package.parent / "notebooks/templates", package / "notebooks/templates"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
    return {}


def find(name: str | Path) -> Path:
    """The notebook of a template, by its name or its path."""
    path, known = Path(name), templates()
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    if str(name) not in known:
        raise FileNotFoundError(
            f"no template {str(name)!r}{_nearest(str(name), known)}; there are {', '.join(known)}"
        )
    return known[str(name)]


def read_parameters(template: Path) -> dict[str, Parameter]:
    """The parameters of a template, from its cell tagged `parameters`."""
    cells = json.loads(template.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{template.name} needs one cell tagged `parameters`, has {len(tagged)}")
    source = "".join(tagged[0]["source"])
    found = {}
    for node in ast.parse(source).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            raise ValueError(
                f"{template.name}, parameters cell, line {node.lineno}: "
                "each line must look like `name: int = 5  # unit, meaning`"
            )
        kind = ast.unparse(node.annotation)
        if kind.removesuffix(" | None").removeprefix("list[").removesuffix("]") not in TYPES:
            raise ValueError(f"{template.name}: {node.target.id} has the unknown type {kind}")
        lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
        comment = next((line.partition("#")[2] for line in lines if "#" in line), "")
        unit, _, meaning = (part.strip() for part in comment.partition(","))
        if not unit or not meaning:
            raise ValueError(f"{template.name}: {node.target.id} needs a comment `# unit, meaning`")
        default = ast.literal_eval(node.value)
        found[node.target.id] = Parameter(node.target.id, kind, default, unit, meaning)
    return found


def check(template: Path, values: Mapping[str, object]) -> dict[str, object]:
    """All parameters of a run, yours and the defaults, each checked by name and type."""
    known = read_parameters(template)
    for name in values:
        if name not in known:
            raise ValueError(
                f"{template.stem} has no parameter {name!r}{_nearest(name, known)}; "
                f"it has {', '.join(known)}"
            )
    return {
        name: parameter.convert(values.get(name, parameter.default))
        for name, parameter in known.items()
    }


def run(
    template: str | Path,
    parameters: Mapping[str, object] | None = None,
    out: str | Path = "runs",
    *,
    report: Callable[[str], None] | None = print,
) -> Path:
    """Run a template; its folder is named by what goes in, so nothing is computed twice.

    The notebook works in its folder. A finished folder is returned as it is; an interrupted run
    starts again in the same folder, where it finds its own checkpoints.

    Args:
        template: Name or path of a template.
        parameters: By name; the others keep their defaults.
        out: Where the folder is made.
        report: Is told what happens.

    Returns:
        The folder, with `notebook.ipynb`, `manifest.json` and what the template writes.

    Raises:
        RuntimeError: A cell failed; the executed notebook is kept.
    """
    source = find(template)
    values = check(source, parameters or {})
    known = read_parameters(source)
    files = {
        name: sha256(Path(value))
        for name, value in values.items()
        if known[name].unit == "file" and isinstance(value, str) and value
    }
    code, package = sha256(_code(source)), code_sha256()
    # a file counts by what is in it
    inputs = {"parameters": values | files, "template": code, "package": package}
    key = sha256(json.dumps(inputs, sort_keys=True))
    folder = Path(out).resolve() / f"{source.stem}-{key[:12]}"
    say = report or (lambda text: None)
    if (folder / "manifest.json").is_file():
        say(f"finished before: {folder}")
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    say(f"running {source.stem} in {folder}")
    began, start = datetime.now(UTC), time.perf_counter()
    _execute(source, folder, values)
    manifest = {
        "template": source.stem,
        "template_sha256": code,
        "package_sha256": package,
        "parameters": values | {name: Path(str(values[name])).name for name in files},
        "files_sha256": files,
        "results_sha256": hashes(folder),
        "date": began.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - start, 1),
        "versions": versions(),
        "hardware": hardware(),
    }
    with replacing(folder / "manifest.json") as part:
        part.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    say(f"finished in {manifest['seconds']} s: {folder}")
    return folder


def _execute(template: Path, folder: Path, values: dict[str, object]) -> None:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    notebook = folder / "notebook.ipynb"
    # threads that wait for each other give way: on a busy machine a fold takes a sixth of the time
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        papermill.execute_notebook(
            template,
            notebook,
            values,
            cwd=folder,
            kernel_name="python3",
            progress_bar=False,
            start_timeout=300,
        )
    except PapermillExecutionError as error:
        raise RuntimeError(
            f"cell {error.exec_count} of {template.stem} failed: {error.ename}: {error.evalue}; "
            f"see {notebook}"
        ) from error


def _code(template: Path) -> str:
    cells = json.loads(template.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f", did you mean {near[0]!r}?" if near else ""
