"""Each pair of atoms within reach of each other, once: time linear in atoms, any cell, many systems at once.

Atoms, and the images of atoms that lie around their cell, are sorted into small boxes, box after box
along the first axis of the cell, row after row. What an atom may reach is then a piece of its own row
and of the rows beside it, each a range in the sorted list: two look-ups a row, no search.
`neighbors.py` makes tables of the pairs.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.potentials.system import System

FINE = 4  # boxes within reach along a row
MOST = (256, 64, 64)  # boxes along each axis
MARGIN = 1 + 1e-5  # boxes are so much too wide, for rounding
CHUNK = 64_000  # candidates looked at in one go

Pairs = tuple[Tensor, Tensor, Tensor]  # atom i, atom j, shift of j in lattice vectors


@dataclass(frozen=True)
class Grid:
    """Boxes of each system: how many along each axis, how many to look ahead, and where rows begin.

    Attributes:
        count: Boxes in the cell.
        ahead: Boxes that reach covers.
        around: Boxes for images on each side of the cell; none where an axis does not repeat.
        base: Number of the first box of a system.
    """

    count: Int[Tensor, "systems 3"]
    ahead: Int[Tensor, "systems 3"]
    around: Int[Tensor, "systems 3"]
    base: Int[Tensor, " systems"]

    @property
    def size(self) -> Int[Tensor, "systems 3"]:
        """Boxes with those for images."""
        return self.count + 2 * self.around


def once(system: System, reach: float) -> Pairs:
    """Each pair within `reach` (Å) once: of i → j and j → i + shift the one that looks ahead in the grid.

    Args:
        system: With cells; any periodic axes.
        reach: Å.
    """
    places, turns, share, extent = wrapped(system)
    grid = laid(system, extent, reach)
    box = (share * grid.count[system.index]).floor().long().clamp(min=0)
    box = torch.minimum(box, grid.count[system.index] - 1)
    atom, box, shift = images(system, grid, box)
    owner = system.index[atom]
    at, size = box + grid.around[owner], grid.size[owner]
    flat = grid.base[owner] + (at[:, 2] * size[:, 1] + at[:, 1]) * size[:, 0] + at[:, 0]
    order = torch.argsort(flat)
    boxes = int(grid.size.prod(1).sum())
    filled = torch.cat([flat.new_zeros(1), torch.bincount(flat, minlength=boxes).cumsum(0)])
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order), device=order.device)

    atoms = len(system.numbers)
    mine = order[order < atoms]  # the atoms themselves come first, and here in the order of boxes
    begin, end = ranges(grid, system.index[mine], at[mine], flat[mine], filled, rank[mine])
    atom, shift = atom[order], shift[order]
    moves = _moved(shift.to(places), system, atom)
    i, place = within(places, places[atom] + moves, mine, begin, end, reach)
    j, shift = atom[place], shift[place].to(places)
    return i, j, shift + turns[i] - turns[j]


def wrapped(
    system: System,
) -> tuple[
    Float[Tensor, "atoms 3"],
    Float[Tensor, "atoms 3"],
    Float[Tensor, "atoms 3"],
    Float[Tensor, "systems 3"],
]:
    """Positions in their cells, lattice vectors taken off, how far along each axis (0 to 1), its length (Å).

    An axis that does not repeat goes from its first atom to its last.
    """
    inverse, owner = torch.linalg.inv(system.cell), system.index
    fractions = (system.positions.unsqueeze(1) @ inverse[owner]).squeeze(1)
    turns = fractions.floor() * system.pbc[owner]
    fractions = fractions - turns
    places = system.positions - _moved(turns, system, torch.arange(len(owner), device=owner.device))
    columns, none = owner.unsqueeze(1).expand(-1, 3), fractions.new_zeros(system.systems, 3)
    low = none.scatter_reduce(0, columns, fractions, "amin", include_self=False)
    high = none.scatter_reduce(0, columns, fractions, "amax", include_self=False)
    low = torch.where(system.pbc, 0, low)
    span = torch.where(system.pbc, 1, high - low + 1e-9)
    heights = 1 / inverse.norm(dim=1)  # between opposite faces (Å)
    return places, turns, (fractions - low[owner]) / span[owner], heights * span


def laid(system: System, extent: Float[Tensor, "systems 3"], reach: float) -> Grid:
    """Boxes as wide as reach across the rows, a fourth of it along them."""
    reach *= MARGIN
    fine = torch.tensor([FINE, 1, 1], device=extent.device)
    most = torch.tensor(MOST, device=extent.device)
    count = torch.minimum((extent * fine / reach).floor().clamp(min=1).long(), most)
    ahead = (reach * count / extent).ceil().clamp(max=1e6).long()
    ahead = torch.where(system.pbc, ahead, torch.minimum(ahead, count - 1))
    around = torch.where(system.pbc, ahead, 0)
    total = (count + 2 * around).prod(1)
    return Grid(count, ahead, around, total.cumsum(0) - total)


def images(
    system: System, grid: Grid, box: Int[Tensor, "atoms 3"]
) -> tuple[Int[Tensor, " images"], Int[Tensor, "images 3"], Int[Tensor, "images 3"]]:
    """Atoms, then their images around the cell: whose they are, their boxes, lattice vectors away."""
    atom = torch.arange(len(box), device=box.device)
    shift = torch.zeros_like(box)
    turns = -(-grid.around // grid.count)  # cells that boxes around it cover
    for axis, most in enumerate(turns.amax(0).tolist()):
        whole = [(atom, box, shift)]
        owner = system.index[atom]
        count, around = grid.count[owner, axis], grid.around[owner, axis]
        for turn in [t for t in range(-most, most + 1) if t]:
            at = box[:, axis] + turn * count
            kept = ((at >= -around) & (at < count + around)).nonzero().squeeze(1)
            there, moved = box[kept], shift[kept]
            there[:, axis], moved[:, axis] = at[kept], turn
            whole.append((atom[kept], there, moved))
        atom, box, shift = (torch.cat(part) for part in zip(*whole, strict=True))
    return atom, box, shift


def ranges(
    grid: Grid,
    owner: Int[Tensor, " atoms"],
    at: Int[Tensor, "atoms 3"],
    flat: Int[Tensor, " atoms"],
    filled: Int[Tensor, " boxes"],
    rank: Int[Tensor, " atoms"],
) -> tuple[Int[Tensor, "atoms rows"], Int[Tensor, "atoms rows"]]:
    """Where in the sorted list an atom's partners may stand: in each row ahead, from and up to.

    Of its own row an atom takes what comes after itself.
    """
    ahead, size = grid.ahead[owner], grid.size[owner]
    wide, deep = grid.ahead.amax(0).tolist()[1:]
    rows = [(y, z) for z in range(deep + 1) for y in range(-wide, wide + 1) if (z, y) >= (0, 0)]
    y, z = torch.tensor(rows, device=flat.device).T
    there = at[:, 1:].unsqueeze(1) + torch.stack([y, z], 1)  # (atoms, rows, 2)
    inside = ((there >= 0) & (there < size[:, None, 1:])).all(-1)
    inside &= (y.abs() <= ahead[:, 1:2]) & (z <= ahead[:, 2:])
    row = flat.unsqueeze(1) + (z * size[:, 1:2] + y) * size[:, :1]
    back = torch.minimum(ahead[:, 0], at[:, 0]).unsqueeze(1)
    on = torch.minimum(ahead[:, 0], size[:, 0] - 1 - at[:, 0]).unsqueeze(1)
    begin = filled[torch.where(inside, row - back, 0)]
    end = torch.where(inside, filled[torch.where(inside, row + on + 1, 0)], begin)
    begin[:, 0] = rank + 1  # its own row stands first
    return begin, end


def within(
    places: Float[Tensor, "atoms 3"],
    images: Float[Tensor, "images 3"],
    mine: Int[Tensor, " atoms"],
    begin: Int[Tensor, "atoms rows"],
    end: Int[Tensor, "atoms rows"],
    reach: float,
) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
    """Of the candidates in these ranges those within reach (Å): atom, and place in the sorted list."""
    starts, ends = places.T.contiguous(), images.T.contiguous()  # long rows are quick to gather
    lengths = end - begin
    each = lengths.sum(1)
    found = [(mine[:0], mine[:0])]
    for some in _chunks(each):
        length, first = lengths[some].flatten(), begin[some].flatten()
        first = first - (length.cumsum(0) - length)
        place = torch.repeat_interleave(first, length)
        place += torch.arange(len(place), device=place.device)
        i = torch.repeat_interleave(mine[some], each[some], output_size=len(place))
        way = ends.index_select(1, place) - starts.index_select(1, i)
        near = (way.square().sum(0) < reach**2).nonzero().squeeze(1)
        found.append((i[near], place[near]))
    i, place = (torch.cat(part) for part in zip(*found, strict=True))
    return i, place


def _chunks(each: Int[Tensor, " atoms"]) -> list[slice]:
    """Slices of atoms with about `CHUNK` candidates."""
    upto = each.cumsum(0)
    total = int(upto[-1]) if len(upto) else 0
    marks = torch.tensor(range(CHUNK, total, CHUNK), device=each.device)
    cuts = [0, *torch.searchsorted(upto, marks).tolist(), len(each)]
    return [slice(a, b) for a, b in pairwise(cuts) if b > a]


def _moved(
    shift: Float[Tensor, "images 3"], system: System, atom: Int[Tensor, " images"]
) -> Float[Tensor, "images 3"]:
    """Lattice vectors as a way (Å)."""
    if system.systems == 1:
        return shift @ system.cell[0]
    return (shift.unsqueeze(1) @ system.cell[system.index[atom]]).squeeze(1)
