"""How atoms stand to each other: distances, waves of density, torsions. Arrays in, numbers out."""

from dataclasses import replace
from math import pi

import torch
from ase import Atoms
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.potentials.neighbors import table
from mdlearn.potentials.system import from_atoms

BLOCKS = 5  # parts of a trajectory whose spread gives the error bar


def rdf(
    positions: Float[Tensor, "frames atoms 3"],
    cell: Float[Tensor, "3 3"] | Float[Tensor, "frames 3 3"],
    *,
    reach: float,
    bins: int = 100,
) -> tuple[Float[Tensor, " bins"], Float[Tensor, " bins"], Float[Tensor, " bins"]]:
    r"""Radial distribution function of equal atoms, $g(r) = \rho(r) / \rho$.

    Args:
        positions: Å, of a periodic system.
        cell: Of all frames, or of each (Å).
        reach: Largest distance (Å); images are taken, but beyond half the cell it shows the cell.
        bins: Count.

    Returns:
        Middles of the bins (Å), g, and its standard error from five parts of the trajectory.
    """
    frames, atoms = positions.shape[:2]
    cells = cell.expand(frames, 3, 3)
    edges = torch.linspace(0, reach, bins + 1, dtype=torch.float64)
    shells = 4 / 3 * pi * edges.pow(3).diff()
    base = from_atoms(Atoms(f"Ar{atoms}", cell=cells[0].cpu().numpy(), pbc=True))
    curves = []
    for place, box in zip(positions.detach().cpu().double(), cells.cpu().double(), strict=True):
        seen = table(replace(base.at(place), cell=box.unsqueeze(0)), reach, half=True)
        first, second = seen.pairs
        distances = (place[second] - place[first] + seen.moves.T).norm(dim=1)
        counts = torch.histc(distances, bins, 0, reach)
        density = atoms / float(torch.linalg.det(box).abs())
        curves.append(2 * counts / (atoms * density * shells))
    mean, error = _parts(torch.stack(curves))
    return 0.5 * (edges[1:] + edges[:-1]), mean, error


def structure_factor(
    positions: Float[Tensor, "frames atoms 3"], cell: Float[Tensor, "3 3"], *, longest: float
) -> tuple[Float[Tensor, " waves"], Float[Tensor, " waves"], Float[Tensor, " waves"]]:
    r"""Static structure factor $S(q) = |\sum_j e^{i q \cdot r_j}|^2 / N$, what neutrons see.

    Args:
        positions: Å, of a periodic system.
        cell: Of all frames (Å).
        longest: Largest wave vector (1/Å).

    Returns:
        Lengths of the wave vectors that fit into the cell (1/Å), S, and its standard error from five
        parts of the trajectory; wave vectors of equal length are averaged.
    """
    cell = cell.double()
    count = (longest * cell.norm(dim=1) / (2 * pi)).ceil().long().tolist()
    axes = [torch.arange(0 if a == 0 else -n, n + 1) for a, n in enumerate(count)]
    whole = torch.cartesian_prod(*axes).double()
    waves = 2 * pi * whole @ torch.linalg.inv(cell).T
    length = waves.norm(dim=1)
    keep = (length > 1e-9) & (length <= longest)
    waves, length = waves[keep], length[keep]
    curves = []
    for place in positions.double():
        phase = waves @ place.T  # (waves, atoms)
        curves.append((phase.cos().sum(1).square() + phase.sin().sum(1).square()) / len(place))
    order = (length * 1e6).round().long().unique(return_inverse=True)[1]
    number = torch.bincount(order).double()
    lengths = torch.zeros_like(number).index_add(0, order, length) / number
    mean, error = _parts(torch.stack(curves))
    return lengths, *(
        torch.zeros_like(number).index_add(0, order, part) / number for part in (mean, error)
    )


def torsions(
    positions: Float[Tensor, "*frames atoms 3"], quadruples: Int[Tensor, "torsions 4"]
) -> Float[Tensor, "*frames torsions"]:
    """Dihedral angles (rad) from −π to π by the convention of IUPAC: zero when eclipsed, trans at π.

    Args:
        positions: Å.
        quadruples: Numbers of four atoms in a row, for each angle.
    """
    a, b, c, d = (positions[..., quadruples[:, k], :] for k in range(4))
    first, axis, last = b - a, c - b, d - c
    left, right = torch.linalg.cross(first, axis), torch.linalg.cross(axis, last)
    length = axis.norm(dim=-1, keepdim=True)
    along = (torch.linalg.cross(left, right) * axis / length).sum(-1)
    return torch.atan2(along, (left * right).sum(-1))


def angle_histogram(
    angles: Float[Tensor, "frames systems"] | Float[Tensor, " frames"], *, bins: int = 36
) -> tuple[Float[Tensor, " bins"], Float[Tensor, " bins"], Float[Tensor, " bins"]]:
    """Density of angles (1/rad) with its standard error.

    Several systems are independent, and the error is theirs; of one, five parts of the time are taken.
    """
    series = angles.reshape(len(angles), -1)
    groups = series.T if series.shape[1] >= BLOCKS else torch.stack(series.chunk(BLOCKS)[:BLOCKS])
    width = 2 * pi / bins
    rows = torch.stack(
        [
            torch.histc(group.double(), bins, -pi, pi) / (group.numel() * width)
            for group in groups.reshape(len(groups), -1)
        ]
    )
    middles = -pi + width * (torch.arange(bins) + 0.5)
    return middles.double(), rows.mean(0), rows.std(0) / len(rows) ** 0.5


def _parts(curves: Float[Tensor, "frames bins"]) -> tuple[Tensor, Tensor]:
    """Mean over frames, and its standard error from the spread of a few parts of the time."""
    if len(curves) < 2 * BLOCKS:
        return curves.mean(0), torch.full_like(curves[0], torch.nan)
    means = torch.stack([part.mean(0) for part in curves.tensor_split(BLOCKS)])
    return curves.mean(0), means.std(0) / BLOCKS**0.5
