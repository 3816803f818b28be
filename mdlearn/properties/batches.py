"""A batch of molecules as the few rows that a network computes, and the one primitive it needs.

Directed bonds of one color have equal hidden states, so a batch has one row per color. Sums of
gathered rows do all the rest; their backward pass is the same sum with the lists transposed.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.properties.colors import firsts, ranges
from mdlearn.properties.graphs import Graphs


@dataclass(frozen=True)
class Lists:
    """For each row of a result, which rows of the operand are summed; and the same transposed.

    Attributes:
        index: The lists, one after the other.
        start: Where each begins.
        back: Lists of the transposed sum, for the backward pass.
        back_start: Where each begins.
    """

    index: Int[Tensor, " entries"]
    start: Int[Tensor, " rows"]
    back: Int[Tensor, " entries"]
    back_start: Int[Tensor, " operands"]


@dataclass(frozen=True)
class Batch:
    """Some molecules of a set, as rows that the network computes.

    Attributes:
        pairs: Features of atom and bond for each row of the first round.
        rounds: For each message: which first row belongs to a row, and which rows come in.
        kinds: Features of the kinds of atoms.
        kind: Which kind an atom row is of.
        incoming: Which bond rows end at an atom row.
        molecules: Which atom rows make a molecule.
        sizes: Atoms of each molecule, a count.
    """

    pairs: Float[Tensor, "rows 86"]
    rounds: tuple[tuple[Lists, Lists], ...]
    kinds: Float[Tensor, "kinds 72"]
    kind: Lists
    incoming: Lists
    molecules: Lists
    sizes: Float[Tensor, " molecules"]

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on a device, in two copies: thirty small ones take longer than a step."""
        if torch.device(device) == self.sizes.device:
            return self
        lists = [
            *(one for pair in self.rounds for one in pair),
            self.kind,
            self.incoming,
            self.molecules,
        ]
        moved = _together([tensor for one in lists for tensor in vars(one).values()], device)
        *rounds, kind, incoming, molecules = (
            Lists(*four) for four in zip(*[iter(moved)] * 4, strict=True)
        )
        pairs, kinds, sizes = _together([self.pairs, self.kinds, self.sizes], device)
        both = tuple(zip(rounds[::2], rounds[1::2], strict=True))
        return Batch(pairs, both, kinds, kind, incoming, molecules, sizes)

    def double(self) -> "Batch":
        """The same batch in float64."""
        wide = {name: getattr(self, name).double() for name in ("pairs", "kinds", "sizes")}
        return replace(self, **wide)


def _together(tensors: list[Tensor], device: torch.device | str) -> list[Tensor]:
    """Tensors of one type on a device, as parts of one copy."""
    whole = torch.cat([tensor.reshape(-1) for tensor in tensors]).to(device)
    parts = whole.split([tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


class _GatherSum(torch.autograd.Function):
    """Sums of gathered rows; the gradient is the same with transposed lists."""

    @staticmethod
    def forward(context, values, index, start, back, back_start):
        context.save_for_backward(back, back_start)
        return _bags(values, index, start)

    @staticmethod
    def backward(context, gradient):
        back, back_start = context.saved_tensors
        return _bags(gradient.contiguous(), back, back_start), None, None, None, None


def gather_sum(
    values: Float[Tensor, "operands features"], lists: Lists
) -> Float[Tensor, "rows features"]:
    r"""Row i of the result is $\sum_{j \in \text{list}_i} \text{values}_j$."""
    return _GatherSum.apply(values, lists.index, lists.start, lists.back, lists.back_start)


def _bags(values: Tensor, index: Tensor, start: Tensor) -> Tensor:
    if not len(index) or not len(start):
        return values.new_zeros(len(start), values.shape[1])
    return torch.embedding_bag(values, index, start, False, 0)[0]


def batch(graphs: Graphs, rows: Int[Any, " molecules"], *, merge: bool = True) -> Batch:
    """The rows that a network computes for some molecules.

    Args:
        graphs: The set.
        rows: Numbers of the molecules; one may stand twice.
        merge: One row per color; without, one per directed bond and per atom: the plain form,
            which attributions need and tests compare with.
    """
    rows = np.asarray(rows)
    atoms, bonds = np.diff(graphs.atom_start)[rows], np.diff(graphs.bond_start)[rows]
    A, E = ranges(graphs.atom_start[rows], atoms), ranges(graphs.bond_start[rows], bonds)
    shift = np.cumsum(bonds) - bonds - graphs.bond_start[rows]  # from the set to the batch
    here, shift_of_atom = np.repeat(shift, bonds), np.repeat(shift, atoms)
    name = _distinct if merge else _each

    chosen, first = name(graphs.bond_colors[0][E])
    g = E[chosen]
    pairs = np.concatenate(
        [graphs.atom_table[graphs.atoms[graphs.source[g]]], graphs.bond_table[graphs.bonds[g]]], 1
    )
    rounds, before, count = [], first, len(chosen)
    start, entries = graphs.line
    for colors in graphs.bond_colors[1:]:
        chosen, row = name(colors[E])
        g = E[chosen]
        length = start[g + 1] - start[g]
        others = entries[ranges(start[g], length)] + np.repeat(here[chosen], length)
        own = lists(first[chosen], np.ones_like(chosen), len(pairs))
        rounds.append((own, lists(before[others], length, count)))
        before, count = row, len(chosen)
    start, entries = graphs.into_atoms
    chosen, row = name(graphs.atom_colors[A])
    g = A[chosen]
    length = start[g + 1] - start[g]
    others = entries[ranges(start[g], length)] + np.repeat(shift_of_atom[chosen], length)
    some, kind = name(graphs.atoms[g])
    return Batch(
        pairs=torch.from_numpy(pairs),
        rounds=tuple(rounds),
        kinds=torch.from_numpy(graphs.atom_table[graphs.atoms[g[some]]]),
        kind=lists(kind, np.ones_like(kind), len(some)),
        incoming=lists(before[others], length, count),
        molecules=lists(row, atoms, len(chosen)),
        sizes=torch.from_numpy(atoms.astype(np.float32)),
    )


def lists(index: np.ndarray, lengths: np.ndarray, operands: int) -> Lists:
    """Lists of given lengths into a number of operands, and their transpose."""
    # numbers of 16 bits are sorted by their digits, several times faster
    order = np.argsort(index.astype(np.uint16) if operands < 65_536 else index, kind="stable")
    owner = np.repeat(np.arange(len(lengths)), lengths)[order]
    used = np.bincount(index, minlength=operands)
    arrays = (index, np.cumsum(lengths) - lengths, owner, np.cumsum(used) - used)
    return Lists(*(torch.from_numpy(array.astype(np.int64)) for array in arrays))


def _distinct(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One member of each color, and the color's number for every member."""
    row = np.unique(colors, return_inverse=True)[1]
    return firsts(row), row


def _each(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    everyone = np.arange(len(colors))
    return everyone, everyone
