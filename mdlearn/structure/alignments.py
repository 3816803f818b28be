"""A family of sequences, one above the other: read from a file, weighed, laid on a structure.

couplings.py goes on: which columns change together?
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
from jaxtyping import Float, Int

from mdlearn.data.fetch import fetch
from mdlearn.structure.proteins import Protein, read_structure
from mdlearn.structure.sequences import LETTERS, UNKNOWN, decode, encode

FAMILIES = {"dhfr": "A", "s1a": "E", "rhomboid": "A"}  # shipped, with the chain of the structure
GAPS = "-."
_TABLE = np.full(256, -1, dtype=np.int8)
_TABLE[np.frombuffer(LETTERS.encode(), np.uint8)] = np.arange(20)
_TABLE[np.frombuffer(b"BJOUXZ*-.~", np.uint8)] = UNKNOWN


@dataclass(frozen=True)
class Alignment:
    """Sequences of one family; residues in one column descend from one residue.

    Attributes:
        names: Of the sequences.
        rows: Codes of the letters; 20 for a gap or an unknown letter. The first row is the query.
    """

    names: tuple[str, ...]
    rows: Int[np.ndarray, "sequences columns"]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def query(self) -> str:
        """The first sequence without its gaps."""
        return decode(self.rows[0][self.rows[0] != UNKNOWN])

    def take(self, rows: Sequence[int] | np.ndarray) -> "Alignment":
        """Some of the sequences."""
        rows = np.asarray(rows)
        return Alignment(tuple(self.names[i] for i in rows), self.rows[rows])

    def columns(self, chosen: Sequence[int] | np.ndarray) -> "Alignment":
        """Some of the columns."""
        return Alignment(self.names, self.rows[:, np.asarray(chosen)])

    def dense(self, *, gaps: float = 0.3) -> "Alignment":
        """The query and the sequences with at most this share of gaps."""
        few = (self.rows == UNKNOWN).mean(1) <= gaps
        few[0] = True
        return self.take(np.flatnonzero(few))


def read_alignment(path: Path | str) -> Alignment:
    """An alignment from FASTA, A2M, A3M, Stockholm or bare rows, also .gz; `-` and `.` are gaps.

    Rows of unequal length are read as A3M: lower case and `.` are insertions and are left out.
    Of rows of equal length, columns in which all letters are lower case are left out (A2M).

    Raises:
        FileNotFoundError: No such file.
        ValueError: Nothing in it, DNA, a sign that is no residue, or ragged rows; the line is named.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    stockholm = bool(lines) and lines[0].startswith("# STOCKHOLM")
    entries = _stockholm(lines) if stockholm else _fasta(lines, path.name)
    if not entries:
        raise ValueError(f"{path.name} has no sequence in it")
    names, texts, places = zip(*entries, strict=True)
    rows = [_text(text, place, path.name) for text, place in zip(texts, places, strict=True)]
    rows = _columns(rows, places, path.name, inserts=not stockholm)
    _refuse_dna(rows[0], path.name)
    return Alignment(tuple(names), np.array([_TABLE[row] for row in rows]))


def _fasta(lines: list[str], name: str) -> list[tuple[str, str, int]]:
    """Name, text and line of each entry; without any '>', each line is a row (the format of PSICOV)."""
    bare = [(str(n), line.strip(), n) for n, line in enumerate(lines, 1) if line.strip()]
    if len({len(row[1]) for row in bare}) == 1 < len(bare) and ">" not in "".join(lines):
        return bare
    found: list[tuple[str, list[str], int]] = []
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if line.startswith(">"):
            found.append(
                (line[1:].split()[0] if line[1:].split() else f"line {number}", [], number)
            )
        elif line and not line.startswith(("#", ";")):
            if not found:
                raise ValueError(
                    f"line {number} of {name} comes before the first '>'; "
                    "wanted FASTA, A3M or Stockholm"
                )
            found[-1][1].append(line)
    return [(title, "".join(parts), number) for title, parts, number in found]


def _stockholm(lines: list[str]) -> list[tuple[str, str, int]]:
    """As `_fasta`, of blocks that go on; ends at //."""
    found: dict[str, tuple[list[str], int]] = {}
    for number, line in enumerate(lines, 1):
        if line.startswith("//"):
            break
        if line.strip() and not line.startswith("#"):
            title, _, text = line.strip().partition(" ")
            found.setdefault(title, ([], number))[0].append(text.strip())
    return [(title, "".join(parts), number) for title, (parts, number) in found.items()]


def _text(text: str, line: int, name: str) -> np.ndarray:
    """Bytes of a row, each a letter or a gap."""
    raw = np.frombuffer("".join(text.split()).encode("ascii", "replace"), np.uint8)
    wrong = _TABLE[_upper(raw)] < 0
    if wrong.any():
        sign = chr(raw[int(np.argmax(wrong))])
        raise ValueError(f"the sequence at line {line} of {name} has {sign!r}, which is no residue")
    return raw


def _upper(raw: np.ndarray) -> np.ndarray:
    return np.where((raw >= 97) & (raw <= 122), raw - 32, raw)


def _columns(
    rows: list[np.ndarray], lines: Sequence[int], name: str, *, inserts: bool
) -> list[np.ndarray]:
    """The rows cut to the columns that all share, in upper case."""
    lower = [(row >= 97) & (row <= 122) for row in rows]
    if inserts and len({len(row) for row in rows}) > 1:
        rows = [row[~low & (row != ord("."))] for row, low in zip(rows, lower, strict=True)]
        lengths = [len(row) for row in rows]
        if len(set(lengths)) > 1:
            odd = next(k for k, length in enumerate(lengths) if length != lengths[0])
            raise ValueError(
                f"ragged alignment: the sequence at line {lines[odd]} of {name} has {lengths[odd]} "
                f"columns, the first has {lengths[0]}; align them first"
            )
        return rows
    if len({len(row) for row in rows}) > 1:
        odd = next(k for k, row in enumerate(rows) if len(row) != len(rows[0]))
        raise ValueError(
            f"ragged alignment: the row at line {lines[odd]} of {name} is too long or short"
        )
    table = np.array(rows)
    match = ((table >= 65) & (table <= 90)).any(0) if inserts else np.ones(table.shape[1], bool)
    return [_upper(row) for row in (table[:, match] if match.any() else table)]


def _refuse_dna(row: np.ndarray, name: str) -> None:
    letters = {chr(sign) for sign in row} - set(GAPS)
    if len(row) >= 10 and {"A", "C", "G"} <= letters <= set("ACGTUN"):
        raise ValueError(f"{name} holds DNA or RNA; translate it, proteins are wanted here")


def weigh(
    rows: Int[np.ndarray, "sequences columns"], *, identity: float = 0.8
) -> Float[np.ndarray, " sequences"]:
    r"""One over the number of sequences that are alike, the sequence itself among them.

    $$w_s = 1 / |\{t : \text{identity}(s, t) \ge 0.8\}|$$

    Their sum is the *effective number* of sequences. Letters are kept as five planes of bits, so
    that 64 columns are compared at once.

    Args:
        rows: Codes, 0 to 20.
        identity: Share of equal columns from which two sequences count as one; gaps are a letter.
    """
    count, columns = rows.shape
    planes = np.zeros((5, count, -(-columns // 64) * 8), np.uint8)
    for bit in range(5):
        packed = np.packbits((rows >> bit) & 1, axis=1)
        planes[bit, :, : packed.shape[1]] = packed
    planes = planes.view(np.uint64)  # (5, sequences, words)
    most = columns - int(np.ceil(identity * columns - 1e-9))  # differences allowed
    alike = np.zeros(count)
    block = max(1, 4_000_000 // (count * planes.shape[2]))
    for start in range(0, count, block):
        stop = min(start + block, count)
        unequal = planes[0, start:stop, None] ^ planes[0, None, start:]
        for bit in range(1, 5):
            unequal |= planes[bit, start:stop, None] ^ planes[bit, None, start:]
        near = np.bitwise_count(unequal).sum(-1, dtype=np.int32) <= most  # (block, rest)
        alike[start:stop] += near.sum(1)
        alike[stop:] += near[:, stop - start :].sum(0)
    return 1 / alike


def conservation(alignment: Alignment) -> Float[np.ndarray, " columns"]:
    """How far each column is from free choice among 20 letters (bits, at most 4.32), gaps left out."""
    weights = weigh(alignment.rows)
    counts = np.stack([weights @ (alignment.rows == k) for k in range(20)], 1)  # (columns, 20)
    shares = (counts + 1e-9) / (counts + 1e-9).sum(1, keepdims=True)
    return np.log2(20) + (shares * np.log2(shares)).sum(1)


def lay_on(
    alignment: Alignment, protein: Protein, *, row: int | None = None, least: float = 0.5
) -> Int[np.ndarray, " columns"]:
    """Which residue of the protein each column is; -1 for none.

    The row most like the protein is aligned to it; columns in which that row has a gap get none.

    Args:
        row: Take this row instead of looking for it.
        least: Share of the row's residues that must be equal in the protein.

    Raises:
        ValueError: No row is like enough: the structure is of another family.
    """
    target = encode(protein.sequence)
    if row is None:
        first = np.array([_likeness(alignment.rows[0], target)])
        order = [0] if first[0] > 0.9 else np.argsort(-_profile(alignment.rows, target))[:20]
        row = max(order, key=lambda i: _likeness(alignment.rows[i], target))
    mine = np.flatnonzero(alignment.rows[row] != UNKNOWN)
    pairs = _aligned(decode(alignment.rows[row][mine]), protein.sequence)
    found = np.full(alignment.rows.shape[1], -1)
    for i, j in pairs:
        found[mine[i]] = j
    same = sum(alignment.rows[row, mine[i]] == target[j] for i, j in pairs)
    if same < least * max(1, min(len(mine), len(target))):
        raise ValueError(
            f"{protein.name} does not belong to this alignment: its nearest row, "
            f"{alignment.names[row]}, has {same} of {len(mine)} residues in common with it"
        )
    return found


def _likeness(row: np.ndarray, target: np.ndarray) -> float:
    mine = row[row != UNKNOWN]
    if not len(mine):
        return 0.0
    pairs = _aligned(decode(mine), decode(target))
    return sum(mine[i] == target[j] for i, j in pairs) / min(len(mine), len(target))


def _profile(rows: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Quick likeness of all rows: shared words of three letters, gaps removed."""
    known = {tuple(target[i : i + 3]) for i in range(len(target) - 2)}
    found = np.zeros(len(rows))
    for k, row in enumerate(rows):
        mine = row[row != UNKNOWN]
        triples = set(zip(mine, mine[1:], mine[2:], strict=False))
        found[k] = len(triples & known)
    return found


def _aligned(a: str, b: str) -> list[tuple[int, int]]:
    """Pairs of places that a global alignment puts together."""
    scoring = gemmi.AlignmentScoring()
    scoring.match, scoring.mismatch, scoring.gapo, scoring.gape = 2, -1, -3, -1
    found, i, j = [], 0, 0
    result = gemmi.align_string_sequences(list(a), list(b), [], scoring)
    for x, y in zip(result.add_gaps(a, 1), result.add_gaps(b, 2), strict=True):
        if x != "-" and y != "-":
            found.append((i, j))
        i, j = i + (x != "-"), j + (y != "-")
    return found


def load_family(name: str) -> tuple[Alignment, Protein]:
    """A shipped family: its alignment, and the crystal structure of one member.

    Args:
        name: "dhfr" (3QL0), "s1a" (3TGI) or "rhomboid" (2NRF).
    """
    if name not in FAMILIES:
        raise ValueError(f"the shipped families are {', '.join(FAMILIES)}; got {name!r}")
    alignment = read_alignment(fetch(name, part="alignment"))
    return alignment, read_structure(fetch(name, part="structure"), chain=FAMILIES[name])


def focus(
    alignment: Alignment, protein: Protein, *, gaps: float = 0.3
) -> tuple[Alignment, Int[np.ndarray, " columns"]]:
    """The columns that are residues of the protein, its own sequence as first row, few-gap rows.

    Returns:
        The alignment and the residue of each of its columns.
    """
    residues = lay_on(alignment, protein)
    kept = np.flatnonzero(residues >= 0)
    cut = alignment.columns(kept)
    query = encode(protein.sequence)[residues[kept]]
    whole = Alignment((protein.name, *cut.names), np.vstack([query, cut.rows]))
    return whole.dense(gaps=gaps), residues[kept]
