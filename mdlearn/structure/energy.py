"""What pulls on a chain while it folds: believed distances and orientations, peptide geometry, hand."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mdlearn.structure.geometry import dihedral, virtual_cb
from mdlearn.structure.pairs import BINS, CENTERS, EDGES, TURNS, Pairs

ALPHA = (-1.09, -0.77)  # φ, ψ of a helix (radians)
BETA = (-2.10, 2.35)  # of a strand
NEAREST = 3  # residues apart, from which pairs have a distance energy
WEIGHTS = {"distance": 1.0, "orientation": 3.0, "secondary": 8.0}


@dataclass(frozen=True)
class Field:
    """What is believed, as tables of energies.

    Attributes:
        i, j: Pairs of residues with a distance energy.
        table: Energy of each pair at each center of a bin, relative to the last (nats).
        resolved: Probability that a pair is within reach of the bins.
        near: Pairs with believed orientations, both orders, as places in a matrix of all pairs.
        omega, theta: Their mean direction, cosine and sine, times the probability of contact.
        states: Probabilities of helix, strand and other.
    """

    i: Int[Tensor, " pairs"]
    j: Int[Tensor, " pairs"]
    table: Float[Tensor, "pairs bins"]
    resolved: Float[Tensor, " pairs"]
    near: Int[Tensor, " near"]
    omega: Float[Tensor, "2 near"]
    theta: Float[Tensor, "2 near"]
    states: Float[Tensor, "residues 3"]

    def to(self, device: torch.device | str) -> "Field":
        """The same on another device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})


@dataclass(frozen=True)
class Terms:
    """Parts of the energy of each replica."""

    distance: Float[Tensor, " replicas"]
    orientation: Float[Tensor, " replicas"]
    secondary: Float[Tensor, " replicas"]
    peptide: Float[Tensor, " replicas"]
    crowding: Float[Tensor, " replicas"]

    def total(self, fraction: float) -> Float[Tensor, " replicas"]:
        """Their weighted sum; geometry stiffens as the run goes from 0 to 1."""
        believed = sum(weight * getattr(self, name) for name, weight in WEIGHTS.items())
        return (
            believed
            + (0.1 + 2.0 * fraction) * self.peptide
            + (0.1 + 1.5 * fraction) * self.crowding
        )


def make_field(pairs: Pairs, states: Float[np.ndarray, "residues 3"]) -> Field:
    """Tables from beliefs.

    A distance has the energy −ln p, relative to the last bin and to the share that a compact chain
    would have there, which grows with r.
    """
    length = len(states)
    i, j = np.triu_indices(length, NEAREST)
    share = np.log(np.maximum(pairs.distances[i, j], 1e-4))
    table = -share[:, :BINS] + share[:, BINS - 1 : BINS] + np.log(CENTERS / CENTERS[-1])
    near = pairs.distances[..., :8].sum(-1)
    k, l = np.nonzero((near > 0.3) & (np.abs(np.subtract.outer(range(length), range(length))) >= 4))
    turns = (np.arange(TURNS) + 0.5) / TURNS * 2 * np.pi - np.pi
    wheel = np.stack([np.cos(turns), np.sin(turns)])
    pulls = [near[k, l] * (wheel @ beliefs[k, l].T) for beliefs in (pairs.omega, pairs.theta)]
    real = lambda x: torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32)  # noqa: E731
    return Field(
        torch.from_numpy(i),
        torch.from_numpy(j),
        real(table),
        real(pairs.distances[i, j, :BINS].sum(-1)),
        torch.from_numpy(k * length + l),
        real(pulls[0]),
        real(pulls[1]),
        real(states),
    )


def terms(field: Field, backbone: Float[Tensor, "replicas residues 3 3"]) -> Terms:
    """All parts of the energy; N, CA, C of each residue in Å."""
    n, ca, c = backbone.unbind(2)
    cb = virtual_cb(backbone)
    apart = torch.cdist(cb, cb)
    return Terms(
        _distance(field, apart.flatten(1).index_select(1, field.i * len(field.states) + field.j)),
        _orientation(field, n, ca, cb, apart),
        _secondary(field, n, ca, c),
        _peptide(n, ca, c),
        _crowding(torch.cdist(ca, ca), 4.0) + _crowding(apart, 3.8),
    )


def _distance(field: Field, r: Float[Tensor, "replicas pairs"]) -> Float[Tensor, " replicas"]:
    """The table, read between its entries; beyond it, a weak pull on pairs believed near."""
    place = ((r - CENTERS[0]) / (EDGES[1] - EDGES[0])).clamp(0, BINS - 1.001)
    low = place.detach().floor().long()
    part = place - low
    table = field.table.expand(len(r), -1, -1)
    below, above = (table.gather(2, (low + step)[..., None])[..., 0] for step in (0, 1))
    pull = 0.15 * field.resolved * torch.relu(r - CENTERS[-1])
    return (below * (1 - part) + above * part + pull).sum(1)


def _orientation(
    field: Field, n: Tensor, ca: Tensor, cb: Tensor, apart: Tensor
) -> Float[Tensor, " replicas"]:
    r"""How far ω and θ of all pairs are from where they are believed, without one loop over pairs.

    A dihedral is a few dot products of vectors of one residue with vectors of another: each kind is
    one product of matrices. With $r = C_\alpha - C_\beta$ of a residue and $d$ from its CB to the
    other's, ω has the cosine $r_k \cdot r_l - (r_k \cdot d)(r_l \cdot d)/d^2$ and the sine
    $d \cdot (r_k \times r_l)/d$, up to a common factor.
    """
    r = ca - cb
    axis = -r / r.square().sum(-1, keepdim=True).sqrt()
    side = (n - ca) - ((n - ca) * axis).sum(-1, keepdim=True) * axis
    look = lambda pairs: pairs.flatten(1).index_select(1, field.near)  # noqa: E731
    toward = lambda v: v @ cb.mT - (v * cb).sum(-1, keepdim=True)  # noqa: E731
    theta = look(toward(side)), look(toward(torch.linalg.cross(axis, side)))
    along, spin, d = toward(r), r @ torch.linalg.cross(r, cb).mT, look(apart)
    cosine = look(r @ r.mT) + look(along) * look(along.mT) / d.square()
    omega = cosine, look(spin + spin.mT) / d
    return -(_agreement(field.omega, *omega) + _agreement(field.theta, *theta)) / 2


def _agreement(belief: Tensor, x: Tensor, y: Tensor) -> Float[Tensor, " replicas"]:
    """Cosine of the angle between (x, y) and what is believed, weighted and summed over the pairs."""
    return ((x * belief[0] + y * belief[1]) / (x * x + y * y + 1e-6).sqrt()).sum(1)


def _secondary(field: Field, n: Tensor, ca: Tensor, c: Tensor) -> Float[Tensor, " replicas"]:
    """φ and ψ where helix and strand have them; elsewhere φ below zero."""
    phi = dihedral(c[:, :-1], n[:, 1:], ca[:, 1:], c[:, 1:])
    psi = dihedral(n[:, :-1], ca[:, :-1], c[:, :-1], n[:, 1:])
    after, before = field.states[1:], field.states[:-1]
    found = (torch.relu(phi[1]) * after[:, 2]).sum(1)
    for state, (ideal, weight) in enumerate(((ALPHA, 4.0), (BETA, 2.0))):
        for angle, at, mean in ((phi, after, ideal[0]), (psi, before, ideal[1])):
            off = 1 - angle[0] * np.cos(mean) - angle[1] * np.sin(mean)
            found = found + weight * (off * at[:, state]).sum(1)
    return found


def _peptide(n: Tensor, ca: Tensor, c: Tensor) -> Float[Tensor, " replicas"]:
    """Bond and angles of the peptide bond, as springs on distances."""
    springs = (
        (c[:, :-1], n[:, 1:], 1.329, 10.0),
        (ca[:, :-1], n[:, 1:], 2.43, 5.0),
        (c[:, :-1], ca[:, 1:], 2.43, 5.0),
        (ca[:, :-1], ca[:, 1:], 3.80, 5.0),
    )
    return sum(
        weight * ((a - b).square().sum(-1).add(1e-6).sqrt() - rest).square().sum(1)
        for a, b, rest, weight in springs
    )


def _crowding(r: Float[Tensor, "replicas residues residues"], nearest: float) -> Tensor:
    """Atoms three residues apart or more do not come nearer than this (Å)."""
    far = torch.ones(r.shape[1:], dtype=r.dtype, device=r.device)
    far = far.triu(3) + far.tril(-3)
    return (torch.relu(nearest - r).square() * far).sum((1, 2))
