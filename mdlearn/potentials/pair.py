"""Potentials that are formulas of a pair's distance: the shortest complete examples of a `Potential`.

Each brings its own derivative, for speed; a test holds it to the gradient of its energy.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.potentials.neighbors import ensure
from mdlearn.potentials.system import Evaluation, System

ENDINGS = ("switch", "shift", "cut")
BLOCK = 2**18  # pairs of a long list that are summed at a time
START = 0.9  # of the cutoff: where the switch begins


def switch(
    distances: Float[Tensor, "*pairs"], start: float, end: float
) -> tuple[Float[Tensor, "*pairs"], Float[Tensor, "*pairs"]]:
    """A factor that falls from 1 at `start` to 0 at `end` (Å), smooth to its second derivative, and its slope.

    $1 - 10x^3 + 15x^4 - 6x^5$ with $x$ from 0 to 1.
    """
    x = ((distances - start) / (end - start)).clamp(0, 1)
    value = 1 - x * x * x * (10 - 15 * x + 6 * x * x)
    rest = x * (1 - x)
    return value, rest * rest * (-30 / (end - start))


def half_sum(
    curve: Callable[[Tensor], tuple[Tensor, Tensor]],
    positions: Float[Tensor, "atoms 3"],
    pairs: Int[Tensor, "2 pairs"],
    moves: Float[Tensor, "3 pairs"],
    virial: bool = False,
) -> tuple[
    Float[Tensor, " pairs"], Float[Tensor, "atoms 3"], tuple[list[Tensor], list[Tensor]] | None
]:
    """Sum a pair's curve over a half list: energies of pairs, forces on atoms; for a virial arrows and pulls.

    An arrow goes from the first atom to the second, which pulls the first along it. The three
    coordinates stand apart: the compiler makes one short loop of each.
    """
    first, second = pairs[0], pairs[1]
    places = positions.T.contiguous().unbind(0)  # three of (atoms)
    arrows = [
        place.index_select(0, second) - place.index_select(0, first) + move
        for place, move in zip(places, moves.unbind(0), strict=True)
    ]
    squares = arrows[0] * arrows[0] + arrows[1] * arrows[1] + arrows[2] * arrows[2]
    energies, slopes = curve(squares)
    pulls = [slopes * arrow for arrow in arrows]
    none = torch.zeros_like(places[0])
    forces = [none.scatter_add(0, first, f) - none.scatter_add(0, second, f) for f in pulls]
    return energies, torch.stack(forces, 1), (arrows, pulls) if virial else None


class Pairwise:
    """What the potentials of pairs share: the sum, over a neighbor table or a half list.

    Each brings `curve`, from squared distances (Å²) to energies (eV) and slopes divided by the
    distance (eV/Å²), zero beyond the cutoff.
    """

    pairs_once: ClassVar[bool] = True  # a list with each pair once is enough
    cutoff: float
    kernel: Callable[..., tuple]  # half_sum, as it is or compiled

    def curve(
        self, squares: Float[Tensor, "*pairs"]
    ) -> tuple[Float[Tensor, "*pairs"], Float[Tensor, "*pairs"]]:
        """Energy of a pair and its slope over the distance."""
        raise NotImplementedError

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        return self.analytic(system).energies

    def analytic(self, system: System, *, virial: bool = False) -> Evaluation:
        """Energies, forces and virial from the formula's own derivative."""
        if system.pairs is None:
            return self._table(ensure(system, self.cutoff), virial)
        energy, forces, rest = self._sum(system, virial)
        owner = None
        if system.systems > 1:
            owner = system.index.index_select(0, system.pairs[0])
        energies = _by_owner(energy.unsqueeze(0), owner, system.systems).squeeze(0)
        if not virial:
            return Evaluation(energies, forces)
        each = torch.stack([-arrow * pull for arrow in rest[0] for pull in rest[1]])  # (9, pairs)
        tensor = _by_owner(each, owner, system.systems)  # (9, systems)
        return Evaluation(energies, forces, tensor.T.reshape(-1, 3, 3))

    def _sum(self, system: System, virial: bool) -> tuple:
        """The kernel over all pairs; uncompiled on a CPU in blocks, so that they fit in its cache."""
        plain = self.kernel is half_sum and system.positions.device.type == "cpu"
        if virial or not plain or system.pairs.shape[1] <= 2 * BLOCK:
            return self.kernel(self.curve, system.positions, system.pairs, system.moves, virial)
        energies, forces = [], torch.zeros_like(system.positions)
        blocks = system.pairs.split(BLOCK, 1), system.moves.split(BLOCK, 1)
        for pairs, moves in zip(*blocks, strict=True):
            energy, force, _ = self.kernel(self.curve, system.positions, pairs, moves)
            energies.append(energy)
            forces += force
        return torch.cat(energies), forces, None

    def _table(self, system: System, virial: bool) -> Evaluation:
        """Sum over the neighbor table, in which each pair stands twice."""
        arrows = system.arrows()  # (atoms, J, 3)
        squares = torch.where(system.mask, arrows.square().sum(-1), self.cutoff**2)
        energy, slopes = self.curve(squares)
        pulls = slopes.unsqueeze(-1) * arrows  # (atoms, J, 3), from i toward j
        energies = system.total(0.5 * energy.sum(1))
        if not virial:
            return Evaluation(energies, pulls.sum(1))
        tensor = -0.5 * (arrows.mT @ pulls)  # (atoms, 3, 3)
        tensor = tensor.new_zeros(system.systems, 3, 3).index_add(0, system.index, tensor)
        return Evaluation(energies, pulls.sum(1), tensor)


def _by_owner(
    values: Float[Tensor, "rows pairs"], owner: Int[Tensor, " pairs"] | None, systems: int
) -> Float[Tensor, "rows systems"]:
    """Sum over the pairs of each system; of one there is nothing to sort."""
    if owner is None:
        return values.sum(1, keepdim=True)
    return values.new_zeros(len(values), systems).index_add(1, owner, values)


@dataclass(frozen=True)
class LennardJones(Pairwise):
    r"""The 12-6 potential, a model of noble gases.

    $$E = \sum_{i<j} 4\varepsilon [(\sigma/r_{ij})^{12} - (\sigma/r_{ij})^6]\, s(r_{ij})$$

    Two atoms rest at $2^{1/6}\sigma$, where the energy is $-\varepsilon$. It must end somewhere:
    "switch" brings energy and forces smoothly to zero over the last tenth of the cutoff, "shift"
    moves the curve so that the energy ends at zero and the force with a small jump, "cut" does nothing.

    Attributes:
        sigma: Distance at which the energy of a pair is zero (Å).
        epsilon: Depth of the well (eV).
        cutoff: Distance beyond which a pair does not interact (Å).
        ending: "switch", "shift" or "cut".
        tail: Add what lies beyond the cutoff on average, for a liquid of even density:
            $E = A N^2 / V$ with $A = 2\pi \int (u - u_{used})\, r^2 dr$, and its virial, for "cut" and
            "shift" with the step at the cutoff. For "shift" E counts the part beyond the cutoff only.

    References:
        Jones, Proc. R. Soc. A 106, 463 (1924), doi:10.1098/rspa.1924.0082.
    """

    sigma: float = 3.405  # argon
    epsilon: float = 0.0104  # argon
    cutoff: float = 8.5
    ending: str = "switch"
    tail: bool = False
    kernel: Callable[..., tuple] = field(default=half_sum, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.ending not in ENDINGS:
            raise ValueError(f"ending is one of {', '.join(ENDINGS)}, got {self.ending!r}")
        if not self.cutoff > 0 or not self.sigma > 0:
            raise ValueError(
                f"sigma and cutoff must be positive, got {self.sigma} and {self.cutoff} Å"
            )

    def curve(
        self, squares: Float[Tensor, "*pairs"]
    ) -> tuple[Float[Tensor, "*pairs"], Float[Tensor, "*pairs"]]:
        """Energy of a pair (eV) and its slope over the distance (eV/Å²)."""
        inside = (squares < self.cutoff**2).to(squares.dtype)
        inverse = inside / squares
        six = inverse * self.sigma**2
        six = six * six * six
        energy = (4 * self.epsilon) * six * (six - 1)
        slope = (-24 * self.epsilon) * six * (2 * six - 1) * inverse
        if self.ending == "switch":
            return _switched(self, squares, energy, slope)
        if self.ending == "shift":
            energy = energy - self._end * inside
        return energy, slope

    @property  # not cached: the compiler cannot look into a cache
    def _end(self) -> float:
        """Energy of a pair at the cutoff (eV)."""
        six = (self.sigma / self.cutoff) ** 6
        return 4 * self.epsilon * six * (six - 1)

    def analytic(self, system: System, *, virial: bool = False) -> Evaluation:
        """Energies, forces and virial from the formula's own derivative, with the tail if wanted."""
        seen = super().analytic(system, virial=virial)
        if not self.tail:
            return seen
        count = system.total(torch.ones_like(system.positions[:, 0]))
        filled = count**2 / system.volumes()
        extra = self.tail_integral * filled
        if not virial:
            return Evaluation(seen.energies + extra, seen.forces)
        one = torch.eye(3, dtype=extra.dtype, device=extra.device)
        spread = one * (extra + self._step * filled).view(-1, 1, 1)  # A N²/V: each axis gets E
        return Evaluation(seen.energies + extra, seen.forces, seen.virial + spread)

    @cached_property
    def _step(self) -> float:
        """What the step at the cutoff, which forces do not see, adds to the virial (eV Å³)."""
        return 0.0 if self.ending == "switch" else 2 / 3 * math.pi * self.cutoff**3 * self._end

    @cached_property
    def tail_integral(self) -> float:
        r"""$A = 2\pi \int (u - u_{used})\, r^2 dr$ (eV Å³): what an evenly filled space would add.

        References:
            Frenkel & Smit, Understanding Molecular Simulation (2002), Eq. 3.2.5.
        """
        nine, three = (self.sigma / self.cutoff) ** 9 / 9, (self.sigma / self.cutoff) ** 3 / 3
        beyond = 8 * math.pi * self.epsilon * self.sigma**3 * (nine - three)
        if self.ending != "switch":
            return beyond
        nodes, weights = np.polynomial.legendre.leggauss(32)
        half = 0.5 * (1 - START) * self.cutoff
        r = torch.as_tensor(self.cutoff + half * (nodes - 1))
        six = (self.sigma / r) ** 6
        missing = (1 - switch(r, START * self.cutoff, self.cutoff)[0]) * (six**2 - six) * r**2
        return beyond + 8 * math.pi * self.epsilon * half * float(
            missing @ torch.as_tensor(weights)
        )


@dataclass(frozen=True)
class Morse(Pairwise):
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
    kernel: Callable[..., tuple] = field(default=half_sum, repr=False, compare=False)

    def curve(
        self, squares: Float[Tensor, "*pairs"]
    ) -> tuple[Float[Tensor, "*pairs"], Float[Tensor, "*pairs"]]:
        """Energy of a pair (eV) and its slope over the distance (eV/Å²)."""
        r = squares.sqrt()
        decay = torch.exp(-self.stiffness * (r - self.length))
        energy = self.depth * (decay * decay - 2 * decay)
        slope = 2 * self.depth * self.stiffness * decay * (1 - decay)
        return _switched(self, squares, energy, slope / r)


def _switched(
    pair: Pairwise, squares: Tensor, energy: Tensor, slope: Tensor
) -> tuple[Tensor, Tensor]:
    """Energy and slope over the distance, brought smoothly to zero at the cutoff."""
    r = squares.sqrt()
    factor, factor_slope = switch(r, START * pair.cutoff, pair.cutoff)
    return energy * factor, slope * factor + energy * factor_slope / r
