"""From a committed chapter to a page: outputs as they are, doors and 3D at its head, solutions folded."""

import base64
import json
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from docs.site.glossary import Glossary
from docs.site.molecules import SHOWN, figure

ROOT = Path(__file__).resolve().parents[2]
GOALS = re.compile(r"^(?:You will be able to|After it you can)\s*\n\n((?:- .*\n?)+)", re.M)


QUESTION = re.compile(r"^\*\*(\d+\.\d+)\.? ", re.M)


@dataclass(frozen=True)
class Exercise:
    """A question of a chapter.

    Attributes:
        name: "21.1".
        title: Of the question.
        task: What is asked, in Markdown.
        right: What a right answer is told.
    """

    name: str
    title: str
    task: str
    right: str


@dataclass(frozen=True)
class Chapter:
    """A notebook and what its first cell promises.

    Attributes:
        path: From the root of the repository.
        number: "21"; empty for a template.
        title: Without the number.
        promise: One sentence.
        goals: What a reader can do afterwards.
        exercises: In order.
        notebook: As committed.
    """

    path: str
    number: str
    title: str
    promise: str
    goals: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    notebook: dict

    @property
    def page(self) -> str:
        """Name of the page, without ending."""
        return self.path.removesuffix(".ipynb")

    @property
    def up(self) -> str:
        """Way from the page to the root of the site."""
        return "../" * self.path.count("/")


def chapters(root: Path = ROOT) -> list[Chapter]:
    """All chapters, in order of their numbers."""
    paths = [path for path in (root / "notebooks").rglob("[0-9]*.ipynb") if path.is_file()]
    return sorted((read(path, root) for path in paths), key=lambda chapter: chapter.number)


def read(path: Path, root: Path = ROOT) -> Chapter:
    """A chapter or template, and what its first cell says."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    first = "".join(notebook["cells"][0]["source"])
    title = first.splitlines()[0].removeprefix("# ").strip()
    number, dot, rest = title.partition(" · ")
    promise = re.search(r"^\*\*(.+?)\*\*\s*$", first, re.M | re.S)
    goals = GOALS.search(first + "\n")
    return Chapter(
        path.relative_to(root).as_posix(),
        number if dot else "",
        rest if dot else title,
        promise[1] if promise else "",
        tuple(re.findall(r"^- (.*?)[;,.]?$", goals[1], re.M)) if goals else (),
        tuple(_exercises(notebook)),
        notebook,
    )


def _exercises(notebook: dict) -> list[Exercise]:
    found, cells = [], notebook["cells"]
    for k, cell in enumerate(cells):
        if "check" not in cell["metadata"].get("tags", []):
            continue
        name = re.search(r'check\("([\d.]+)"', "".join(cell["source"]))[1]
        texts = ["".join(c["source"]) for c in cells[:k] if c["cell_type"] == "markdown"]
        task = re.search(
            rf"\*\*{re.escape(name)}\.?\s+(.+?)\*\*\s*(.*?)(?:\n\n\*\*|\Z)", texts[-1], re.S
        )
        if not task:
            raise ValueError(f"no question like **{name} Title.** stands before its answer cell")
        right = json.dumps(cells[k + 1]["outputs"], ensure_ascii=False)
        praise = re.search(r"is right</b> · (.*?)</div>", right)
        told = praise[1] if praise else ""
        found.append(Exercise(name, task[1].rstrip("."), task[2].strip(), told))
    return found


@dataclass(frozen=True)
class Frame:
    """What stands around each chapter.

    Attributes:
        repository: Address of the repository; empty when unknown.
        films: Words for each film.
        glossary: Terms to link.
        measured: Runs of the chapters, as in notebooks/measured.json.
    """

    repository: str
    films: dict[str, str]
    glossary: Glossary
    measured: dict[str, dict]


def page(chapter: Chapter, frame: Frame, pictures: Path) -> dict:
    """The notebook that Sphinx reads.

    Args:
        chapter: As committed.
        frame: What stands around it.
        pictures: Folder for its figures.
    """
    cells = [dict(cell) for cell in chapter.notebook["cells"]]
    head, _, rest = "".join(cells[0]["source"]).partition("\n\n")
    promise, _, rest = rest.partition("\n\n") if chapter.promise else ("", "", rest)
    top = [head, promise, raw(doors(chapter, frame))]
    if film := SHOWN.get(chapter.number):
        top.append(raw(figure(film, frame.films[film], chapter.up + "_static")))
    cells[0] = cells[0] | {"source": "\n\n".join(part for part in top if part)}
    cells.insert(1, {"cell_type": "markdown", "id": "goals", "metadata": {}, "source": rest})
    seen = frame.glossary.begin(chapter.number)
    number = 0
    for k, cell in enumerate(cells):
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            text = text if k == 0 else frame.glossary.linked(text, seen, chapter.up)
            cell["source"] = QUESTION.sub(lambda m: f"({anchor(m[1])})=\n{m[0]}", text)
            continue
        cell["outputs"] = list(cell["outputs"])
        if "solution" in cell["metadata"].get("tags", []):
            folded = {"mystnb": {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}}
            tags = [*cell["metadata"]["tags"], "hide-cell"]
            cell["metadata"] = cell["metadata"] | folded | {"tags": tags}
        for i, output in enumerate(cell["outputs"]):
            if "image/png" in output.get("data", {}):
                number += 1
                cell["outputs"][i] = _pictured(output, pictures, number)
    return chapter.notebook | {"cells": [cell for cell in cells if cell["source"]]}


def _pictured(output: dict, folder: Path, number: int) -> dict:
    """An output whose picture is a file with words, instead of part of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    data = base64.b64decode("".join(output["data"]["image/png"]))
    (folder / f"{number}.png").write_bytes(data)
    alt = output["metadata"].get("image/png", {}).get("alt") or "".join(
        output["data"].get("text/plain", "")
    )
    tag = f'<img class="figure" loading="lazy" alt="{escape(alt, quote=True)}" src="{folder.name}/{number}.png">'
    return output | {"data": {"text/html": tag, "text/plain": alt}, "metadata": {}}


def anchor(exercise: str) -> str:
    """Name of the place where a question stands."""
    return f"exercise-{exercise.replace('.', '-')}"


def raw(html: str) -> str:
    """HTML inside Markdown."""
    return f"```{{raw}} html\n{html}\n```"


def doors(chapter: Chapter, frame: Frame) -> str:
    """Ways from the page to a running notebook, and what it takes."""
    links = []
    if place := binder(frame.repository, chapter.path):
        links.append(f'<a class="door" href="{place}">Run on Binder</a>')
    else:
        links.append(f'<a class="door" href="{chapter.up}index.html#run-it">Run it</a>')
    name = Path(chapter.path).name
    links.append(f'<a class="door" href="{name}" download>Download the notebook</a>')
    if run := frame.measured.get(chapter.path):
        minutes, memory = run["cpu_seconds"] / 60, run["peak_mb"]
        links.append(f'<span class="cost">{minutes:.1f} min on one core, {memory:.0f} MB</span>')
    return f'<div class="doors">{"".join(links)}</div>'


def binder(repository: str, path: str) -> str:
    """Where Binder opens a notebook in JupyterLab; empty when it cannot know the repository."""
    told = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", repository)
    return (
        f"https://mybinder.org/v2/gh/{told[1]}/HEAD?urlpath=lab/tree/{quote(path)}" if told else ""
    )
