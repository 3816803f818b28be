"""Molecules and crystals as flat tensors, and the one place that turns an energy into forces.

Many systems are one `System`: their atoms stand one after the other, `index` says whose they are.
Next: `neighbors.py`, who is within a cutoff.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.geometry import complete_cell
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mdlearn.memory import keep_freed

keep_freed()


@dataclass(frozen=True)
class System:
    """One or many molecules or crystals.

    Attributes:
        numbers: Atomic numbers.
        positions: Where the atoms are (Å).
        index: The system each atom belongs to, sorted.
        systems: Number of systems.
        cell: Rows are the lattice vectors (Å); `None` when nothing is periodic.
        pbc: Which lattice vectors repeat.
        neighbors: For each atom the atoms around it; a row is filled up with the atom itself.
        shifts: The periodic image of each neighbor, in lattice vectors.
        mask: True where a neighbor is real, False where the row is filled up.
        pairs: Instead of the table, each pair once: atom i and atom j (a half list).
        moves: From j to its image in the pair (Å).
        built: Positions for which the table was made (Å).
        built_cell: Cell for which it was made (Å).
        cutoff: Distance that the table was asked for (Å).
        reach: Distance up to which the table is complete for `built` (Å); infinite with all pairs.
    """

    numbers: Int[Tensor, " atoms"]
    positions: Float[Tensor, "atoms 3"]
    index: Int[Tensor, " atoms"]
    systems: int
    cell: Float[Tensor, "systems 3 3"] | None = None
    pbc: Bool[Tensor, "systems 3"] | None = None
    neighbors: Int[Tensor, "atoms J"] | None = None
    shifts: Float[Tensor, "atoms J 3"] | None = None
    mask: Bool[Tensor, "atoms J"] | None = None
    pairs: Int[Tensor, "2 pairs"] | None = None
    moves: Float[Tensor, "3 pairs"] | None = None
    built: Float[Tensor, "atoms 3"] | None = None
    built_cell: Float[Tensor, "systems 3 3"] | None = None
    cutoff: float = 0.0
    reach: float = 0.0

    def at(self, positions: Float[Tensor, "atoms 3"]) -> "System":
        """The same atoms somewhere else, with the same neighbor table."""
        return replace(self, positions=positions)

    def strained(self, strain: Float[Tensor, "systems 3 3"]) -> "System":
        """The same atoms in a space that is stretched, R → R(1 + ε), with their cells and neighbors."""
        mine = strain.index_select(0, self.index)
        positions = self.positions + (self.positions.unsqueeze(1) @ mine).squeeze(1)
        cell = None if self.cell is None else self.cell + self.cell @ strain
        moves = self.moves
        if moves is not None and self.systems == 1:
            moves = moves + strain[0].T @ moves
        elif moves is not None:
            theirs = mine.index_select(0, self.pairs[0])  # (pairs, 3, 3)
            moves = moves + torch.einsum("ip,pij->jp", moves, theirs)
        return replace(self, positions=positions, cell=cell, moves=moves)

    def volumes(self) -> Float[Tensor, " systems"]:
        """Volume of each cell (Å³).

        Raises:
            ValueError: There is no cell.
        """
        if self.cell is None:
            raise ValueError("a volume needs a cell; set atoms.cell and atoms.pbc = True")
        return torch.linalg.det(self.cell).abs()

    def to(self, target: torch.dtype | torch.device | str) -> "System":
        """The same on another device, or with floating-point numbers of another kind."""
        kind = isinstance(target, torch.dtype)
        moved = {
            name: value.to(target)
            for name, value in vars(self).items()
            if isinstance(value, Tensor) and (not kind or value.is_floating_point())
        }
        return replace(self, **moved)

    def arrows(self) -> Float[Tensor, "atoms J 3"]:
        """From each atom to each of its neighbors (Å); zero where the row is filled up."""
        if self.neighbors is None:
            raise ValueError(
                "this system has no neighbor table; use neighbors.table(system, cutoff)"
            )
        atoms, width = self.neighbors.shape
        ends = self.positions.index_select(0, self.neighbors.flatten()).view(atoms, width, 3)
        arrows = ends - self.positions.unsqueeze(1)
        if self.cell is None:
            return arrows
        return arrows + self.shifts @ self.cell.index_select(0, self.index)

    def total(self, values: Float[Tensor, " atoms"]) -> Float[Tensor, " systems"]:
        """Sum over the atoms of each system."""
        return values.new_zeros(self.systems).index_add(0, self.index, values)


Potential = Callable[[System], Float[Tensor, " systems"]]  # one energy (eV) per system


@dataclass(frozen=True)
class Evaluation:
    """What a potential says of a system.

    Attributes:
        energies: One per system (eV).
        forces: Minus the gradient (eV/Å).
        virial: Minus the derivative by strain (eV), when asked for; pressure is its trace / 3V.
    """

    energies: Float[Tensor, " systems"]
    forces: Float[Tensor, "atoms 3"]
    virial: Float[Tensor, "systems 3 3"] | None = None


def evaluate(
    potential: Potential, system: System, *, virial: bool = False, graph: bool = False
) -> Evaluation:
    r"""Energies and forces, $F = -\partial E / \partial R$, and the virial $-\partial E / \partial \epsilon$.

    A strain ε moves positions and cell, R → R(1 + ε). A potential with a method
    `analytic(system, virial=…) -> Evaluation` is taken at its word, unless a graph is wanted.

    Args:
        potential: Energies of a system.
        system: Where to evaluate.
        virial: Also return the virial.
        graph: Keep the graph, so that a loss on forces can be differentiated (training).
    """
    analytic = getattr(potential, "analytic", None)
    if analytic is not None and not graph:
        return analytic(system, virial=virial)
    parts = [system] if graph else portions(potential, system)
    if len(parts) > 1:
        return joined([evaluate(potential, part, virial=virial) for part in parts])
    with torch.enable_grad():
        positions = system.positions.detach().requires_grad_()
        moved, wanted = system.at(positions), [positions]
        if virial:
            strain = positions.new_zeros(system.systems, 3, 3).requires_grad_()
            moved, wanted = moved.strained(strain), [positions, strain]
        energies = potential(moved)
        slopes = torch.autograd.grad(energies.sum(), wanted, create_graph=graph)
    if not graph:
        energies = energies.detach()
    return Evaluation(energies, -slopes[0], -slopes[1] if virial else None)


def portions(potential: Potential, system: System) -> list[System]:
    """A large batch in parts of whole systems, on a CPU: their intermediate numbers stay in its cache.

    Each has about as many atoms as the class of the potential wants in `portion`, and its rows of the
    neighbor table. All in one where it wants none, and on an accelerator.
    """
    atoms = len(system.numbers)
    count = round(atoms / getattr(type(potential), "portion", math.inf))
    apart = system.positions.device.type == "cpu" and system.pairs is None
    if count < 2 or system.systems == 1 or not apart:
        return [system]
    ends = torch.bincount(system.index, minlength=system.systems).cumsum(0)
    marks = torch.linspace(0, atoms, count + 1)[1:]
    last = torch.searchsorted(ends, marks - 0.5).unique() + 1  # systems up to here are in the part
    parts, first, begin = [], 0, 0
    for until in last.tolist():
        end = int(ends[until - 1])
        parts.append(_cut(system, slice(begin, end), slice(first, until)))
        first, begin = until, end
    return parts


def joined(parts: Sequence[Evaluation]) -> Evaluation:
    """What a potential says of parts of a batch, as of the batch."""
    names = [name for name, value in vars(parts[0]).items() if value is not None]
    return Evaluation(
        **{name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    )


def _cut(system: System, atoms: slice, systems: slice) -> System:
    of_systems = {"cell", "pbc", "built_cell"}
    cut = {
        name: value[systems if name in of_systems else atoms]
        for name, value in vars(system).items()
        if isinstance(value, Tensor)
    }
    cut["index"] = cut["index"] - systems.start
    if system.neighbors is not None:
        cut["neighbors"] = cut["neighbors"] - atoms.start
    return replace(system, **cut, systems=systems.stop - systems.start)


def forces(potential: Potential, system: System) -> Float[Tensor, "atoms 3"]:
    """Forces on all atoms (eV/Å), minus the gradient of the energy."""
    return evaluate(potential, system).forces


def from_atoms(
    frames: Atoms | Sequence[Atoms],
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> System:
    """One flat `System` from ASE's `Atoms`.

    Raises:
        ValueError: No atoms, positions that are not numbers, constraints (they have no meaning
            here: freeze atoms in the integrator), or a periodic axis without a lattice vector.
    """
    frames = [frames] if isinstance(frames, Atoms) else list(frames)
    for number, frame in enumerate(frames):
        _check(frame, number)
    if not frames:
        raise ValueError("no frames came; at least one is needed")
    sizes = torch.tensor([len(frame) for frame in frames])
    cell = pbc = None
    if any(frame.pbc.any() for frame in frames):
        cell = np.stack([complete_cell(frame.cell) for frame in frames])
        cell = torch.tensor(cell, dtype=dtype, device=device)
        pbc = torch.tensor(np.stack([frame.pbc for frame in frames]), device=device)
    positions = np.concatenate([frame.positions for frame in frames])
    return System(
        numbers=torch.tensor(np.concatenate([frame.numbers for frame in frames]), device=device),
        positions=torch.tensor(positions, dtype=dtype, device=device),
        index=torch.arange(len(frames)).repeat_interleave(sizes).to(device),
        systems=len(frames),
        cell=cell,
        pbc=pbc,
    )


def to_atoms(system: System) -> list[Atoms]:
    """ASE's `Atoms`, one for each system."""
    host: Any = system.to("cpu")
    frames = []
    for number in range(system.systems):
        mine = (host.index == number).numpy()
        frame = Atoms(host.numbers.numpy()[mine], host.positions.detach().numpy()[mine])
        if host.cell is not None:
            frame.cell, frame.pbc = host.cell[number].detach().numpy(), host.pbc[number].numpy()
        frames.append(frame)
    return frames


def _check(frame: Atoms, number: int) -> None:
    if len(frame) == 0:
        raise ValueError(
            f"frame {number} has no atoms; remove it, or look at the file it came from"
        )
    if frame.constraints:
        raise ValueError(
            f"frame {number} carries ASE constraints ({type(frame.constraints[0]).__name__}), which a potential "
            "cannot honor; use `del atoms.constraints` and freeze atoms in the integrator"
        )
    if not np.isfinite(frame.positions).all():
        raise ValueError(
            f"frame {number} has positions that are not numbers; look at the file it came from"
        )
    missing = frame.pbc & (np.abs(frame.cell.array).sum(1) == 0)
    if missing.any():
        raise ValueError(
            f"frame {number} is periodic along axis {int(missing.argmax())} but has no lattice vector there; "
            "set atoms.cell, or atoms.pbc = False"
        )
