"""Frames and torsions go there and back; products by a scan are those of a loop; mirrors change sign."""

import math

import numpy as np
import torch

from mdlearn.structure import geometry
from mdlearn.structure.geometry import (
    Frames,
    build,
    frames,
    products,
    quaternion,
    rotation,
    torsions,
)
from mdlearn.structure.proteins import Protein, virtual_cb

MIRROR = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)


def random_torsions(length: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    turn = torch.rand(2, length, generator=generator, dtype=torch.float64) * 2 * math.pi - math.pi
    return turn[0], turn[1]


def test_torsions_come_back_from_places():
    phi, psi = random_torsions(40)
    found = torsions(build(phi, psi))
    torch.testing.assert_close(found[0], phi[1:], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[1], psi[:-1], atol=1e-4, rtol=0)


def test_bonds_and_angles_are_ideal():
    chain = build(*random_torsions(25)).flatten(0, 1)
    bonds = (chain[1:] - chain[:-1]).norm(dim=-1)
    for k, length in enumerate((1.458, 1.525, 1.329)):
        torch.testing.assert_close(bonds[k::3], torch.full_like(bonds[k::3], length))
    ca = chain[1::3]
    torch.testing.assert_close(
        (ca[1:] - ca[:-1]).norm(dim=-1),
        torch.full((24,), 3.81, dtype=torch.float64),
        atol=0.01,
        rtol=0,
    )


def test_an_ideal_helix_is_right_handed_and_rises_by_a_half_of_three(helix: Protein):
    ca = helix.ca
    assert abs(np.linalg.norm(ca[18] - ca[0]) / 18 - 1.5) < 0.05
    a, b, c = ca[5] - ca[4], ca[6] - ca[5], ca[7] - ca[6]
    assert np.cross(a, b) @ c > 0


def test_products_by_a_scan_are_those_of_a_loop():
    generator = torch.Generator().manual_seed(0)
    turn = rotation(torch.randn(13, 4, generator=generator, dtype=torch.float64))
    step = Frames(turn, torch.randn(13, 3, generator=generator, dtype=torch.float64))
    found, now = products(step), Frames(step.rotation[0], step.place[0])
    for k in range(1, 13):
        now = now.compose(Frames(step.rotation[k], step.place[k]))
        torch.testing.assert_close(found.rotation[k], now.rotation)
        torch.testing.assert_close(found.place[k], now.place)


def test_quaternions_and_rotations_go_there_and_back():
    generator = torch.Generator().manual_seed(0)
    turn = rotation(torch.randn(50, 4, generator=generator, dtype=torch.float64))
    torch.testing.assert_close(rotation(quaternion(turn)), turn)
    eye = torch.eye(3, dtype=torch.float64).expand(50, 3, 3)
    torch.testing.assert_close(turn @ turn.transpose(1, 2), eye)
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(50, dtype=torch.float64))


def test_frames_turn_with_the_chain_and_give_it_back(helix: Protein, turned):
    backbone = torch.from_numpy(helix.backbone)
    one, turn = frames(backbone), torch.from_numpy(turned)
    two = frames(backbone @ turn.T + 3.0)
    torch.testing.assert_close(two.rotation, turn @ one.rotation)
    torch.testing.assert_close(one.apply(one.invert(backbone)), backbone)
    inside, outside = one.invert(backbone), two.invert(backbone @ turn.T + 3.0)
    torch.testing.assert_close(inside, outside)


def test_orientations_do_not_turn_but_change_sign_in_a_mirror(helix: Protein, turned):
    backbone = torch.from_numpy(helix.backbone)[:, :3]
    one = geometry.orientations(backbone)
    two = geometry.orientations(backbone @ torch.from_numpy(turned).T)
    far = ~torch.eye(20, dtype=torch.bool)
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a[far], b[far], atol=1e-5, rtol=0)
    phi, psi = torsions(backbone)
    phi_mirrored, psi_mirrored = torsions(backbone * MIRROR)
    torch.testing.assert_close(phi_mirrored, -phi)
    torch.testing.assert_close(psi_mirrored, -psi)


def test_both_ideal_cbs_are_the_same(helix: Protein):
    found = geometry.virtual_cb(torch.from_numpy(helix.backbone)).numpy()
    np.testing.assert_allclose(found, virtual_cb(helix.backbone))
