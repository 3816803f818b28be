"""Systems that the tests of dynamics share."""

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk

from mdlearn.potentials.system import Evaluation, System


class Springs:
    """Independent particles on springs, whose answers are known: E = ½ k |R|²."""

    cutoff = 0.1
    k = 2.0  # eV/Å²

    def __call__(self, system: System) -> torch.Tensor:
        return system.total(0.5 * self.k * system.positions.square().sum(1))


class Nothing:
    """An ideal gas: no energy, no forces, no virial."""

    cutoff = 0.1

    def __call__(self, system: System) -> torch.Tensor:
        return self.analytic(system).energies

    def analytic(self, system: System, *, virial: bool = False) -> Evaluation:
        like = system.positions
        return Evaluation(
            like.new_zeros(system.systems),
            torch.zeros_like(like),
            like.new_zeros(system.systems, 3, 3) if virial else None,
        )


def argon(repeat: int = 3, *, a: float = 5.6, seed: int = 0, size: float = 0.1) -> Atoms:
    """Argon near its liquid density, on a shaken lattice."""
    atoms = bulk("Ar", "fcc", a=a, cubic=True) * (repeat, repeat, repeat)
    atoms.positions += np.random.default_rng(seed).normal(0, size, atoms.positions.shape)
    return atoms
