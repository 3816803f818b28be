"""Tables of molecules: a set of the catalog or your own CSV file, read with care for what goes wrong.

Separator, encoding, byte-order mark and quotes are found out; a label that is no number is refused
with its line. scaffolds.py splits such tables, molecules.py of the properties wing cleans them.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mdlearn.data.catalog import catalog
from mdlearn.data.fetch import fetch

SMILES_NAMES = ("smiles", "canonical_smiles", "isomeric_smiles", "smi", "structure", "molecule")
EMPTY = ("", "nan", "na", "n/a", "none", "null", "-")


@dataclass(frozen=True)
class Table:
    """Molecules with numbers.

    Attributes:
        smiles: One text per row, as it stood in the file.
        labels: One column per label; NaN where empty.
        names: Of the labels.
        units: Of the labels, as far as known.
        other: Columns that are no labels, as text: names, identifiers, years.
    """

    smiles: list[str]
    labels: Float[np.ndarray, "rows tasks"]
    names: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    other: Mapping[str, list[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.smiles)

    def column(self, name: str) -> Float[np.ndarray, " rows"]:
        """One label.

        Raises:
            ValueError: There is none of that name.
        """
        if name not in self.names:
            raise ValueError(f"no label {name!r}; there are {', '.join(self.names) or 'none'}")
        return self.labels[:, self.names.index(name)]


def load_table(
    source: str | Path,
    *,
    smiles: str | None = None,
    labels: Sequence[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> Table:
    """A set of the catalog by its name, or a CSV file by its path.

    Args:
        source: Name in the catalog, or path.
        smiles: Name of the column of SMILES; found when it has a common name.
        labels: Columns to take as numbers; those of the catalog, or every column of numbers, when
            not told.
        report: Told about separators and encodings that are not the usual ones, and downloads.

    Raises:
        FileNotFoundError: Neither a name of the catalog nor a file.
        ValueError: The file is broken, and how.
    """
    known = catalog()
    if str(source) in known:
        entry = known[str(source)]
        if entry.format != "table":
            raise ValueError(f"{source} holds {entry.format}, not molecules with properties")
        path = fetch(str(source), report=report)
        return read_table(path, smiles=smiles, labels=labels or entry.labels, units=entry.units)
    path = Path(source)
    if not path.exists():
        tables = ", ".join(name for name, entry in known.items() if entry.format == "table")
        raise FileNotFoundError(
            f"{source} is neither a file in {Path.cwd().name}/ nor one of the sets {tables}"
        )
    return read_table(path, smiles=smiles, labels=labels, report=report)


def read_table(
    path: Path | str,
    *,
    smiles: str | None = None,
    labels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    report: Callable[[str], None] | None = None,
) -> Table:
    """A CSV file as a table; arguments as for `load_table`.

    Raises:
        ValueError: No rows, no header, a column twice or missing, a label that is no number.
    """
    path = Path(path)
    header, rows = _rows(path, report)
    place = _smiles_column(header, rows, smiles, path)
    twice = {name for name in header if header.count(name) > 1}
    chosen = _label_columns(header, rows, labels, place, path)
    if wrong := twice & {header[place], *chosen}:
        raise ValueError(f"{path.name} has the column {sorted(wrong)[0]!r} twice; rename one")
    numbers = np.full((len(rows), len(chosen)), np.nan)
    for task, name in enumerate(chosen):
        column = header.index(name)
        for k, (line, cells) in enumerate(rows):
            numbers[k, task] = _number(cells[column], name, line, path)
    rest = [k for k, name in enumerate(header) if k != place and name not in chosen]
    other = {header[k]: [cells[k] for _, cells in rows] for k in rest}
    texts = [cells[place].strip() for _, cells in rows]
    return Table(texts, numbers, tuple(chosen), dict(units or {}), other)


def _rows(
    path: Path, report: Callable[[str], None] | None
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and the other rows with their line numbers."""
    data = path.read_bytes()
    if not data.strip():
        raise ValueError(f"{path.name} is empty")
    text, encoding = _decoded(data)
    first = text.split("\n", 1)[0]
    counts = {sign: first.count(sign) for sign in ",;\t|"}
    separator = max(counts, key=counts.get) if any(counts.values()) else ","
    if report and (encoding != "utf-8" or separator != ","):
        report(f"{path.name}: encoding {encoding}, separator {separator!r}")
    reader = csv.reader(text.splitlines(), delimiter=separator)
    header = [name.strip() for name in next(reader)]
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise ValueError(
                f"{path.name}, line {reader.line_num}: {len(cells)} cells under {len(header)} "
                f"columns; quote texts that contain {separator!r}"
            )
        rows.append((reader.line_num, cells))
    if not rows:
        raise ValueError(f"{path.name} has a header and no rows")
    return header, rows


def _decoded(data: bytes) -> tuple[str, str]:
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
    for mark, encoding in marks.items():
        if data.startswith(mark):
            return data.decode(encoding), encoding
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _smiles_column(header: list[str], rows: list, told: str | None, path: Path) -> int:
    if told is not None:
        if told not in header:
            raise ValueError(f"{path.name} has no column {told!r}; it has {', '.join(header)}")
        return header.index(told)
    found = [k for k, name in enumerate(header) if name.lower() in SMILES_NAMES]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        names = " and ".join(header[k] for k in found)
        raise ValueError(f"{path.name} has {names}; say which one holds the SMILES")
    if any(_is_number(name) for name in header):
        raise ValueError(
            f"{path.name} has no header, its first line is a row; add names of columns"
        )
    raise ValueError(
        f"{path.name} has no column of SMILES under a usual name; it has {', '.join(header)}; "
        "say which one it is"
    )


def _label_columns(
    header: list[str], rows: list, told: Sequence[str] | None, place: int, path: Path
) -> list[str]:
    if told is not None:
        if missing := [name for name in told if name not in header]:
            raise ValueError(
                f"{path.name} has no column {missing[0]!r}; it has {', '.join(header)}"
            )
        return list(told)
    return [
        name
        for k, name in enumerate(header)
        if k != place
        and any(_is_number(cells[k]) for _, cells in rows)
        and all(_is_number(cells[k]) or cells[k].strip().lower() in EMPTY for _, cells in rows)
    ]


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _number(text: str, name: str, line: int, path: Path) -> float:
    text = text.strip()
    if text.lower() in EMPTY:
        return np.nan
    if _is_number(text):
        return float(text)
    if text[0] in "<>~≤≥":
        advice = "a bound is no measured value: drop the row or decide on a number"
    elif _is_number(text.replace(",", ".")):
        advice = "write the decimal point as '.'"
    else:
        advice = "a label must be a number, or 0 and 1; leave it empty where it is not known"
    raise ValueError(f"{path.name}, line {line}: {name} is {text!r}; {advice}")
