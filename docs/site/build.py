"""Build the site, without a network: lay out its sources under build/, then let Sphinx make pages.

python -m docs.site.build [--repository https://github.com/OWNER/mdlearn]
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from html import escape
from pathlib import Path

from docs.site import glossary, molecules, notebooks, pages, vendor
from docs.site.notebooks import ROOT, Frame

SOURCE, SITE = ROOT / "build/site-source", ROOT / "build/site"
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


def lay_out(source: Path, repository: str) -> None:
    """Write everything that Sphinx reads."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs/static", source / "_static")
    shutil.copy(ROOT / "docs/conf.py", source)
    vendor.vendor(source / "_static")
    chapters = notebooks.chapters()
    words = glossary.read(ROOT / "docs/glossary.md")
    measured = json.loads((ROOT / "notebooks/measured.json").read_text(encoding="utf-8"))
    numbers = [chapter.number for chapter in chapters]
    told = molecules.write(source / "_static/molecules", ROOT / "build/films", numbers)
    frame = Frame(repository, told, words, measured)
    texts = _written() | pages.reference()
    texts["index.md"] = pages.front(chapters, frame)
    texts["docs/map.md"] = pages.overview(chapters, frame)
    texts["docs/benchmarks.md"] = pages.benchmarks()
    texts["docs/glossary.md"] = glossary.page(words, _uses(chapters, words))
    known = {*texts, *(path.relative_to(ROOT).as_posix() for path in _notebooks())}
    for name, text in texts.items():
        _save(source / name, relinked(text, name, known, source / "extra"))
    for path in _notebooks():
        chapter = notebooks.read(path)
        target = source / chapter.path
        made = notebooks.page(chapter, frame, source / "extra" / f"{chapter.page}_figures")
        for cell in made["cells"]:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                cell["source"] = relinked(text, chapter.path, known, source / "extra")
        _save(target, json.dumps(made, ensure_ascii=False))
        _copy(path, source / "extra" / chapter.path)


def _notebooks() -> list[Path]:
    return [
        path for path in (ROOT / "notebooks").rglob("*.ipynb") if "checkpoints" not in str(path)
    ]


def _written() -> dict[str, str]:
    """Pages that people wrote, by their place in the repository."""
    paths = [*(ROOT / "docs").glob("*.md"), ROOT / "notebooks/templates/README.md"]
    paths += [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    templates = sorted(path.stem for path in (ROOT / "notebooks/templates").glob("*.ipynb"))
    tree = "\n".join(templates)
    texts["notebooks/templates/README.md"] += (
        f"\n```{{toctree}}\n:caption: Templates\n\n{tree}\n```\n"
    )
    return texts


def _uses(chapters: list, words: glossary.Glossary) -> dict[str, list[tuple[str, str]]]:
    uses = defaultdict(list)
    for chapter in chapters:
        cells = [c for c in chapter.notebook["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
        for term in words.used(text, chapter.number):
            uses[term].append((chapter.number, f"../{chapter.path}"))
    return uses


def relinked(text: str, name: str, known: set[str], extra: Path) -> str:
    """A page whose links to files of the repository lead to pages, or to copies beside them.

    Args:
        text: Of the page.
        name: Its place in the repository.
        known: Places of all pages.
        extra: Folder of files that the site carries along.
    """
    folder = (ROOT / name).parent

    def replaced(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = Path(os.path.normpath(folder / target))
        if (place / "README.md").is_file():
            target, place = f"{target.rstrip('/')}/README.md", place / "README.md"
        if place.relative_to(ROOT).as_posix() in known:
            return f"[{words}]({target}{anchor})"
        if not place.is_file():
            raise FileNotFoundError(f"{name} links {target}, which is not there")
        _copy(place, extra / place.relative_to(ROOT))
        return f'<a href="{escape(target, quote=True)}">{words}</a>'

    for picture in PICTURE.findall(text):
        if "://" not in picture:
            place = Path(os.path.normpath(folder / picture))
            _copy(place, extra.parent / place.relative_to(ROOT))
    return LINK.sub(replaced, text)


def _save(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def main() -> None:
    """Build; any warning is an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", default="", help="address; without it no Binder buttons")
    parser.add_argument("--output", type=Path, default=SITE)
    options = parser.parse_args()
    source = options.output.with_name(options.output.name + "-source")
    lay_out(source, options.repository)
    shutil.rmtree(options.output, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E"]
    command += ["-b", "html", "-d", str(source / ".doctrees"), str(source), str(options.output)]
    environment = os.environ | {"REPOSITORY": options.repository, "PYTHONPATH": str(ROOT)}
    code = subprocess.run(command, env=environment, check=False).returncode
    if code == 0:
        print(f"open {options.output / 'index.html'}")
    sys.exit(code)


if __name__ == "__main__":
    main()
