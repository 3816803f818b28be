"""Pages that are written when the site is built, from what is measured and committed, never by hand."""

import ast
import json
import re
from pathlib import Path

from docs.site.molecules import figure
from docs.site.notebooks import ROOT, Chapter, Frame, anchor, raw

GROUPS = {
    "0": "Start",
    "1": "Force fields",
    "2": "Dynamics",
    "3": "Structure",
    "4": "Properties",
    "5": "Study",
}
WINGS = {
    "potentials": "Force fields",
    "dynamics": "Molecular dynamics",
    "structure": "Protein structure",
    "properties": "Drug properties",
    "data": "Data",
    "view": "Pictures and controls",
    "": "The hall",
}
BESIDE = {"lessons", "recipes"}  # not for importing: exercises of chapters, commands


def front(chapters: list[Chapter], frame: Frame, root: Path = ROOT) -> str:
    """The first page: a picture, two commands, the chapters; the rest is the README's."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    promise = readme.split("\n\n")[1]
    commands = re.findall(r"^(make \w+) +# (.+)$", readme, re.M)
    parts = [f"# mdlearn\n\n{promise}"]
    parts.append(raw(figure("ethanol", frame.films["ethanol"], "_static", autoplay=True)))
    told = "\n".join(f"- `{command}` {words}" for command, words in commands)
    parts.append(f"(run-it)=\n## Two commands\n\n{told}")
    parts.append("## Chapters\n\n" + _section(readme, "Chapters").split("<!--")[0].strip())
    for key, group in GROUPS.items():
        if mine := [chapter for chapter in chapters if chapter.number.startswith(key)]:
            rows = "\n".join(_row(chapter, frame) for chapter in mine)
            head = f"| {group} | what you do | minutes | MB |\n|---|---|---:|---:|\n"
            parts.append(f":::{{container}} chapters\n{head}{rows}\n:::")
    parts.append(_section(readme, "For whom", keep=True))
    parts.append(_section(readme, "Your own molecules", keep=True))
    parts.append(_section(readme, "Data and licenses", keep=True))
    parts.append(_section(readme, "Cite", keep=True))
    return "\n\n".join([*parts, *_trees(chapters, root)])


def _row(chapter: Chapter, frame: Frame) -> str:
    run = frame.measured.get(chapter.path)
    cost = f"{run['cpu_seconds'] / 60:.1f} | {run['peak_mb']:.0f}" if run else " | "
    promise = cell(chapter.promise)
    return f"| [{chapter.number} · {chapter.title}]({chapter.path}) | {promise} | {cost} |"


def _section(readme: str, title: str, *, keep: bool = False) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", readme, re.S | re.M)
    if not found:
        raise ValueError(f"README.md has no section {title}, which the front page shows")
    return (f"## {title}\n" if keep else "") + found[1].strip()


def _trees(chapters: list[Chapter], root: Path) -> list[str]:
    """What the navigation lists."""
    trees = [
        (group, [c.page for c in chapters if c.number.startswith(key)])
        for key, group in GROUPS.items()
    ]
    made = {"docs/map", "docs/glossary", "docs/benchmarks"}
    written = sorted(f"docs/{path.stem}" for path in (root / "docs").glob("*.md"))
    adding = [name for name in written if name.startswith("docs/adding")]
    rest = [name for name in written if name not in made and name not in adding]
    trees.append(("Work", ["notebooks/templates/README"]))
    trees.append(("Look up", [*sorted(made), "reference/index"]))
    trees.append(("Teach", rest))
    trees.append(("Carry on", ["CONTRIBUTING", *adding, "CHANGELOG"]))
    return [
        f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```"
        for caption, names in trees
        if names
    ]


def overview(chapters: list[Chapter], frame: Frame, root: Path = ROOT) -> str:
    """Objectives, exercises and checks of each chapter, read from the notebooks and from what ran."""
    planted = re.findall(r"^\| (\d+\.\d+) \|", (root / "docs/exercises.md").read_text(), re.M)
    parts = [
        "# Objectives, exercises, checks",
        "What each chapter promises, the exercises in which you prove it, and the claims that the "
        "chapter itself is held to whenever it runs. [Wrong answers](exercises.md) lists what a check "
        "says to the mistakes that it knows.",
    ]
    for chapter in chapters:
        goals = "\n".join(f"- {goal}" for goal in chapter.goals)
        rows = "\n".join(
            f"| [{e.name}](#{anchor(e.name)}) | **{_ended(e.title)}** {cell(_question(e.task))} "
            f"| {cell(e.right)} | {planted.count(e.name)} |"
            for e in chapter.exercises
        )
        parts += [
            f"## [{chapter.number} · {chapter.title}](../{chapter.path})",
            f"**Afterwards you can**\n\n{goals}",
            ":::{container} exercises\n| exercise | question | a right answer is told | mistakes known |\n"
            f"|---|---|---|---:|\n{rows}\n:::",
        ]
        if run := frame.measured.get(chapter.path):
            parts.append(_claims(run["claims"]))
    return "\n\n".join(parts)


def _ended(title: str) -> str:
    return title if title[-1] in "?!." else f"{title}."


def _question(task: str) -> str:
    """What is asked, up to the first table or list."""
    return re.split(r"\n\s*\n?\s*(?=[-|])", task, maxsplit=1)[0]


def _claims(claims: list[dict]) -> str:
    rows = []
    for claim in claims:
        sign = {"lower": "≤", "higher": "≥"}[claim["better"]]
        unit, baseline = claim["unit"], claim["baseline"]
        beside = "" if baseline is None else f"{claim['baseline_name']}: {number(baseline)} {unit}"
        rows.append(
            f"| {cell(claim['name'])} | {number(claim['value'])} {unit} | {sign} {number(claim['bound'])} "
            f"| {cell(beside)} |"
        )
    head = "| claim | measured | held to | beside |\n|---|---|---|---|\n"
    title = f"{len(claims)} claims held at each run"
    opened, closed = raw(f"<details><summary>{title}</summary>"), raw("</details>")
    table = f":::{{container}} claims\n{head}" + "\n".join(rows) + "\n:::"
    return "\n\n".join([opened, table, closed])


def benchmarks(root: Path = ROOT) -> str:
    """A table for each script of benchmarks/, as it was measured, also where a bar is missed."""
    parts = [
        "# Benchmarks",
        "Measured, not promised: each script runs ours and the rival in turn on one machine. A bar is "
        "what was demanded beforehand, of the ratio where there is a rival; rows without one are there "
        "to look at. Where a bar is *at least*, of costs the ratio is rival / ours, so how many times "
        "faster we are; where it is *at most*, it is ours / rival, and smaller is better.",
    ]
    for path in sorted((root / "benchmarks/results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        machine = result["machine"]
        where = f"{machine['cpu']}, {machine['cores']} cores, {machine['gpu'] or 'no GPU'}"
        missed = sum(row["holds"] is False for row in result["rows"])
        bars = sum(row["holds"] is not None for row in result["rows"])
        parts += [
            f"## {path.stem.replace('_', ' ')}",
            f"{where}; {result['date']}. "
            + (f"{bars - missed} of {bars} bars hold." if bars else "No bars were set."),
            f"The last part was measured by\n\n```\n{result['command']}\n```",
            "| what | ours | rival | unit | ratio | bar | holds |\n|---|---:|---:|---|---:|---|---|\n"
            + "\n".join(_measured(row) for row in result["rows"]),
        ]
        versions = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
        parts.append(f"Versions: {versions}.")
    return "\n\n".join(parts)


def _measured(row: dict) -> str:
    holds = {True: "✓ yes", False: "✗ no", None: ""}[row["holds"]]
    bar = "" if row["bar"] is None else f"{row.get('sense', '')} {number(row['bar'])}".strip()
    if row["holds"] is not None and row["bar"] is None:  # judged by something else than a ratio
        wanted = row.get("wanted", "the rival's")
        bar = wanted if "≥" in str(wanted) else f"ours {row['sense']} {wanted}"
    values = " | ".join(number(row[key]) for key in ("ours", "rival"))
    return f"| {cell(row['what'])} | {values} | {row['unit']} | {number(row['ratio'])} | {bar} | {holds} |"


def reference(root: Path = ROOT) -> dict[str, str]:
    """Pages of the package, by name: one for each module, and a list of them."""
    pages, rows = {}, {key: [] for key in WINGS}
    for path in sorted((root / "mdlearn").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if path.stem == "__init__" or path.stem.startswith("_") or parts[1] in BESIDE:
            continue
        module = ".".join(parts)
        short = module.removeprefix("mdlearn.")
        title = f"{short}\n{'=' * len(short)}\n\n"
        pages[f"reference/{module}.rst"] = f"{title}.. automodule:: {module}\n   :members:\n"
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        wing = parts[1] if parts[1] in WINGS else ""
        first = cell(re.split(r"(?<=\.)\s", doc, maxsplit=1)[0])
        rows[wing].append(f"| [{short}]({module}.rst) | {first} |")
    index = ["# The package", "Every function and class that may be imported, with its source."]
    for wing, title in WINGS.items():
        index.append(
            f"## {title}\n\n| module | what it is for |\n|---|---|\n" + "\n".join(rows[wing])
        )
    tree = "\n".join(sorted(Path(name).stem for name in pages))
    index.append(f"```{{toctree}}\n:hidden:\n\n{tree}\n```")
    return pages | {"reference/index.md": "\n\n".join(index)}


def number(value: float | None) -> str:
    """Three digits."""
    if value is None:
        return ""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def cell(text: str) -> str:
    """Text that fits into a cell of a table."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    return " ".join(text.replace("|", "\\|").split())
