"""Divide molecules so that the test asks about new chemistry, and no molecule is in two parts.

By scaffold, by cluster of likeness, by time; whatever the way, molecules with the same skeleton
(connectivity, the first block of the InChIKey) stay together: stereoisomers, salts of one
compound measured twice, tautomers that InChI knows. For a random division of molecules, give
`same_molecule` to `split_by_group` of splits.py.
"""

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Int, Shaped
from rdkit import Chem, rdBase
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol
from rdkit.SimDivFilters.rdSimDivPickers import LeaderPicker

from mdlearn.data.splits import Split, shares_of

LARGE = 100  # heavy atoms


@lru_cache(100_000)
def skeleton(smiles: str) -> str:
    """What stays the same under stereo marks, isotopes and most tautomers: 14 letters of InChIKey.

    Where InChI fails (it knows no wildcards) or takes minutes (above 100 heavy atoms), the
    canonical SMILES without stereo takes its place.

    Raises:
        ValueError: RDKit cannot read the SMILES.
    """
    molecule = _read(smiles)
    key = ""
    if molecule.GetNumHeavyAtoms() <= LARGE:
        with rdBase.BlockLogs():
            key = Chem.MolToInchiKey(molecule)
    return key[:14] or Chem.MolToSmiles(molecule, isomericSmiles=False)


def same_molecule(smiles: Sequence[str]) -> Int[np.ndarray, " molecules"]:
    """A number for each skeleton: equal where two rows are one molecule."""
    return numbered(skeleton(one) for one in smiles)


@lru_cache(100_000)
def scaffold(smiles: str) -> str:
    """The rings of a molecule and what links them, as SMILES; empty for a molecule without rings.

    References:
        Bemis & Murcko, J. Med. Chem. 39, 2887 (1996), doi:10.1021/jm9602928.
    """
    return Chem.MolToSmiles(GetScaffoldForMol(_read(smiles)), isomericSmiles=False)


def split_by_scaffold(
    smiles: Sequence[str], *, valid: float = 0.1, test: float = 0.1, seed: int = 0
) -> Split:
    """Molecules with one scaffold stay together: the test has ring systems never seen.

    Scaffolds with more than half a part's share of molecules go to train, the others are dealt
    out by chance. All molecules without rings have the empty scaffold and stay together too.

    Args:
        smiles: One per molecule, readable by RDKit.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        seed: Of the shuffle.
    """
    groups = connected(numbered(scaffold(one) for one in smiles), same_molecule(smiles))
    return balanced(groups, valid=valid, test=test, seed=seed)


def split_by_cluster(
    smiles: Sequence[str],
    *,
    distance: float = 0.65,
    valid: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
) -> Split:
    """Molecules that look alike stay together, whatever their rings.

    Args:
        smiles: One per molecule, readable by RDKit.
        distance: Centers of clusters are at least this far apart (Tanimoto distance of ECFP4, a
            ratio); each molecule belongs to the center nearest to it.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, a ratio.
        seed: Of the shuffle.
    """
    groups = connected(clusters(smiles, distance=distance), same_molecule(smiles))
    return balanced(groups, valid=valid, test=test, seed=seed)


def split_by_time(
    times: Shaped[np.ndarray, " molecules"],
    smiles: Sequence[str] | None = None,
    *,
    valid: float = 0.1,
    test: float = 0.1,
) -> Split:
    """Learn from the past, be tested on the future.

    Args:
        times: When each was known: numbers, or dates of NumPy; later is larger.
        smiles: If given, a molecule measured again later counts from its first time.
        valid: Share of the validation part, a ratio.
        test: Share of the test part, the newest, a ratio.

    Raises:
        ValueError: A time is missing, or nothing is left for a part.
    """
    times = np.asarray(times)
    if (missing := np.isnat(times) if times.dtype.kind in "mM" else np.isnan(times)).any():
        raise ValueError(f"row {int(missing.argmax())} has no time; drop it or split another way")
    groups = np.arange(len(times)) if smiles is None else same_molecule(smiles)
    first = {}
    for group, time in zip(groups.tolist(), times, strict=True):
        first[group] = min(time, first.get(group, time))
    start = np.array([first[group] for group in groups.tolist()])
    order = np.lexsort((groups, start))
    shares = shares_of(valid, test)
    ends = np.round(np.cumsum(shares) * len(times)).astype(int)
    together = groups[order]
    for k in range(2):  # move a border until it lies between two molecules
        while 0 < ends[k] < len(times) and together[ends[k]] == together[ends[k] - 1]:
            ends[k] += 1
    parts = np.split(order, ends[:2])
    if any(share > 0 and not len(part) for share, part in zip(shares, parts, strict=True)):
        raise ValueError(f"{len(times)} molecules leave a part empty; ask for other shares")
    return Split(*(np.sort(part) for part in parts))


def clusters(smiles: Sequence[str], *, distance: float = 0.65) -> Int[np.ndarray, " molecules"]:
    """Number of the cluster of each molecule: that of the nearest of centers far from each other."""
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(_read(one)) for one in smiles]
    centers = list(LeaderPicker().LazyBitVectorPick(prints, len(prints), distance))
    near = [_similar(prints[center], prints) for center in centers]
    return np.argmax(near, axis=0)


def balanced(
    groups: Int[np.ndarray, " molecules"], *, valid: float, test: float, seed: int
) -> Split:
    """Whole groups; those above half a part's share go to train, the rest by chance."""
    shares = shares_of(valid, test)
    names, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    small = min((share for share in shares[1:] if share > 0), default=1.0) * len(groups) / 2
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(names))
    order = order[np.argsort(sizes[order] <= small, kind="stable")]  # the big ones first
    parts: list[list[int]] = [[], [], []]
    for group in order:
        room = [shares[k] * len(groups) - len(parts[k]) for k in range(3)]
        fits = [k for k in range(3) if shares[k] > 0 and room[k] >= sizes[group]]
        chosen = fits[0] if fits else int(np.argmax(room))
        parts[chosen] += np.flatnonzero(members == group).tolist()
    if any(share > 0 and not part for share, part in zip(shares, parts, strict=True)):
        raise ValueError(
            f"{len(names)} groups of {len(groups)} molecules leave a part empty; "
            "ask for other shares, or split at random"
        )
    return Split(*(np.array(sorted(part), dtype=int) for part in parts))


def connected(*labels: Int[np.ndarray, " molecules"]) -> Int[np.ndarray, " molecules"]:
    """Groups of molecules that share any of the labels, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(labels[0])
    rows, columns, offset = [], [], count
    for label in labels:
        rows.append(np.arange(count))
        columns.append(np.asarray(label) + offset)
        offset += int(np.max(label, initial=-1)) + 1
    row, column = np.concatenate(rows), np.concatenate(columns)
    graph = coo_array((np.ones(len(row)), (row, column)), shape=(offset, offset))
    return connected_components(graph, directed=False)[1][:count]


def numbered(names: Iterable[Hashable]) -> Int[np.ndarray, " molecules"]:
    """Names as numbers, in order of first appearance."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=int)


def _similar(one: object, many: Sequence[object]) -> list[float]:
    from rdkit.DataStructs import BulkTanimotoSimilarity

    return BulkTanimotoSimilarity(one, many)


def _read(smiles: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise ValueError(f"RDKit cannot read {smiles!r}; clean the molecules before you split them")
    return molecule
