"""Train a potential: labelled frames as flat tensors, the loss on energies and forces, the recipe.

Next: `committee.py`, how sure it is; `calculator.py`, use it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from ase import Atoms
from jaxtyping import Float, Int
from torch import Tensor, nn

from mdlearn.history import History
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.system import System, evaluate, from_atoms
from mdlearn.train import Loss, fit
from mdlearn.units import meV


@dataclass(frozen=True)
class Labelled:
    """Frames with the energies and forces that a reference method gives them.

    Attributes:
        system: All frames as one flat system, with its neighbor table.
        energies: Reference energies (eV), in float64.
        forces: Reference forces (eV/Å).
        sizes: Atoms in each frame; on the CPU, where rows are counted.
    """

    system: System
    energies: Float[Tensor, " systems"]
    forces: Float[Tensor, "atoms 3"]
    sizes: Int[Tensor, " systems"]

    @classmethod
    def from_atoms(
        cls,
        frames: Sequence[Atoms],
        cutoff: float,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> "Labelled":
        """Frames that carry energies and forces in their calculators.

        Raises:
            ValueError: A frame without energy or forces, or with labels that are not numbers.
        """
        frames = list(frames)
        for number, frame in enumerate(frames):
            known = {} if frame.calc is None else frame.calc.results
            if not {"energy", "forces"} <= set(known):
                raise ValueError(
                    f"frame {number} has labels {sorted(known)}, training needs energy and forces; "
                    "read the file with data.read.read_frames, which knows the common names"
                )
            if not (np.isfinite(known["energy"]) and np.isfinite(known["forces"]).all()):
                raise ValueError(f"frame {number} has a label that is not a number; leave it out")
        system = table(from_atoms(frames, dtype=dtype, device=device), cutoff)
        forces = np.concatenate([frame.calc.results["forces"] for frame in frames])
        energies = [float(frame.calc.results["energy"]) for frame in frames]
        return cls(
            system=system,
            energies=torch.tensor(energies, dtype=torch.float64, device=device),
            forces=torch.tensor(forces, dtype=dtype, device=device),
            sizes=torch.tensor([len(frame) for frame in frames]),
        )

    def __len__(self) -> int:
        return self.system.systems

    def take(self, rows: Int[Tensor, " rows"]) -> "Labelled":
        """The frames of these rows (numbers on the CPU), in this order."""
        system, sizes, device = self.system, self.sizes[rows], self.forces.device
        index = torch.arange(len(rows)).repeat_interleave(sizes)
        starts = (self.sizes.cumsum(0) - self.sizes)[rows]
        moved = (starts - (sizes.cumsum(0) - sizes))[
            index
        ]  # old place of an atom minus its new one
        atoms = (torch.arange(len(index)) + moved).to(device)
        rows, index, moved = rows.to(device), index.to(device), moved.to(device)
        per_atom = ("numbers", "positions", "shifts", "mask", "built")
        chosen = _pick(system, per_atom, atoms) | _pick(system, ("cell", "pbc", "built_cell"), rows)
        neighbors = system.neighbors[atoms] - moved.unsqueeze(1)
        part = replace(system, index=index, systems=len(rows), neighbors=neighbors, **chosen)
        return Labelled(part, self.energies[rows], self.forces[atoms], sizes)


def _pick(system: System, names: Sequence[str], rows: Int[Tensor, " rows"]) -> dict[str, Tensor]:
    values = {name: getattr(system, name) for name in names}
    return {name: value[rows] for name, value in values.items() if value is not None}


def baseline(data: Labelled, elements: Sequence[int]) -> Float[Tensor, " kinds"]:
    """Energy of an atom of each element (eV), the composition's least-squares share of the energies."""
    system = data.system
    counts = torch.stack(
        [system.total((system.numbers == number).double()) for number in elements], 1
    )
    return torch.linalg.lstsq(counts.cpu(), data.energies.cpu(), driver="gelsd").solution


def force_loss(data: Labelled, *, scale: float, energy_weight: float = 0.1) -> Loss:
    r"""Squared errors of forces and energies, both in units of the typical force.

    $$L = \langle |F - F^*|^2 \rangle / 3s^2 + w N \langle ((E - E^*) / N)^2 \rangle / s^2$$

    Args:
        data: What is trained on.
        scale: Typical force, s (eV/Å).
        energy_weight: Weight of the energies, w.
    """

    def loss(model: nn.Module, rows: Int[Tensor, " rows"]) -> Tensor:
        part = data.take(rows)
        seen = evaluate(model, part.system, graph=True)
        forces = (seen.forces - part.forces).square().mean()
        sizes = part.sizes.to(seen.energies)
        energies = ((seen.energies - part.energies).square() / sizes).mean()
        return (forces + energy_weight * energies.to(forces.dtype)) / scale**2

    return loss


def errors(model: Any, data: Labelled, *, batch: int = 25) -> dict[str, float]:
    """Errors of a potential: forces in meV/Å, energies in meV/atom."""
    energy, force = [], []
    for rows in torch.arange(len(data)).split(batch):
        part = data.take(rows)
        seen = evaluate(model, part.system)
        sizes = part.sizes.to(seen.energies)
        energy.append((seen.energies - part.energies) / sizes / meV)
        force.append(((seen.forces - part.forces) / meV).flatten())
    energy, force = torch.cat(energy).double(), torch.cat(force).double()
    return {
        "force_mae": float(force.abs().mean()),
        "force_rmse": float(force.square().mean().sqrt()),
        "energy_mae": float(energy.abs().mean()),
        "energy_rmse": float(energy.square().mean().sqrt()),
    }


def prepare(model: Any, data: Labelled) -> float:
    """Give a fresh model the baseline and the typical force of its training data; returns the latter (eV/Å)."""
    scale = float(data.forces.square().mean().sqrt())
    if not scale > 0:
        raise ValueError("all forces of the training set are zero; there is nothing to learn")
    model.check(data.system.numbers)
    model.baseline.copy_(baseline(data, model.settings["elements"]))
    model.scale.fill_(scale)
    return scale


def fit_potential(
    model: nn.Module,
    train: Labelled,
    valid: Labelled,
    *,
    epochs: int = 0,
    budget: float = 0.0,
    batch: int = 5,
    energy_weight: float = 0.1,
    report: Callable[[str], None] | None = print,
    **options: Any,
) -> History:
    """Train a potential on energies and forces; it ends with its best weights by force error.

    Args:
        model: A fresh `ACE`, or any potential that is a module with `baseline` and `scale`.
        train: What is trained on.
        valid: What decides which weights are best.
        epochs: Passes over the training set, or
        budget: length of the run in CPU seconds.
        batch: Frames in a step.
        energy_weight: Weight of energies against forces.
        report: Told one line per validation.
        options: As for `train.training`: rate, every, seed, checkpoint, stop …
    """
    scale = prepare(model, train)
    return fit(
        model,
        force_loss(train, scale=scale, energy_weight=energy_weight),
        lambda trained: errors(trained, valid),
        size=len(train),
        batch=batch,
        steps=epochs * -(-len(train) // batch),
        budget=budget,
        report=report,
        **options,
    )
