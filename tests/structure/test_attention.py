"""The pieces of AlphaFold: invariant where they must be, mirrors told apart, the collapse shown."""

import pytest
import torch

from mdlearn.structure.attention import (
    Move,
    PairBiasedAttention,
    PointAttention,
    SmallFold,
    Triangle,
    fape,
)
from mdlearn.structure.geometry import Frames, frames, rotation
from mdlearn.structure.proteins import Protein
from tests.device_law import OneDevice

LENGTH = 9


def random_frames(seed: int = 0) -> Frames:
    generator = torch.Generator().manual_seed(seed)
    quaternion = torch.randn(LENGTH, 4, generator=generator, dtype=torch.float64)
    place = 5 * torch.randn(LENGTH, 3, generator=generator, dtype=torch.float64)
    return Frames(rotation(quaternion), place)


def world(seed: int = 5) -> Frames:
    one = random_frames(seed)
    return Frames(one.rotation[:1].expand(LENGTH, 3, 3), one.place[:1].expand(LENGTH, 3))


def awake(module: torch.nn.Module) -> torch.nn.Module:
    """The module with no weight at zero, in double precision."""
    generator = torch.Generator().manual_seed(1)
    for weight in module.double().parameters():
        weight.data = 0.3 * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    return module


def tracks() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    single = torch.randn(LENGTH, 16, generator=generator, dtype=torch.float64)
    return single, torch.randn(LENGTH, LENGTH, 8, generator=generator, dtype=torch.float64)


def test_point_attention_does_not_see_the_world_turn():
    layer, at = awake(PointAttention(16, 8)), random_frames()
    single, pair = tracks()
    seen = layer(single, pair, at)
    torch.testing.assert_close(layer(single, pair, world().compose(at)), seen)
    moved = Frames(at.rotation, at.place * 1.5)
    assert not torch.allclose(layer(single, pair, moved), seen)


def test_point_attention_tells_a_mirror_image():
    layer, at = awake(PointAttention(16, 8)), random_frames()
    single, pair = tracks()
    flip = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    mirrored = Frames(flip @ at.rotation @ flip, at.place @ flip)
    assert not torch.allclose(layer(single, pair, mirrored), layer(single, pair, at))


def test_a_move_goes_along_with_the_world():
    layer, at = awake(Move(16)), random_frames()
    single, _ = tracks()
    moved = layer(single, at)
    again = layer(single, world().compose(at))
    both = world().compose(moved)
    torch.testing.assert_close(again.place, both.place)
    torch.testing.assert_close(again.rotation, both.rotation)


@pytest.mark.parametrize("outgoing", [True, False])
def test_triangles_do_not_care_for_names(outgoing: bool):
    layer = awake(Triangle(8, outgoing=outgoing))
    _, pair = tracks()
    order = torch.randperm(LENGTH, generator=torch.Generator().manual_seed(0))
    turned = layer(pair[order][:, order])
    torch.testing.assert_close(turned, layer(pair)[order][:, order])


def test_a_triangle_closes_over_the_third_corner():
    layer = awake(Triangle(8))
    _, pair = tracks()
    changed = pair.clone()
    changed[0, 5, 0] += 1.0  # the edge 0–5 is a side of every triangle 0, j, 5
    moved = (layer(changed) - layer(pair)).abs().sum(-1) > 1e-9
    assert moved[0].all() and moved[:, 0].all() and not moved[1:, 1:].any()


def test_attention_does_not_care_for_names_but_for_pairs():
    layer = awake(PairBiasedAttention(16, 8))
    single, pair = tracks()
    order = torch.randperm(LENGTH, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        layer(single[order], pair[order][:, order]), layer(single, pair)[order]
    )
    assert not torch.allclose(layer(single, pair * 0.5), layer(single, pair))


def test_the_frame_error_is_blind_to_the_world_and_sees_the_mirror(helix: Protein):
    backbone = torch.from_numpy(helix.backbone)
    true = frames(backbone)
    turn = Frames(
        *(x.expand(len(helix), *x.shape) for x in (world().rotation[0], world().place[0]))
    )
    moved = turn.compose(true)
    assert fape(moved, moved.place, true, true.place) < 0.0011  # the root of 1e-4, over 10
    mirror = backbone * torch.tensor([1.0, 1.0, -1.0], dtype=backbone.dtype)
    assert fape(frames(mirror), mirror[:, 1], true, true.place) > 0.1


def test_from_a_collapsed_start_the_clamped_error_pulls_on_nobody_far_away():
    true = random_frames(3)
    true = Frames(true.rotation, 20 * true.place)  # most pairs are far beyond 10 Å
    grads = {}
    for clamp in (10.0, None):
        place = torch.zeros(LENGTH, 3, dtype=torch.float64, requires_grad=True)
        start = Frames(torch.eye(3, dtype=torch.float64).expand(LENGTH, 3, 3), place)
        fape(start, place, true, true.place, clamp=clamp).backward()
        grads[clamp] = float(place.grad.norm())
    assert grads[10.0] < 1e-9 < 1e-3 < grads[None]


def test_the_network_runs_recycles_and_stays_on_its_device():
    torch.manual_seed(0)
    model = SmallFold(single=16, pair=8, blocks=1, moves=2)
    letters, states = torch.arange(12) % 20, torch.full((12, 8), 1 / 8)
    path, logits = model(letters, states)
    assert len(path) == 2 and logits.shape == (12, 12, 17)
    torch.testing.assert_close(logits, logits.transpose(0, 1))
    torch.nn.init.normal_(model.again.weight)
    assert not torch.allclose(model(letters, states, recycles=1)[1], logits)
    model, letters, states = model.to("meta"), letters.to("meta"), states.to("meta")
    true = Frames(torch.empty(12, 3, 3, device="meta"), torch.empty(12, 3, device="meta"))
    with OneDevice():
        path, logits = model(letters, states)
        (fape(path[-1], path[-1].place, true, true.place) + logits.mean()).backward()
