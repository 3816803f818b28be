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
        k, l: Pairs with believed orientations, both orders.
        omega, theta: Their mean direction, cosine and sine, times the probability of contact.
        states: Probabilities of helix, strand and other.
    """

    i: Int[Tensor, " pairs"]
    j: Int[Tensor, " pairs"]
    table: Float[Tensor, "pairs bins"]
    resolved: Float[Tensor, " pairs"]
    k: Int[Tensor, " near"]
    l: Int[Tensor, " near"]
    omega: Float[Tensor, "near 2"]
    theta: Float[Tensor, "near 2"]
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
    wheel = np.stack([np.cos(turns), np.sin(turns)], -1)
    pulls = [near[k, l, None] * (beliefs[k, l] @ wheel) for beliefs in (pairs.omega, pairs.theta)]
    real = lambda x: torch.as_tensor(np.ascontiguousarray(x), dtype=torch.float32)  # noqa: E731
    return Field(
        torch.from_numpy(i),
        torch.from_numpy(j),
        real(table),
        real(pairs.distances[i, j, :BINS].sum(-1)),
        torch.from_numpy(k),
        torch.from_numpy(l),
        real(pulls[0]),
        real(pulls[1]),
        real(states),
    )


def terms(field: Field, backbone: Float[Tensor, "replicas residues 3 3"]) -> Terms:
    """All parts of the energy; N, CA, C of each residue in Å."""
    n, ca, c = backbone.unbind(2)
    cb = virtual_cb(backbone)
    apart = _distances(cb)
    return Terms(
        _distance(field, apart[:, field.i, field.j]),
        _orientation(field, n, ca, cb),
        _secondary(field, n, ca, c),
        _peptide(n, ca, c),
        _crowding(_distances(ca), 4.0) + _crowding(apart, 3.8),
    )


def _distances(
    x: Float[Tensor, "replicas residues 3"],
) -> Float[Tensor, "replicas residues residues"]:
    square = (x[:, :, None] - x[:, None]).square().sum(-1)
    return (square + 1e-6).sqrt()


def _distance(field: Field, r: Float[Tensor, "replicas pairs"]) -> Float[Tensor, " replicas"]:
    """The table, read between its entries; beyond it, a weak pull on pairs believed near."""
    place = ((r - CENTERS[0]) / (EDGES[1] - EDGES[0])).clamp(0, BINS - 1.001)
    low = place.detach().floor().long()
    part = place - low
    table = field.table.expand(len(r), -1, -1)
    below, above = (table.gather(2, (low + step)[..., None])[..., 0] for step in (0, 1))
    pull = 0.15 * field.resolved * torch.relu(r - CENTERS[-1])
    return (below * (1 - part) + above * part + pull).sum(1)


def _orientation(field: Field, n: Tensor, ca: Tensor, cb: Tensor) -> Float[Tensor, " replicas"]:
    k, l = field.k, field.l
    omega = torch.stack(dihedral(ca[:, k], cb[:, k], cb[:, l], ca[:, l]), -1)
    theta = torch.stack(dihedral(n[:, k], ca[:, k], cb[:, k], cb[:, l]), -1)
    return -((omega * field.omega).sum((1, 2)) + (theta * field.theta).sum((1, 2))) / 2


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
