"""Who is within a cutoff of whom: the neighbor table of a `System`, and when to make it anew.

The table is made outside of the step of a simulation: its width is read back from the device.
"""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

from mdlearn.potentials.boxes import Pairs, once
from mdlearn.potentials.system import System

Rows = tuple[Tensor, Tensor]  # atoms i and j (2, pairs), shifts of j in lattice vectors (3, pairs)
SMALL = 400  # atoms of a system up to which all pairs are tried


def table(system: System, cutoff: float, *, skin: float = 0.0, half: bool = False) -> System:
    """The system with its neighbor table, complete up to `cutoff + skin` (Å).

    Any cell (triclinic, smaller than the cutoff) and any mixture of periodic axes. Small systems try
    all pairs, an orthorhombic cell on the CPU grows a tree, all others sort their atoms into boxes
    (boxes.py); all give the same table.

    Args:
        system: Whose neighbors.
        cutoff: Of the potential (Å).
        skin: How much farther to look, so that the table serves for a while (Å).
        half: Instead of the table a list with each pair once, enough for potentials of pairs.

    Raises:
        ValueError: A cutoff that is not positive, or a cell without volume.
    """
    if not cutoff > 0 or skin < 0:
        raise ValueError(
            f"cutoff must be positive and skin not negative, got {cutoff} Å and {skin} Å"
        )
    if system.cell is not None and not bool((system.volumes() > 1e-9).all()):
        raise ValueError(
            "a cell has no volume: two of its vectors are parallel or zero; set atoms.cell"
        )
    reach = cutoff + skin
    cell = None if system.cell is None else system.cell.detach()
    rows = _search(replace(system, positions=system.positions.detach(), cell=cell), reach, half)
    return (_list if half else _fill)(system, *rows, cutoff, reach)


def refresh(system: System) -> System:
    """The system with a table that serves its positions: the old one while it does.

    A table made with a skin serves until an atom has moved half of the skin: two atoms that were
    out of reach cannot have come within the cutoff before. When the cell has changed by F since,
    distances have shrunk by no more than its smallest stretch, and atoms are compared with where F
    alone would have brought them.

    Raises:
        ValueError: The system has no table yet.
    """
    if system.built is None:
        raise ValueError(
            "there is no table to refresh; make one with table(system, cutoff, skin=…)"
        )
    if system.reach == math.inf:
        return system
    skin, reach, built = system.reach - system.cutoff, system.reach, system.built
    if system.cell is not system.built_cell:
        change = torch.linalg.solve(system.built_cell, system.cell)
        reach = reach * min(1.0, float(torch.linalg.svdvals(change).min()))
        built = (built.unsqueeze(1) @ change.index_select(0, system.index)).squeeze(1)
    slack = 0.5 * (reach - system.cutoff)
    moved = (system.positions.detach() - built).square().sum(-1).max()
    if slack >= 0 and moved <= slack**2:
        return system
    return table(system, system.cutoff, skin=skin, half=system.pairs is not None)


def ensure(system: System, cutoff: float) -> System:
    """The system with a table: its own, or a new one when it has none."""
    return table(system, cutoff) if system.built is None else system


def molecules(system: System, reach: float) -> Pairs:
    """All pairs within `reach` (Å) of systems without periodicity, by trying all pairs at once."""
    sizes = torch.bincount(system.index, minlength=system.systems)
    starts, widest = sizes.cumsum(0) - sizes, int(sizes.max())
    slot = torch.arange(widest, device=sizes.device)
    real = slot < sizes.unsqueeze(1)  # (systems, widest)
    atom = (starts.unsqueeze(1) + slot) * real
    place = system.positions[atom]  # (systems, widest, 3)
    near = (place.unsqueeze(1) - place.unsqueeze(2)).square().sum(-1) < reach**2
    near &= real.unsqueeze(1) & real.unsqueeze(2) & (slot != slot.unsqueeze(1))
    number, a, b = near.nonzero().unbind(1)
    i, j = atom[number, a], atom[number, b]
    return i, j, system.positions.new_zeros(len(i), 3)


def all_pairs(system: System, reach: float) -> Pairs:
    """All pairs within `reach` (Å) of one system, by trying every image of every atom."""
    positions, turns = _wrap(system)
    images = _grid(-_layers(system, reach), _layers(system, reach)).to(positions)
    moves = images @ system.cell[0]  # (images, 3)
    ends = positions.unsqueeze(0) + moves.unsqueeze(1)  # (images, atoms, 3)
    near = (ends.unsqueeze(1) - positions.unsqueeze(1)).square().sum(-1) < reach**2
    image, i, j = near.nonzero().unbind(1)
    keep = (i != j) | (images[image] != 0).any(1)
    i, j, shift = i[keep], j[keep], images[image[keep]]
    order = torch.argsort(i, stable=True)
    i, j, shift = i[order], j[order], shift[order]
    return i, j, shift + turns[i] - turns[j]


def tree(system: System, reach: float) -> Rows:
    """Each pair within `reach` (Å) once, by k-d trees: all cells must be orthorhombic.

    One tree holds the atoms, a second one their images on one side of the cell: of i → j + shift and
    j → i - shift one is enough. Many systems stand side by side, too far apart to see each other.
    A periodic axis must be longer than the reach.
    """
    cells = system.cell.diagonal(dim1=1, dim2=2)[system.index]  # (atoms, 3)
    periodic = system.pbc[system.index]
    turns = (system.positions / cells).floor() * periodic
    size = cells.double().numpy()
    places = (system.positions - turns * cells).double().numpy()
    atom, moved = _beside(places, size, periodic.numpy(), reach)
    images = places[atom] + moved * size[atom]
    if system.systems > 1:
        apart = _apart(places[:, 0], system.index.numpy(), reach)
        places[:, 0] += apart
        images[:, 0] += apart[atom]
    here, beside = _grown(places), _grown(images)
    inside = here.query_pairs(reach, output_type="ndarray")
    across = here.sparse_distance_matrix(beside, reach, output_type="ndarray")
    ends = np.empty((2, len(inside) + len(across)), np.int64)
    ends[:, : len(inside)] = inside.T
    ends[0, len(inside) :], ends[1, len(inside) :] = across["i"], atom[across["j"]]
    ends, shifts = torch.from_numpy(ends), turns.new_zeros(3, ends.shape[1])
    shifts[:, len(inside) :] = torch.from_numpy(moved.T[:, across["j"]])
    if bool(turns.any()):
        shifts += turns.T.index_select(1, ends[0]) - turns.T.index_select(1, ends[1])
    return ends, shifts


def _apart(x: np.ndarray, index: np.ndarray, reach: float) -> np.ndarray:
    """For each atom how far its system moves along x (Å), so that systems and their images are apart."""
    first = np.flatnonzero(np.diff(index, prepend=-1))
    low, high = np.minimum.reduceat(x, first), np.maximum.reduceat(x, first)
    rank = np.cumsum(np.diff(index, prepend=index[0]) > 0)
    return (np.cumsum(high - low + 4 * reach) - high)[rank]


def _grown(places: np.ndarray) -> cKDTree:
    """A tree of these places, large leaves and nothing balanced: made once, asked once."""
    return cKDTree(places, leafsize=24, balanced_tree=False, compact_nodes=False)


def _beside(
    places: np.ndarray, size: np.ndarray, pbc: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray]:
    """Atoms with an image within reach of the cell, and lattice vectors to it: of two opposite ones, one."""
    reach *= 1 + 1e-9  # for rounding
    near = {1: (places <= reach) & pbc, -1: (places >= size - reach) & pbc}
    found = []
    for shift in [some for some in product((-1, 0, 1), repeat=3) if some > (0, 0, 0)]:
        atom = np.all([near[s][:, k] for k, s in enumerate(shift) if s], axis=0).nonzero()[0]
        found.append((atom, np.full((len(atom), 3), shift, float)))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))


def _search(system: System, reach: float, half: bool) -> Rows:
    """Pairs within reach, each once or from both sides, by the quickest way that is exact here."""
    count, none = len(system.numbers), system.cell is None
    if none and count > SMALL * system.systems:
        cell = torch.eye(3).to(system.positions).expand(system.systems, 3, 3)
        pbc = torch.zeros(system.systems, 3, dtype=torch.bool, device=cell.device)
        return _search(replace(system, cell=cell, pbc=pbc), reach, half)
    many = system.systems > 1 or system.positions.device.type != "cpu"
    if not none and count > 1 and _fits_tree(system, reach):
        rows = tree(system, reach)
    elif (many and not none) or count > SMALL * system.systems:
        rows = _rows(once(system, reach))
    else:
        pairs = molecules(system, reach) if none else all_pairs(system, reach)
        return _rows(_once(pairs) if half else pairs)
    return rows if half else _both(*rows)


def _rows(pairs: Pairs) -> Rows:
    return torch.stack(pairs[:2]), pairs[2].T.contiguous()


def _straight(cell: Float[Tensor, "systems 3 3"]) -> bool:
    """All cells are orthorhombic, along the axes."""
    return not bool((cell - torch.diag_embed(cell.diagonal(dim1=1, dim2=2))).any())


def _fits_tree(system: System, reach: float) -> bool:
    """On the CPU, cells orthorhombic, and no periodic axis shorter than the reach."""
    lengths = system.cell.diagonal(dim1=1, dim2=2)
    fits = (lengths > 0) & (~system.pbc | (lengths > reach))
    return system.cell.device.type == "cpu" and bool(fits.all()) and _straight(system.cell)


def _once(pairs: Pairs) -> Pairs:
    """Of pairs that stand twice, as i → j and j → i, the one with i < j; of an atom and its images half."""
    i, j, shift = pairs
    weight = shift.new_tensor([1e8, 1e4, 1.0])  # shifts are whole numbers below 1e4
    keep = (i < j) | ((i == j) & ((shift @ weight) > 0))
    return i[keep], j[keep], shift[keep]


def _both(ends: Tensor, shifts: Tensor) -> Rows:
    """Each pair from both sides, sorted by the first atom."""
    ends, shifts = torch.cat([ends, ends.flip(0)], 1), torch.cat([shifts, -shifts], 1)
    order = torch.argsort(ends[0], stable=True)
    return ends.index_select(1, order), shifts.index_select(1, order)


def _wrap(system: System) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "atoms 3"]]:
    """Positions inside the cell, and the lattice vectors taken off to get there."""
    fractions = system.positions @ torch.linalg.inv(system.cell[0])
    turns = fractions.floor() * system.pbc[0]
    return system.positions - turns @ system.cell[0], turns


def _layers(system: System, reach: float) -> Int[Tensor, "3"]:
    """How many images to look at on each side, none where an axis does not repeat."""
    heights = 1 / torch.linalg.inv(system.cell[0]).norm(dim=0)  # between opposite faces (Å)
    return (torch.ceil(reach / heights) * system.pbc[0]).long()


def _grid(low: Int[Tensor, "3"], high: Int[Tensor, "3"]) -> Int[Tensor, "points 3"]:
    axes = [torch.arange(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    return torch.cartesian_prod(*axes)


def _list(system: System, ends: Tensor, shifts: Tensor, cutoff: float, reach: float) -> System:
    """Each pair once, with the way from atom j to its image."""
    moves = shifts
    if system.cell is not None:
        cell, many = system.cell.detach(), system.systems > 1
        owner = system.index.index_select(0, ends[0]) if many else None
        if _straight(cell):
            size = cell.diagonal(dim1=1, dim2=2).T  # (3, systems)
            moves = moves.mul_(size.index_select(1, owner) if many else size)
        elif many:
            moves = torch.einsum("xp,pxy->yp", moves, cell.index_select(0, owner)).contiguous()
        else:
            moves = cell[0].T @ moves
    return replace(
        system,
        neighbors=None,
        shifts=None,
        mask=None,
        pairs=ends,
        moves=moves,
        built=system.positions.detach().clone(),
        built_cell=system.cell,
        cutoff=cutoff,
        reach=_whole(system, 2 * ends.shape[1], reach),
    )


def _whole(system: System, count: int, reach: float) -> float:
    """Infinite reach when the pairs are all that there are, for molecules without a cell."""
    sizes = torch.bincount(system.index, minlength=system.systems)
    everything = system.cell is None and count == int((sizes * (sizes - 1)).sum())
    return math.inf if everything else reach


def _fill(system: System, ends: Tensor, shifts: Tensor, cutoff: float, reach: float) -> System:
    """Pairs, sorted by their first atom, as a table with rows of equal width."""
    i, j = ends
    atoms = len(system.numbers)
    count = torch.bincount(i, minlength=atoms)
    width = max(1, int(count.max()))
    slot = torch.arange(len(i), device=i.device) - (count.cumsum(0) - count)[i]
    neighbors = torch.arange(atoms, device=i.device).unsqueeze(1).repeat(1, width)
    neighbors[i, slot] = j
    mask = torch.arange(width, device=i.device) < count.unsqueeze(1)
    images = None
    if system.cell is not None:
        images = system.positions.new_zeros(atoms, width, 3)
        images[i, slot] = shifts.T
    return replace(
        system,
        neighbors=neighbors,
        shifts=images,
        mask=mask,
        pairs=None,
        moves=None,
        built=system.positions.detach().clone(),
        built_cell=system.cell,
        cutoff=cutoff,
        reach=_whole(system, len(i), reach),
    )
