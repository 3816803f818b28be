"""Small systems that the tests of potentials share."""

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk, molecule

from mdlearn.potentials.ace import ACE
from mdlearn.potentials.weights import exact


def rattled(atoms: Atoms, seed: int, size: float = 0.08) -> Atoms:
    """The same atoms, moved a little."""
    moved = atoms.copy()
    moved.positions += np.random.default_rng(seed).normal(0, size, moved.positions.shape)
    return moved


def ethanol(seed: int = 0) -> Atoms:
    return rattled(molecule("CH3CH2OH"), seed)


def water(seed: int = 0) -> Atoms:
    return rattled(molecule("H2O"), seed)


def silicon(seed: int = 0) -> Atoms:
    """A strained triclinic crystal, smaller than most cutoffs."""
    atoms = bulk("Si", "diamond", a=5.43) * (2, 1, 1)
    atoms.set_cell(atoms.cell.array @ np.array([[1, 0.05, 0], [0, 1.02, 0.03], [0, 0, 0.98]]), True)
    return rattled(atoms, seed, 0.1)


def random_ace(elements: list[int], seed: int = 0, **settings: float) -> ACE:
    """An untrained potential in float64, sharp enough to make mistakes visible."""
    torch.manual_seed(seed)
    model = ACE(elements, channels=6, hidden=16, **settings)
    with torch.no_grad():
        model.shift.normal_()
        model.baseline.copy_(torch.linspace(-3, -1, len(elements)))
        model.scale.fill_(2.0)
    return exact(model, torch.float64)


def rotation(seed: int = 0) -> torch.Tensor:
    """A random rotation or, with an odd seed, a rotation and a reflection."""
    q, r = torch.linalg.qr(
        torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    )
    q = q * r.diagonal().sign()
    flip = -1.0 if (torch.linalg.det(q) > 0) == bool(seed % 2) else 1.0
    return q * torch.tensor([1.0, 1.0, flip], dtype=torch.float64)
