"""Helices and strands from coordinates, by hydrogen bonds of the backbone: the rules of DSSP.

The states are those of `sequences.STATES`, so a network can be held to them.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mdlearn.structure.proteins import Protein
from mdlearn.structure.sequences import STATES

BOND = -0.5  # kcal/mol: a hydrogen bond is stronger
CHARGES = 0.084 * 332  # kcal/mol·Å, of the partial charges on C=O and N–H
BEND = 70.0  # degrees between the ways before and after a residue
H, G, I, E, B, T, S, NONE = range(8)


def bond_energies(protein: Protein) -> Float[np.ndarray, "residues residues"]:
    r"""Energy of the hydrogen bond from N–H of residue j to C=O of residue i, at [i, j] (kcal/mol).

    $$E = 27.9\,(1/r_{ON} + 1/r_{CH} - 1/r_{OH} - 1/r_{CN})$$

    The hydrogen is put 1 Å from N, opposite the previous C=O. Prolines and the first residue have none.

    References:
        Kabsch and Sander, Biopolymers 22, 2577 (1983), doi:10.1002/bip.360221211.
    """
    n, ca, c, o = (protein.backbone[:, k] for k in range(4))
    away = c - o
    hydrogen = np.full_like(n, np.nan)
    hydrogen[1:] = n[1:] + away[:-1] / np.linalg.norm(away[:-1], axis=-1, keepdims=True)
    hydrogen[1:][protein.breaks()] = np.nan
    hydrogen[[letter == "P" for letter in protein.sequence]] = np.nan

    def inverse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 1 / np.maximum(np.linalg.norm(a[:, None] - b[None], axis=-1), 0.5)

    energy = CHARGES * (inverse(o, n) + inverse(c, hydrogen) - inverse(o, hydrogen) - inverse(c, n))
    far = np.linalg.norm(ca[:, None] - ca[None], axis=-1) > 9.0
    i, j = np.indices(energy.shape)
    energy[np.isnan(energy) | far | (i == j) | (i + 1 == j)] = 0.0
    return np.maximum(energy, -9.9)


def hydrogen_bonds(protein: Protein) -> Bool[np.ndarray, "residues residues"]:
    """Whether N–H of j is bonded to C=O of i, at [i, j]; each N–H and each C=O has two at most."""
    energy = bond_energies(protein)
    bonded = energy < BOND
    if len(energy) > 2:
        bonded &= energy <= np.sort(energy, axis=0)[1][None]
        bonded &= energy <= np.sort(energy, axis=1)[:, 1][:, None]
    return bonded


def assign(protein: Protein) -> Int[np.ndarray, " residues"]:
    """The eight states of DSSP, as codes into `STATES`.

    References:
        Kabsch and Sander, Biopolymers 22, 2577 (1983), doi:10.1002/bip.360221211.
    """
    size = len(protein)
    bonded = hydrogen_bonds(protein)
    broken = np.concatenate([[0], np.cumsum(protein.breaks())])  # number of the unbroken piece
    states = np.full(size, NONE)
    states[_bends(protein, broken)] = S
    turns = {}
    for n in (3, 4, 5):
        starts = np.arange(max(0, size - n))
        turns[n] = bonded[starts, starts + n] & (broken[starts] == broken[starts + n])
        for i in np.flatnonzero(turns[n]):
            states[i + 1 : i + n] = T
    strands, bridges = _sheets(bonded, broken)
    states[bridges] = B
    states[strands] = E
    _helices(states, turns)
    return states


def secondary_structure(protein: Protein) -> str:
    """Three states, a letter a residue: H helix, E strand, C other."""
    return "".join("HHHEECCC"[state] for state in assign(protein))


def states(protein: Protein) -> str:
    """Eight states, a letter a residue."""
    return "".join(STATES[state] for state in assign(protein))


def _bends(protein: Protein, broken: np.ndarray) -> np.ndarray:
    """Residues where the chain turns sharply."""
    if len(protein) < 5:
        return np.zeros(len(protein), bool)
    before, after = (protein.ca[2:-2] - protein.ca[:-4]), (protein.ca[4:] - protein.ca[2:-2])
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    cosine = (before * after).sum(-1) / lengths
    found = np.zeros(len(protein), bool)
    whole = broken[4:] == broken[:-4]
    found[2:-2] = whole & (np.degrees(np.arccos(np.clip(cosine, -1, 1))) > BEND)
    return found


def _helices(states: np.ndarray, turns: dict[int, np.ndarray]) -> None:
    """Two turns in a row start a helix; α goes before 3₁₀ and π."""
    for n, code, over in ((4, H, None), (3, G, (H, E, B)), (5, I, (H, E, B, G))):
        both = np.flatnonzero(turns[n][1:] & turns[n][:-1]) + 1
        for i in both:
            piece = states[i : i + n]
            if over is None or not np.isin(piece, over).any():
                piece[:] = code


def _sheets(
    bonded: Bool[np.ndarray, "residues residues"], broken: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Residues in strands (ladders of two bridges or more, bulges included), and in lone bridges."""
    size = len(bonded)
    strands, bridges = np.zeros(size, bool), np.zeros(size, bool)
    if size < 5:
        return strands, bridges
    m = slice(1, -1)
    low, high = slice(0, -2), slice(2, None)
    b = bonded
    parallel = (b[low, m] & b[m, high].T) | (b[low, m].T & b[m, high])
    anti = (b[m, m] & b[m, m].T) | (b[low, high] & b[low, high].T)
    i, j = np.indices(parallel.shape)
    whole = broken[2:] == broken[:-2]
    possible = (j - i >= 3) & whole[:, None] & whole[None]
    for found, sign in ((parallel & possible, 1), (anti & possible, -1)):
        pairs = [(int(x) + 1, int(y) + 1) for x, y in np.argwhere(found)]
        bridges[[k for pair in pairs for k in pair]] = True
        for n, (x, y) in enumerate(pairs):
            for u, v in pairs[n + 1 :]:
                if u - x > 5:
                    break
                far, step = u - x, sign * (v - y)
                if far >= 1 and step >= 1 and min(far, step) <= 2 and max(far, step) <= 5:
                    strands[x : u + 1] = True
                    strands[min(y, v) : max(y, v) + 1] = True
    return strands, bridges
