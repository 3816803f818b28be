"""Colors of atoms and bonds: names for what a message-passing network of some depth can tell apart.

graphs.py makes them once for a whole set; batches.py computes one row per color.
"""

import numpy as np
from jaxtyping import Int, UInt64


def colors(
    atoms: Int[np.ndarray, " atoms"],
    bonds: Int[np.ndarray, " bonds"],
    source: Int[np.ndarray, " bonds"],
    *,
    depth: int,
) -> tuple[Int[np.ndarray, "rounds bonds"], Int[np.ndarray, " atoms"]]:
    """Names of what a network of that depth can tell apart, exact.

    Round 0 names pairs (kind of source atom, kind of bond). Each next round names the pair of the
    first color and the multiset of colors of the bonds that come in at the source, without the
    reverse. At the end an atom is named by its kind and the multiset of its incoming bonds.

    Colors are found by 64-bit hashes, then compared member by member with the first of their
    color: a collision raises instead of giving a wrong number.

    References:
        Morris et al., Proc. AAAI 33, 4602 (2019), doi:10.1609/aaai.v33i01.33014602.
    """
    first = _named(_mix(atoms[source] * 65_536 + bonds))
    verify(first, np.stack([atoms[source], bonds], axis=1))
    rounds = [first]
    start, incoming = neighbors_of_bonds(source, len(atoms))
    for _ in range(depth - 1):
        rounds.append(_refined(first, rounds[-1], start, incoming))
    start, incoming = bonds_into_atoms(source, len(atoms))
    return np.stack(rounds), _refined(atoms, rounds[-1], start, incoming)


def bonds_into_atoms(
    source: Int[np.ndarray, " bonds"], atoms: int
) -> tuple[Int[np.ndarray, " ends"], Int[np.ndarray, " bonds"]]:
    """Directed bonds that end at each atom: where its list starts, and all lists in a row."""
    target = source[np.arange(len(source)) ^ 1]
    start = np.concatenate([[0], np.cumsum(np.bincount(target, minlength=atoms))])
    return start, np.argsort(target, kind="stable")


def neighbors_of_bonds(
    source: Int[np.ndarray, " bonds"], atoms: int
) -> tuple[Int[np.ndarray, " ends"], Int[np.ndarray, " entries"]]:
    """Directed bonds that end where each one starts, but for its own reverse: the line graph."""
    start, incoming = bonds_into_atoms(source, atoms)
    counts = np.diff(start)[source]
    entries = incoming[ranges(start[source], counts)]
    owner = np.repeat(np.arange(len(source)), counts)
    entries = entries[entries != (owner ^ 1)]
    return np.concatenate([[0], np.cumsum(counts - 1)]), entries


def ranges(
    starts: Int[np.ndarray, " rows"], counts: Int[np.ndarray, " rows"]
) -> Int[np.ndarray, " entries"]:
    """Start, start + 1, … for each row, one after the other."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def _refined(
    own: np.ndarray, colors: np.ndarray, start: np.ndarray, entries: np.ndarray
) -> np.ndarray:
    """New names for pairs of an own color and a multiset of others."""
    hashed = np.concatenate([[np.uint64(0)], np.cumsum(_mix(colors[entries] + 1), dtype=np.uint64)])
    sums = hashed[start[1:]] - hashed[start[:-1]]
    with np.errstate(over="ignore"):
        names = _named(_mix(own + 1) + np.uint64(7) * _mix(sums))
    counts = np.diff(start)
    table = np.full((len(own), int(counts.max(initial=0)) + 1), -1)
    row = np.repeat(np.arange(len(own)), counts)
    table[row, np.arange(len(entries)) - start[:-1][row]] = colors[entries]
    table[:, :-1].sort(axis=1)
    table[:, -1] = own
    verify(names, table)
    return names


def verify(names: Int[np.ndarray, " rows"], contents: Int[np.ndarray, "rows entries"]) -> None:
    """Make sure that all members of a color have the contents of its first, number by number.

    Raises:
        ArithmeticError: Two contents have one name, because their hashes collided.
    """
    if (contents != contents[firsts(names)][names]).any():
        raise ArithmeticError("two colors have one hash; change the constants of _mix")


def firsts(names: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " names"]:
    """The first row of each name 0, 1, …: written from behind, the first comes last and stays."""
    found = np.zeros(int(names.max(initial=-1)) + 1, np.int64)
    found[names[::-1]] = np.arange(len(names))[::-1]
    return found


def _named(hashes: UInt64[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    return np.unique(hashes, return_inverse=True)[1].astype(np.int64)


def _mix(values: np.ndarray) -> UInt64[np.ndarray, " rows"]:
    """A 64-bit hash (splitmix64)."""
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
