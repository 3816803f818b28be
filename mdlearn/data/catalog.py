"""The catalog of data sets and the checksums that guard them; `fetch` and `load` stand in fetch.py."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CATALOG = HERE / "catalog.toml"
SHIPPED = HERE / "files"


@dataclass(frozen=True)
class DataFile:
    """One file of a data set.

    Attributes:
        part: What `fetch` and `load` call it within its set.
        file: Its name on disk.
        checksum: `algorithm:hexadecimal`; nothing after the colon when not yet computed.
        size: Length (bytes), when known.
        url: Where it can be had, in order of preference; empty when it ships with the package.
    """

    part: str
    file: str
    checksum: str
    size: int | None = None
    url: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """What one has to know about a data set before using it.

    Attributes:
        name: Its key in the catalog.
        title: One line.
        format: How to read it: `npz`, `rmd17`, `extxyz`, `table` of molecules (tables.py), or
            `protein` (by `mdlearn.structure`).
        labels: Methods of its labels, the main one first; of a table, its columns of numbers.
        license: Terms of use.
        citation: Whom to credit.
        doi: Of the paper, when there is one.
        units: Units in the file, of `length`, `energy` and `forces`, which `load` converts; of a
            table, of each label.
        good_for: What it can show.
        misleads: Where conclusions from it go wrong.
        files: Its files.
    """

    name: str
    title: str
    format: str
    labels: tuple[str, ...]
    license: str
    citation: str
    doi: str
    units: Mapping[str, str]
    good_for: str
    misleads: str
    files: tuple[DataFile, ...]

    def file(self, part: str | None = None) -> DataFile:
        """The file of a part; a set of one file needs no part.

        Raises:
            ValueError: No such part, or several files and no part given.
        """
        parts = {file.part: file for file in self.files}
        if part is None and len(parts) == 1:
            return self.files[0]
        if part not in parts:
            raise ValueError(f"{self.name} has the parts {', '.join(parts)}; got part={part!r}")
        return parts[part]


def catalog(path: Path = CATALOG) -> dict[str, DataSet]:
    """All data sets by name."""
    sets = {}
    for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items():
        files = tuple(
            DataFile(**{**file, "url": tuple(file.get("url", ()))}) for file in entry.pop("files")
        )
        sets[name] = DataSet(name=name, files=files, **{**entry, "labels": tuple(entry["labels"])})
    return sets


def find(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        ValueError: There is none.
    """
    sets = catalog()
    if name not in sets:
        raise ValueError(f"no data set {name!r} in the catalog, which has {', '.join(sets)}")
    return sets[name]


def digest(path: Path, algorithm: str) -> str:
    """Checksum of a file, in hexadecimal.

    Args:
        path: The file.
        algorithm: `sha256`, `md5`, or `git`: SHA-1 with git's header, the name of the blob.
    """
    if algorithm not in ("sha256", "md5", "git"):
        raise ValueError(f"checksum algorithm must be sha256, md5 or git, got {algorithm!r}")
    value = hashlib.new("sha1" if algorithm == "git" else algorithm, usedforsecurity=False)
    if algorithm == "git":
        value.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            value.update(block)
    return value.hexdigest()


def matches(path: Path, checksum: str) -> bool:
    """Whether a file is the one that the checksum was computed from.

    Raises:
        ValueError: The catalog has no checksum: such a file is not trusted.
    """
    algorithm, _, wanted = checksum.partition(":")
    if not wanted:
        raise ValueError(
            f"the catalog has no checksum for {path.name}, so it is not used; "
            "if you made the file, run python -m mdlearn.data.fetch --hash"
        )
    return digest(path, algorithm) == wanted


def pin(path: Path = CATALOG, folder: Path = SHIPPED) -> list[str]:
    """Write size and sha256 of every shipped file into the catalog, after a recipe has made it.

    Args:
        path: The catalog.
        folder: Where the shipped files lie.

    Returns:
        Names of the files whose lines changed.
    """
    text, changed = path.read_text(encoding="utf-8"), []
    files = [file for entry in catalog(path).values() for file in entry.files if not file.url]
    for file in files:
        source = folder / file.file
        if not source.exists():
            continue
        lines = f'file = "{file.file}"\nsize = {source.stat().st_size}\n'
        lines += f'checksum = "sha256:{digest(source, "sha256")}"'
        pattern = rf'file = "{re.escape(file.file)}"\nsize = \d+\nchecksum = "sha256:[0-9a-f]*"'
        before, text = text, re.sub(pattern, lines, text)
        if text != before:
            changed.append(file.file)
    path.write_text(text, encoding="utf-8")
    return changed
