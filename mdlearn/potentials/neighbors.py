"""Who is within a cutoff of whom: the neighbor table of a `System`, and when to make it anew.

The table is made outside of the step of a simulation: its width is read back from the device.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.potentials.system import System

SMALL = 400  # atoms of a system up to which all pairs are tried
Pairs = tuple[Tensor, Tensor, Tensor]  # atom i, atom j, shift of j in lattice vectors


def table(system: System, cutoff: float, *, skin: float = 0.0) -> System:
    """The system with its neighbor table, complete up to `cutoff + skin` (Å).

    Any cell (triclinic, smaller than the cutoff) and any mixture of periodic axes. Small systems
    try all pairs, large ones sort their atoms into boxes; both give the same table.

    Raises:
        ValueError: A cutoff that is not positive.
    """
    if not cutoff > 0 or skin < 0:
        raise ValueError(
            f"cutoff must be positive and skin not negative, got {cutoff} Å and {skin} Å"
        )
    reach = cutoff + skin
    plain = replace(system, positions=system.positions.detach())
    if system.cell is None and len(system.numbers) <= SMALL * system.systems:
        pairs = molecules(plain, reach)
    else:
        parts = []
        for number in range(system.systems):
            mine = torch.nonzero(system.index == number).flatten()
            frame = _one(plain, mine, number)
            find = all_pairs if len(mine) <= SMALL else boxes
            i, j, shift = find(frame, reach)
            parts.append((mine[i], mine[j], shift))
        pairs = tuple(torch.cat(part) for part in zip(*parts, strict=True))
    return _fill(system, pairs, cutoff, reach)


def refresh(system: System) -> System:
    """The system with a table that serves its positions: the old one while it does.

    A table made with a skin serves until an atom has moved half of the skin: two atoms that were
    out of reach cannot have come within the cutoff before.

    Raises:
        ValueError: The system has no table yet.
    """
    if system.neighbors is None:
        raise ValueError(
            "there is no table to refresh; make one with table(system, cutoff, skin=…)"
        )
    slack = 0.5 * (system.reach - system.cutoff)
    if slack == math.inf:
        return system
    moved = (system.positions.detach() - system.built).square().sum(-1).max()
    if moved <= slack**2:
        return system
    return table(system, system.cutoff, skin=2 * slack)


def ensure(system: System, cutoff: float) -> System:
    """The system with a table: its own, or a new one when it has none."""
    return table(system, cutoff) if system.neighbors is None else system


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


def boxes(system: System, reach: float) -> Pairs:
    """All pairs within `reach` (Å) of one system, by sorting atoms into boxes: time linear in atoms.

    An atom looks into all boxes within reach of its own. A box index beyond the edge comes back
    on the other side, as many lattice vectors away as it went around.
    """
    positions, turns = _wrap(system)
    fractions = positions @ torch.linalg.inv(system.cell[0])
    low = torch.where(system.pbc[0], torch.zeros_like(fractions[0]), fractions.amin(0))
    span = torch.where(system.pbc[0], torch.ones_like(low), fractions.amax(0) - low + 1e-9)
    heights = _heights(system.cell[0]) * span  # (3,)
    count = (heights / reach).floor().clamp(1, 64).long()
    box = ((fractions - low) / span * count).floor().long()
    box = torch.minimum(box.clamp(min=0), count - 1)  # (atoms, 3)
    flat = (box[:, 0] * count[1] + box[:, 1]) * count[2] + box[:, 2]
    order = torch.argsort(flat, stable=True)
    filled = torch.bincount(flat, minlength=int(count.prod()))
    start, widest = filled.cumsum(0) - filled, int(filled.max())

    layers = torch.ceil(reach * count / heights).clamp(max=1e6).long()
    layers = torch.where(system.pbc[0], layers, torch.minimum(layers, count - 1))
    steps = _grid(-layers, layers).to(box)
    seen = box.unsqueeze(1) + steps  # (atoms, steps, 3)
    around = torch.div(seen, count, rounding_mode="floor")
    seen = seen - around * count
    inside = ((around == 0) | system.pbc[0]).all(-1)
    seen = (seen[..., 0] * count[1] + seen[..., 1]) * count[2] + seen[..., 2]
    slot = torch.arange(widest, device=flat.device)
    real = (slot < filled[seen].unsqueeze(-1)) & inside.unsqueeze(-1)  # (atoms, steps, widest)
    i, step, place = real.nonzero().unbind(1)
    j = order[start[seen[i, step]] + place]
    shift = around[i, step].to(positions)
    distance = (positions[j] - positions[i] + shift @ system.cell[0]).square().sum(-1)
    keep = (distance < reach**2) & ((i != j) | (shift != 0).any(1))
    i, j, shift = i[keep], j[keep], shift[keep]
    return i, j, shift + turns[i] - turns[j]


def _one(system: System, mine: Int[Tensor, " mine"], number: int) -> System:
    """One system of many; a cell and no periodic axis when it has none."""
    cell, pbc = system.cell, system.pbc
    if cell is None:
        cell = torch.eye(3).to(system.positions).expand(system.systems, 3, 3)
        pbc = torch.zeros(system.systems, 3, dtype=torch.bool, device=cell.device)
    return System(
        numbers=system.numbers[mine],
        positions=system.positions[mine],
        index=torch.zeros_like(mine),
        systems=1,
        cell=cell[number : number + 1],
        pbc=pbc[number : number + 1],
    )


def _wrap(system: System) -> tuple[Float[Tensor, "atoms 3"], Float[Tensor, "atoms 3"]]:
    """Positions inside the cell, and the lattice vectors taken off to get there."""
    fractions = system.positions @ torch.linalg.inv(system.cell[0])
    turns = fractions.floor() * system.pbc[0]
    return system.positions - turns @ system.cell[0], turns


def _heights(cell: Float[Tensor, "3 3"]) -> Float[Tensor, "3"]:
    """Distance between opposite faces (Å)."""
    return 1 / torch.linalg.inv(cell).norm(dim=0)


def _layers(system: System, reach: float) -> Int[Tensor, "3"]:
    """How many images to look at on each side, none where an axis does not repeat."""
    return (torch.ceil(reach / _heights(system.cell[0])) * system.pbc[0]).long()


def _grid(low: Int[Tensor, "3"], high: Int[Tensor, "3"]) -> Int[Tensor, "points 3"]:
    axes = [torch.arange(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    return torch.cartesian_prod(*axes)


def _fill(system: System, pairs: Pairs, cutoff: float, reach: float) -> System:
    """Pairs, sorted by their first atom, as a table with rows of equal width."""
    i, j, shift = pairs
    atoms = len(system.numbers)
    count = torch.bincount(i, minlength=atoms)
    width = max(1, int(count.max()))
    slot = torch.arange(len(i), device=i.device) - (count.cumsum(0) - count)[i]
    itself = torch.arange(atoms, device=i.device).unsqueeze(1)
    neighbors = itself.repeat(1, width)
    neighbors[i, slot] = j
    mask = torch.arange(width, device=i.device) < count.unsqueeze(1)
    shifts = None
    if system.cell is not None:
        shifts = system.positions.new_zeros(atoms, width, 3)
        shifts[i, slot] = shift
    else:
        sizes = torch.bincount(system.index, minlength=system.systems)
        reach = math.inf if len(i) == int((sizes * (sizes - 1)).sum()) else reach
    built = system.positions.detach().clone()
    return replace(
        system,
        neighbors=neighbors,
        shifts=shifts,
        mask=mask,
        built=built,
        cutoff=cutoff,
        reach=reach,
    )
