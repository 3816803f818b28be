"""Rigid residues in space: frames of N, CA, C, torsions to places and back, pair orientations.

Everything is batched and differentiable; fold.py minimizes over it, attention.py updates it.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

# Ideal N, CA, C around CA (Å), the frame's x axis toward C.
RESIDUE = ((-0.525, 1.363, 0.0), (0.0, 0.0, 0.0), (1.526, 0.0, 0.0))
BONDS = (1.458, 1.525, 1.329)  # N–CA, CA–C, C–N (Å)
ANGLES = (111.0, 117.2, 121.7)  # N–CA–C, CA–C–N, C–N–CA (degrees)


class Frames(NamedTuple):
    """A rotation and a place for each residue: x in the frame is `rotation @ x + place` outside."""

    rotation: Float[Tensor, "*batch 3 3"]
    place: Float[Tensor, "*batch 3"]

    def apply(self, points: Float[Tensor, "*batch points 3"]) -> Float[Tensor, "*batch points 3"]:
        """Points of each frame, seen from outside."""
        return points @ self.rotation.transpose(-1, -2) + self.place[..., None, :]

    def invert(self, points: Float[Tensor, "*batch points 3"]) -> Float[Tensor, "*batch points 3"]:
        """Points from outside, seen in each frame."""
        return (points - self.place[..., None, :]) @ self.rotation

    def compose(self, other: "Frames") -> "Frames":
        """First the other, then this."""
        turned = (self.rotation @ other.place[..., None])[..., 0]
        return Frames(self.rotation @ other.rotation, turned + self.place)


def frames(backbone: Float[Tensor, "*batch atoms 3"]) -> Frames:
    """The frame of each residue from N, CA, C: CA in the middle, x toward C, N in the xy plane.

    Algorithm 21 of Jumper et al., Nature 596, 583 (2021), doi:10.1038/s41586-021-03819-2.
    """
    n, ca, c = backbone[..., 0, :], backbone[..., 1, :], backbone[..., 2, :]
    x = normalize(c - ca, dim=-1)
    y = n - ca
    y = normalize(y - (y * x).sum(-1, keepdim=True) * x, dim=-1)
    z = torch.linalg.cross(x, y)
    return Frames(torch.stack([x, y, z], -1), ca)


def residues(frame: Frames) -> Float[Tensor, "*batch 3 3"]:
    """Places of N, CA, C of ideal residues (Å)."""
    ideal = torch.tensor(RESIDUE, dtype=frame.place.dtype, device=frame.place.device)
    return frame.apply(ideal.expand(*frame.place.shape[:-1], 3, 3))


def virtual_cb(backbone: Float[Tensor, "*batch atoms 3"]) -> Float[Tensor, "*batch 3"]:
    """Where an ideal CB sits (Å); as `proteins.virtual_cb`."""
    b = backbone[..., 1, :] - backbone[..., 0, :]
    c = backbone[..., 2, :] - backbone[..., 1, :]
    a = torch.linalg.cross(b, c)
    return -0.58273431 * a + 0.56802827 * b - 0.54067466 * c + backbone[..., 1, :]


def rotation(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation of a quaternion (w, x, y, z) of any length but zero."""
    w, x, y, z = normalize(quaternion, dim=-1).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    return torch.stack(rows, -2)


def quaternion(rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Quaternion (w, x, y, z) of a rotation: the main eigenvector of a symmetric matrix, w ≥ 0."""
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in rotation.unbind(-2))
    rows = [
        torch.stack([a + e + i, h - f, c - g, d - b], -1),
        torch.stack([h - f, a - e - i, b + d, c + g], -1),
        torch.stack([c - g, b + d, e - a - i, f + h], -1),
        torch.stack([d - b, c + g, f + h, i - a - e], -1),
    ]
    main = torch.linalg.eigh(torch.stack(rows, -2))[1][..., -1]
    return main * torch.where(main[..., :1] < 0, -1.0, 1.0)


def dihedral(
    a: Float[Tensor, "*batch 3"],
    b: Float[Tensor, "*batch 3"],
    c: Float[Tensor, "*batch 3"],
    d: Float[Tensor, "*batch 3"],
) -> tuple[Float[Tensor, "*batch"], Float[Tensor, "*batch"]]:
    """Cosine and sine of the angle from a to d as seen along b → c."""
    back, axis, on = a - b, c - b, d - c
    axis = axis / (axis.norm(dim=-1, keepdim=True) + 1e-6)
    x = (back * on).sum(-1) - (back * axis).sum(-1) * (on * axis).sum(-1)
    y = (torch.linalg.cross(axis, back) * on).sum(-1)
    size = (x * x + y * y + 1e-6).sqrt()
    return x / size, y / size


def build(
    phi: Float[Tensor, "*batch residues"],
    psi: Float[Tensor, "*batch residues"],
    omega: Float[Tensor, "*batch residues"] | None = None,
) -> Float[Tensor, "*batch residues 3 3"]:
    """Places of N, CA, C (Å) from torsions (radians), with ideal bonds and angles.

    Each atom is one rigid step from the last, so the chain is a product of steps, and all products
    are had in log₂(3L) rounds instead of 3L.

    Args:
        omega: Of the peptide bond to the next residue; flat when not told.

    References:
        Parsons et al., J. Comput. Chem. 26, 1063 (2005), doi:10.1002/jcc.20237.
    """
    omega = torch.full_like(phi, math.pi) if omega is None else omega
    first = torch.zeros_like(phi[..., :1])
    turns = [torch.cat([first, psi[..., :-1]], -1), torch.cat([first, omega[..., :-1]], -1), phi]
    lengths = (BONDS[2], BONDS[0], BONDS[1])  # to N, to CA, to C
    angles = (ANGLES[1], ANGLES[2], ANGLES[0])
    steps = [_step(*each) for each in zip(turns, lengths, angles, strict=True)]
    rotations = torch.stack([step.rotation for step in steps], -3).flatten(-4, -3)
    places = torch.stack([step.place for step in steps], -2).flatten(-3, -2)
    chain = products(Frames(rotations, places))
    return chain.place.unflatten(-2, (-1, 3))


def products(steps: Frames) -> Frames:
    """The product of all steps up to each one, along the last axis: a prefix scan."""
    turn, place = steps
    length, reach = turn.shape[-3], 1
    while reach < length:
        before = Frames(turn[..., :-reach, :, :], place[..., :-reach, :])
        both = before.compose(Frames(turn[..., reach:, :, :], place[..., reach:, :]))
        turn = torch.cat([turn[..., :reach, :, :], both.rotation], -3)
        place = torch.cat([place[..., :reach, :], both.place], -2)
        reach *= 2
    return Frames(turn, place)


def _step(turn: Float[Tensor, "*batch"], length: float, angle: float) -> Frames:
    """From the frame of one atom to that of the next: turn about the last bond, bend, go on."""
    cosine, sine = turn.cos(), turn.sin()
    bend = math.pi - math.radians(angle)
    c, s = math.cos(bend), math.sin(bend)
    one, zero = torch.ones_like(turn), torch.zeros_like(turn)
    rows = [
        torch.stack([c * one, -s * one, zero], -1),
        torch.stack([s * cosine, c * cosine, -sine], -1),
        torch.stack([s * sine, c * sine, cosine], -1),
    ]
    matrix = torch.stack(rows, -2)
    return Frames(matrix, matrix[..., 0] * length)


def torsions(
    backbone: Float[Tensor, "*batch residues atoms 3"],
) -> tuple[Float[Tensor, "*batch steps"], Float[Tensor, "*batch steps"]]:
    """φ of each residue but the first, and ψ of each but the last (radians)."""
    n, ca, c = (backbone[..., k, :] for k in range(3))
    phi = dihedral(c[..., :-1, :], n[..., 1:, :], ca[..., 1:, :], c[..., 1:, :])
    psi = dihedral(n[..., :-1, :], ca[..., :-1, :], c[..., :-1, :], n[..., 1:, :])
    return torch.atan2(phi[1], phi[0]), torch.atan2(psi[1], psi[0])


def orientations(
    backbone: Float[Tensor, "*batch residues atoms 3"],
) -> tuple[Float[Tensor, "*batch residues residues"], Float[Tensor, "*batch residues residues"]]:
    """How the side chains of each pair look at each other: dihedrals ω (CA CB CB CA), θ (N CA CB CB).

    Both change sign in a mirror; distances do not.

    References:
        Yang et al., Proc. Natl. Acad. Sci. 117, 1496 (2020), doi:10.1073/pnas.1914677117.
    """
    n, ca, cb = backbone[..., 0, :], backbone[..., 1, :], virtual_cb(backbone)
    shape = (*ca.shape[:-1], ca.shape[-2], 3)
    one = [x[..., :, None, :].expand(shape) for x in (n, ca, cb)]
    other = [x[..., None, :, :].expand(shape) for x in (ca, cb)]
    omega = dihedral(one[1], one[2], other[1], other[0])
    theta = dihedral(one[0], one[1], one[2], other[1])
    return torch.atan2(omega[1], omega[0]), torch.atan2(theta[1], theta[0])
