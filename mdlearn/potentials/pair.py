"""Potentials that are formulas of a pair's distance: the shortest complete examples of a `Potential`."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.potentials.neighbors import ensure
from mdlearn.potentials.system import Evaluation, System


def switch(
    distances: Float[Tensor, "atoms J"], start: float, end: float
) -> tuple[Float[Tensor, "atoms J"], Float[Tensor, "atoms J"]]:
    """A factor that falls from 1 at `start` to 0 at `end` (Å), smooth to its second derivative, and its slope.

    $1 - 10x^3 + 15x^4 - 6x^5$ with $x$ from 0 to 1.
    """
    x = ((distances - start) / (end - start)).clamp(0, 1)
    value = 1 - x**3 * (10 - 15 * x + 6 * x**2)
    slope = -30 * x**2 * (1 - x) ** 2 / (end - start)
    return value, slope


@dataclass(frozen=True)
class LennardJones:
    r"""The 12-6 potential, a model of noble gases.

    $$E = \sum_{i<j} 4\varepsilon [(\sigma/r_{ij})^{12} - (\sigma/r_{ij})^6]\, s(r_{ij})$$

    Two atoms rest at $2^{1/6}\sigma$, where the energy is $-\varepsilon$. The factor s is 1 up to 90 %
    of the cutoff and 0 from there on, so energy and forces are smooth.

    Attributes:
        sigma: Distance at which the energy of a pair is zero (Å).
        epsilon: Depth of the well (eV).
        cutoff: Distance beyond which a pair does not interact (Å).

    References:
        Jones, Proc. R. Soc. A 106, 463 (1924), doi:10.1098/rspa.1924.0082.
    """

    sigma: float = 3.405  # argon
    epsilon: float = 0.0104  # argon
    cutoff: float = 8.5

    def curve(
        self, r: Float[Tensor, "atoms J"]
    ) -> tuple[Float[Tensor, "atoms J"], Float[Tensor, "atoms J"]]:
        """Energy of a pair (eV) and its slope (eV/Å), without the switch."""
        six = (self.sigma / r) ** 6
        return 4 * self.epsilon * (six**2 - six), -24 * self.epsilon * (2 * six**2 - six) / r

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        return self.analytic(system).energies

    def analytic(self, system: System) -> Evaluation:
        """Energies, forces and virial from the formula's own derivative."""
        return _pairwise(self, system)


@dataclass(frozen=True)
class Morse:
    r"""A bond that can break.

    $$E = \sum_{i<j} D [(1 - e^{-a(r_{ij} - r_0)})^2 - 1]\, s(r_{ij})$$

    Two atoms rest at $r_0$, where the energy is $-D$.

    Attributes:
        depth: Energy to break the bond, D (eV).
        stiffness: Width of the well, a (1/Å).
        length: Length at rest, r₀ (Å).
        cutoff: Distance beyond which a pair does not interact (Å).

    References:
        Morse, Phys. Rev. 34, 57 (1929), doi:10.1103/PhysRev.34.57.
    """

    depth: float = 4.75  # H2
    stiffness: float = 1.93  # H2
    length: float = 0.741  # H2
    cutoff: float = 6.0

    def curve(
        self, r: Float[Tensor, "atoms J"]
    ) -> tuple[Float[Tensor, "atoms J"], Float[Tensor, "atoms J"]]:
        """Energy of a pair (eV) and its slope (eV/Å), without the switch."""
        decay = torch.exp(-self.stiffness * (r - self.length))
        return self.depth * (decay**2 - 2 * decay), 2 * self.depth * self.stiffness * decay * (
            1 - decay
        )

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        return self.analytic(system).energies

    def analytic(self, system: System) -> Evaluation:
        """Energies, forces and virial from the formula's own derivative."""
        return _pairwise(self, system)


def _pairwise(pair: LennardJones | Morse, system: System) -> Evaluation:
    """Sum a pair's curve over the neighbor table; each pair stands in it twice."""
    system = ensure(system, pair.cutoff)
    arrows = system.arrows()  # (atoms, J, 3)
    squares = arrows.square().sum(-1)
    r = torch.where(system.mask, squares, pair.cutoff**2).sqrt()
    energy, slope = pair.curve(r)
    factor, factor_slope = switch(r, 0.9 * pair.cutoff, pair.cutoff)
    slope = (slope * factor + energy * factor_slope) / r
    pulls = slope.unsqueeze(-1) * arrows  # (atoms, J, 3), from i toward j
    tensor = -0.5 * (arrows.mT @ pulls)  # (atoms, 3, 3)
    virial = tensor.new_zeros(system.systems, 3, 3).index_add(0, system.index, tensor)
    energies = system.total(0.5 * (energy * factor).sum(1))
    return Evaluation(energies, pulls.sum(1), virial)
