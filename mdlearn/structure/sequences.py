"""Amino acids as numbers, and how alike two sequences are without aligning them.

proteins.py adds places, alignments.py adds relatives.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

LETTERS = "ACDEFGHIKLMNPQRSTVWY"  # by code, 0 to 19
UNKNOWN = 20  # an unknown letter, or a gap of an alignment
STATES = "HGIEBTSL"  # of DSSP: α, 3₁₀ and π helix, strand, bridge, turn, bend, none
COARSE = np.array([0, 0, 0, 1, 1, 2, 2, 2])  # state → helix, strand, other: "HEC"

_CODES = np.full(256, -1, dtype=np.int8)
_CODES[np.frombuffer(LETTERS.encode(), np.uint8)] = np.arange(20)
for _letter, _code in {"U": LETTERS.index("C"), "O": LETTERS.index("K")}.items():
    _CODES[ord(_letter)] = _code  # selenocysteine, pyrrolysine: read as their nearest
_CODES[np.frombuffer(b"BZJX", np.uint8)] = UNKNOWN


def encode(sequence: str) -> Int[np.ndarray, " residues"]:
    """Codes of the letters, 0 to 19; 20 where the letter leaves the residue open (B, J, X, Z).

    Lower case is read like upper case; selenocysteine (U) as cysteine, pyrrolysine (O) as lysine.

    Raises:
        ValueError: A sign that is no residue, or a sequence of DNA or RNA.
    """
    upper = "".join(sequence.split()).upper()
    if not upper:
        raise ValueError("the sequence is empty; give at least one amino acid letter")
    raw = np.frombuffer(upper.encode("ascii", "replace"), np.uint8)
    codes = _CODES[raw]
    if (codes < 0).any():
        place = int(np.argmax(codes < 0))
        raise ValueError(
            f"{upper[place]!r} at place {place + 1} is no amino acid; "
            f"the letters are {LETTERS}, and B J X Z for unknown ones"
        )
    if len(upper) >= 10 and set(upper) <= set("ACGTUN") and {"A", "C", "G"} <= set(upper):
        raise ValueError(
            f"{upper[:10]}… has only letters of DNA or RNA; translate it, proteins are wanted here"
        )
    return codes


def decode(codes: Int[np.ndarray, " residues"]) -> str:
    """Letters of the codes; X for unknown."""
    return "".join((LETTERS + "X")[code] for code in codes)


def words(sequence: str, length: int = 4) -> set[str]:
    """All pieces of a length."""
    return {sequence[i : i + length] for i in range(len(sequence) - length + 1)}


def overlap(a: str, b: str, length: int = 4) -> float:
    """Likeness of two sequences: the share of the shorter one's words that the other has too."""
    first, second = words(a, length), words(b, length)
    return len(first & second) / max(1, min(len(first), len(second)))


def similar_pairs(
    sequences: Sequence[str], cut: float = 0.3, length: int = 4
) -> list[tuple[int, int]]:
    """All pairs (i < j) whose `overlap` is above the cut, found through a list of who has a word."""
    having: dict[str, list[int]] = defaultdict(list)
    sets = [words(sequence, length) for sequence in sequences]
    found = []
    for j, mine in enumerate(sets):
        shared: dict[int, int] = defaultdict(int)
        for word in mine:
            for i in having[word]:
                shared[i] += 1
            having[word].append(j)
        for i, count in sorted(shared.items()):
            if count > cut * max(1, min(len(sets[i]), len(mine))):
                found.append((i, j))
    return found


def families(
    sequences: Sequence[str], cut: float = 0.3, length: int = 4
) -> Int[np.ndarray, " sequences"]:
    """Number of the family of each sequence: chains of similar pairs belong together.

    No pair above the cut is in two families, so families can be divided between training and test.
    """
    root = list(range(len(sequences)))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, j in similar_pairs(sequences, cut, length):
        a, b = find(i), find(j)
        root[max(a, b)] = min(a, b)
    return np.unique([find(i) for i in range(len(sequences))], return_inverse=True)[1]
