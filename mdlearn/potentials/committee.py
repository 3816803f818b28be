"""Several potentials trained alike on the same data: where they disagree, they do not know.

The spread of a committee warns of a wrong force and says which frame is worth a label next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mdlearn.potentials.fit import Labelled
from mdlearn.potentials.system import Potential, System, evaluate


@dataclass(frozen=True)
class Votes:
    """What every member of a committee says.

    Attributes:
        energies: eV.
        forces: eV/Å.
    """

    energies: Float[Tensor, "members systems"]
    forces: Float[Tensor, "members atoms 3"]


@dataclass(frozen=True)
class Committee:
    """The mean of several potentials, itself a potential, with the spread of its members.

    The spread is a standard deviation between members: an alarm, not an error bar until calibrated.

    Attributes:
        members: At least two potentials.

    References:
        Schran et al., J. Chem. Phys. 153, 104105 (2020), doi:10.1063/5.0016004.
    """

    members: Sequence[Potential]

    def __post_init__(self) -> None:
        if len(self.members) < 2:
            raise ValueError(f"a committee needs two members or more, got {len(self.members)}")

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Mean energy of each system (eV)."""
        return torch.stack([member(system) for member in self.members]).mean(0)

    def to(self, target: torch.device | torch.dtype | str) -> "Committee":
        """The same on another device, or in another precision; formulas among the members stay."""
        return Committee([m.to(target) if isinstance(m, nn.Module) else m for m in self.members])

    def votes(self, system: System) -> "Votes":
        """What every member says."""
        seen = [evaluate(member, system) for member in self.members]
        return Votes(
            torch.stack([vote.energies for vote in seen]),
            torch.stack([vote.forces for vote in seen]),
        )

    def spread(self, system: System) -> tuple[Float[Tensor, " systems"], Float[Tensor, " atoms"]]:
        """Standard deviation of the energies (eV) and of the force on each atom (eV/Å).

        Of an atom: √(Σ|F_m − F̄|² / (M − 1)), the length of the vector of three deviations.
        """
        votes = self.votes(system)
        return votes.energies.std(0), votes.forces.var(0).sum(-1).sqrt()


def disagreement(
    committee: Committee, pool: Labelled, *, batch: int = 100
) -> Float[Tensor, " systems"]:
    """The largest force spread of any atom in each frame (eV/Å); the labels of the pool are not used."""
    worst = []
    for rows in torch.arange(len(pool)).split(batch):
        part = pool.take(rows).system
        spread = committee.spread(part)[1]
        worst.append(spread.new_zeros(part.systems).scatter_reduce(0, part.index, spread, "amax"))
    return torch.cat(worst)


def most_disputed(scores: Float[Tensor, " systems"], count: int) -> Int[Tensor, " chosen"]:
    """The rows with the highest scores, highest first."""
    return scores.argsort(descending=True, stable=True)[:count]


def farthest(
    features: Float[np.ndarray, "systems features"], start: Sequence[int], count: int
) -> list[int]:
    """Rows chosen one by one, each the farthest from all that are known.

    Args:
        features: A description of each frame; `distances` makes one.
        start: Rows that are labelled already; the first row when empty.
        count: How many rows to choose.

    References:
        Gonzalez, Theor. Comput. Sci. 38, 293 (1985), doi:10.1016/0304-3975(85)90224-5.
    """
    chosen = list(start) or [0]
    gap = np.full(len(features), np.inf)
    for row in chosen:
        gap = np.minimum(gap, np.linalg.norm(features - features[row], axis=1))
    new = [] if len(start) else [0]
    while len(new) < count:
        row = int(gap.argmax())
        new.append(row)
        gap = np.minimum(gap, np.linalg.norm(features - features[row], axis=1))
    return new


def distances(system: System) -> Float[np.ndarray, "systems pairs"]:
    """Inverse distances of all pairs of atoms (1/Å), a plain description of frames of one molecule."""
    places = system.positions.detach().cpu().double().view(system.systems, -1, 3)
    i, j = torch.triu_indices(places.shape[1], places.shape[1], 1)
    return (1 / (places[:, i] - places[:, j]).norm(dim=-1)).numpy()
