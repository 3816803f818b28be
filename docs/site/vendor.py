"""JavaScript that pages need, from packages that are installed: nothing is asked of the web."""

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

from jupyter_core.paths import jupyter_path


def vendor(target: Path) -> None:
    """Copy NGL and MathJax into the static files of the site.

    Args:
        target: Folder `_static` of the site's sources.
    """
    _ngl(target / "ngl")
    _mathjax(target / "mathjax")


def _ngl(target: Path) -> None:
    """NGL as nglview brings it for JupyterLab: an entry, and the pieces that it loads for NGL."""
    for folder in jupyter_path("labextensions", "nglview-js-widgets"):
        package = Path(folder) / "package.json"
        if package.is_file():
            break
    else:
        raise FileNotFoundError("nglview's front end is not installed; pip install nglview")
    load = json.loads(package.read_text(encoding="utf-8"))["jupyterlab"]["_build"]["load"]
    entry = package.parent / load
    told = re.search(r'\("ngl","[\d.]+",(.*?)\.then', entry.read_text(encoding="utf-8"))
    pieces = re.findall(r"\.e\((\d+)\)", told.group(1)) if told else []
    if not pieces:
        raise ValueError(f"{entry.name} does not say which of its pieces are NGL")
    target.mkdir(parents=True)
    shutil.copy(entry, target / "entry.js")
    for piece in pieces:
        for path in entry.parent.glob(f"{piece}.*"):
            shutil.copy(path, target)


def _mathjax(target: Path) -> None:
    """MathJax in one file that draws formulas as SVG, so that no font is loaded."""
    target.mkdir(parents=True)
    source = files("mathjax").joinpath("static", "mathjax", "es5", "tex-svg.js")
    (target / "tex-svg.js").write_bytes(source.read_bytes())
