"""Which page shows which molecule, and the files that its 3D view reads."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import mdlearn
from docs.site import films, folds
from docs.site.films import Film

UNIT = 0.002  # Å, to which places are rounded: 16 bits reach 65 Å
FILMS: dict[str, Callable[[], Film]] = {
    "ethanol": films.ethanol,
    "turned": films.turned,
    "proton": films.proton,
    "argon": films.argon,
    "dipeptide": films.dipeptide,
    "chain": folds.chain,
    "crystal": folds.crystal,
    "fold": folds.fold,
    "lone": folds.lone,
    "twins": folds.twins,
    "aspirin": folds.aspirin,
    "best": folds.best,
}
SHOWN = {  # film at the head of each chapter
    "00": "ethanol",
    "11": "turned",
    "12": "ethanol",
    "13": "turned",
    "14": "proton",
    "21": "argon",
    "22": "argon",
    "23": "dipeptide",
    "24": "argon",
    "31": "chain",
    "32": "crystal",
    "33": "fold",
    "34": "lone",
    "41": "twins",
    "43": "aspirin",
    "44": "best",
}


def write(target: Path, kept: Path, numbers: Iterable[str]) -> dict[str, str]:
    """Write the files of the films that are shown; the words for each.

    Args:
        target: Folder `_static/molecules` of the site's sources.
        kept: Folder where films stay from one build to the next, while the code is the same.
        numbers: Of the chapters.
    """
    names = sorted({SHOWN[number] for number in numbers if number in SHOWN})
    folder = kept / _fingerprint(names)
    if not (folder / "words.json").is_file():
        _compute(folder, names)
    told = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    shutil.copytree(folder, target)
    return told


def _compute(folder: Path, names: list[str]) -> None:
    """Compute films; all are there or none, also when two builds run at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    films.seeded()
    told = {}
    with TemporaryDirectory(dir=folder.parent, prefix=".") as place:
        part = Path(place) / "films"
        part.mkdir()
        for name in names:
            film = FILMS[name]()
            (part / f"{name}.png").write_bytes(film.picture)
            (part / f"{name}.js").write_text(script(name, film), encoding="utf-8")
            told[name] = film.alt
        (part / "words.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        for old in folder.parent.glob("[!.]*"):  # of other code
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        if not folder.exists():
            part.rename(folder)


def _fingerprint(names: list[str]) -> str:
    """Of everything that films are made of: these scripts, the package, its data and weights."""
    paths = [Path(module.__file__) for module in (films, folds)] + [Path(__file__)]
    for pattern in ("*.py", "*.safetensors", "*.npz", "*.gz", "*.csv"):
        paths += Path(mdlearn.__file__).parent.rglob(pattern)
    told = hashlib.sha256(" ".join(names).encode())
    for path in sorted(paths):
        told.update(path.name.encode() + path.read_bytes())
    return told.hexdigest()[:16]


def script(name: str, film: Film) -> str:
    """A film as JavaScript, which a page may read from disk, where it may not read JSON."""
    data = {"pdb": film.pdb, "style": film.style, "colors": film.colors, "cell": film.cell}
    data |= {"beside": film.beside, "times": film.times or None}
    if film.frames is not None:
        data |= {"frames": packed(film.frames), "atoms": film.frames.shape[1], "unit": UNIT}
    if film.arrows is not None:
        data["arrows"] = packed(film.arrows)
    text = json.dumps({key: value for key, value in data.items() if value is not None})
    return f'(window.mdlearnMolecules = window.mdlearnMolecules || {{}})["{name}"] = {text};\n'


def packed(places: np.ndarray) -> str:
    """Places (Å) as whole numbers of 16 bits, in base 64."""
    whole = np.rint(places / UNIT)
    if np.abs(whole).max() > np.iinfo(np.int16).max:
        raise ValueError(f"an atom is {np.abs(places).max():.0f} Å from the middle; 65 Å fit")
    return base64.b64encode(whole.astype("<i2").tobytes()).decode()


def figure(name: str, alt: str, static: str, *, autoplay: bool = False) -> str:
    """The element of a page that shows a film.

    Args:
        name: Of the film.
        alt: What there is to see.
        static: Way from the page to `_static`.
        autoplay: Move at once, unless the reader's system asks for less motion.
    """
    words, play = escape(alt, quote=True), ' data-autoplay="yes"' if autoplay else ""
    return f"""<figure class="molecule" data-molecule="{name}"{play}>
<div class="stage" role="img" aria-label="{words}"><img src="{static}/molecules/{name}.png" alt=""></div>
<div class="player" hidden><button type="button">▶ Play</button>
<input type="range" min="0" value="0" aria-label="frame"><output></output></div>
<figcaption>{escape(alt)}. <span class="how">Drag to turn, Ctrl + wheel to zoom.</span></figcaption>
</figure>"""
