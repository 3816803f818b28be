"""Potentials put together: a sum of several, springs between named atoms, and silicon's three bodies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.potentials.neighbors import ensure
from mdlearn.potentials.pair import Pairwise, half_sum
from mdlearn.potentials.system import Evaluation, Potential, System, evaluate


@dataclass(frozen=True)
class Sum:
    """Several potentials at once, for example a molecule's and a bias.

    Attributes:
        parts: The potentials; those that have their own derivative use it.
    """

    parts: Sequence[Potential]

    @property
    def cutoff(self) -> float:
        """The largest cutoff of the parts that have one (Å)."""
        return max(getattr(part, "cutoff", 0.1) for part in self.parts)

    @property
    def pairs_once(self) -> bool:
        """A list with each pair once is enough, if it is for every part that looks at neighbors."""
        looking = [part for part in self.parts if hasattr(part, "cutoff")]
        return all(getattr(part, "pairs_once", False) for part in looking)

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        return torch.stack([part(system) for part in self.parts]).sum(0)

    def analytic(self, system: System, *, virial: bool = False) -> Evaluation:
        """Energies, forces and virial, each part in its own way."""
        seen = [evaluate(part, system, virial=virial) for part in self.parts]
        total = torch.stack([one.virial for one in seen]).sum(0) if virial else None
        return Evaluation(
            torch.stack([one.energies for one in seen]).sum(0),
            torch.stack([one.forces for one in seen]).sum(0),
            total,
        )


@dataclass(frozen=True)
class HarmonicBonds:
    r"""Springs between named atoms, $E = \sum \tfrac12 k (r - r_0)^2$.

    Attributes:
        bonds: Numbers of the two atoms of each spring, in the flat system.
        stiffness: k of each (eV/Å²).
        lengths: r₀ of each (Å).
    """

    bonds: Int[Tensor, "bonds 2"]
    stiffness: Float[Tensor, " bonds"]
    lengths: Float[Tensor, " bonds"]
    cutoff: float = 0.1  # it looks at no neighbors

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        first, second = self.bonds.unbind(1)
        arrows = system.positions.index_select(0, second) - system.positions.index_select(0, first)
        energies = 0.5 * self.stiffness * (arrows.norm(dim=1) - self.lengths) ** 2
        owner = system.index.index_select(0, first)
        return energies.new_zeros(system.systems).index_add(0, owner, energies)


@dataclass(frozen=True)
class StillingerWeber:
    r"""Silicon: bonds that like tetrahedra.

    $$E = \sum_{i<j} A\varepsilon [B (\sigma/r)^4 - 1]\, e^{\sigma/(r - a\sigma)}
      + \sum_{i,\,j<k} \lambda\varepsilon (\cos\theta_{jik} + \tfrac13)^2
      e^{\gamma\sigma/(r_{ij} - a\sigma)} e^{\gamma\sigma/(r_{ik} - a\sigma)}$$

    At rest the diamond crystal has a lattice constant of 5.431 Å and an energy of −2ε per atom; its
    three-body energy is zero.

    Attributes:
        epsilon: Energy of a bond, ε (eV).
        sigma: Its length scale, σ (Å).

    | symbol | code |
    |---|---|
    | A, B, a | STRENGTH, REPULSION, RANGE |
    | λ, γ | BENDING, SHARPNESS |

    References:
        Stillinger & Weber, Phys. Rev. B 31, 5262 (1985), doi:10.1103/PhysRevB.31.5262.
    """

    epsilon: float = 2.1683
    sigma: float = 2.0951

    STRENGTH, REPULSION, RANGE = 7.049556277, 0.6022245584, 1.8
    BENDING, SHARPNESS = 21.0, 1.2

    @property
    def cutoff(self) -> float:
        """Distance beyond which a pair does not interact (Å)."""
        return self.RANGE * self.sigma

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV)."""
        system = ensure(system, self.cutoff)
        arrows = system.arrows()  # (atoms, J, 3)
        squares = torch.where(system.mask, arrows.square().sum(-1), self.cutoff**2)
        inside = squares < (self.cutoff - 1e-6) ** 2
        r = torch.where(inside, squares, 0.25 * self.cutoff**2).sqrt()
        gap = 1 / (r / self.sigma - self.RANGE)
        pairs = (self.REPULSION * (self.sigma / r) ** 4 - 1) * gap.exp()
        pairs = torch.where(inside, pairs, 0).sum(1)
        fade = torch.where(inside, (self.SHARPNESS * gap).exp(), 0)  # (atoms, J)
        toward = arrows / r.unsqueeze(-1)
        cosine = toward @ toward.mT  # (atoms, J, J)
        bend = (cosine + 1 / 3) ** 2 * fade.unsqueeze(1) * fade.unsqueeze(2)
        angles = 0.5 * (bend.sum((1, 2)) - bend.diagonal(dim1=1, dim2=2).sum(1))
        atomic = self.epsilon * (0.5 * self.STRENGTH * pairs + self.BENDING * angles)
        return system.total(atomic)


@dataclass(frozen=True)
class Tabulated(Pairwise):
    """Any curve, given by its values on even places and joined by cubics: smooth, and quick to look up.

    It goes on as a straight line below the first place, and is zero beyond the last.

    Attributes:
        energies: Of a pair at each place (eV); the last should be zero.
        start: The first place (Å).
        cutoff: The last place (Å).
    """

    energies: Float[Tensor, " places"]
    start: float
    cutoff: float
    kernel: Callable[..., tuple] = field(default=half_sum, repr=False, compare=False)

    @property
    def width(self) -> float:
        """Distance of two places (Å)."""
        return (self.cutoff - self.start) / (len(self.energies) - 1)

    @property
    def slopes(self) -> Float[Tensor, " places"]:
        """Slopes at the places (eV/Å)."""
        inner = (self.energies[2:] - self.energies[:-2]) / (2 * self.width)
        first = (self.energies[1:2] - self.energies[:1]) / self.width
        return torch.cat([first, inner, torch.zeros_like(first)])

    def curve(
        self, squares: Float[Tensor, "*pairs"]
    ) -> tuple[Float[Tensor, "*pairs"], Float[Tensor, "*pairs"]]:
        """Energy of a pair (eV) and its slope over the distance (eV/Å²)."""
        r = squares.sqrt()
        at = (r - self.start) / self.width
        place = at.floor().clamp(0, len(self.energies) - 2)
        x, left = at - place, place.long()
        a, b = self.energies[left], self.energies[left + 1]
        slopes = self.slopes * self.width
        c, d = slopes[left], slopes[left + 1]
        energy = a + x * (c + x * (3 * (b - a) - 2 * c - d + x * (2 * (a - b) + c + d)))
        slope = c + x * (2 * (3 * (b - a) - 2 * c - d) + x * 3 * (2 * (a - b) + c + d))
        inside, below = r < self.cutoff, at < 0
        energy = torch.where(below, a + at * c, energy) * inside
        return energy, torch.where(below, c, slope) * inside / (self.width * r)
