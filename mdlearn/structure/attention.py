"""The pieces of AlphaFold in small: pairs that talk, triangles, points in space, one loss for frames.

Named after the algorithms of Jumper et al., Nature 596, 583 (2021), doi:10.1038/s41586-021-03819-2.
Shapes: single (residues, channels), pair (residues, residues, channels).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import layer_norm, softplus

from mdlearn.structure.geometry import Frames, build, frames, rotation
from mdlearn.structure.pairs import BINS


class PairBiasedAttention(nn.Module):
    """Residues ask all others; what is believed of the pair says who is heard (as algorithm 7)."""

    def __init__(self, single: int, pair: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.pair_norm = nn.LayerNorm(single), nn.LayerNorm(pair)
        self.ask = nn.Linear(single, 3 * single, bias=False)
        self.bias = nn.Linear(pair, heads, bias=False)
        self.gate, self.leave = nn.Linear(single, single), nn.Linear(single, single)
        nn.init.zeros_(self.leave.weight)

    def forward(
        self, single: Float[Tensor, "residues channels"], pair: Float[Tensor, "residues residues _"]
    ) -> Float[Tensor, "residues channels"]:
        """What was known of each residue, and what it heard."""
        x = self.norm(single)
        query, key, value = self.ask(x).view(len(x), 3, self.heads, -1).permute(1, 2, 0, 3)
        scores = (
            query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
        )  # (heads, residues, residues)
        weights = (scores + self.bias(self.pair_norm(pair)).permute(2, 0, 1)).softmax(-1)
        heard = (weights @ value).transpose(0, 1).flatten(1)
        return single + self.leave(torch.sigmoid(self.gate(x)) * heard)


class Triangle(nn.Module):
    """Pair i–j hears of i–k and j–k for all k: distances must close to triangles (algorithms 11, 12).

    Args:
        outgoing: Along the edges that leave i and j; otherwise along those that come in.
    """

    def __init__(self, channels: int, hidden: int = 16, *, outgoing: bool = True) -> None:
        super().__init__()
        self.outgoing = outgoing
        self.norm, self.norm_out = nn.LayerNorm(channels), nn.LayerNorm(hidden)
        self.sides, self.gates = nn.Linear(channels, 2 * hidden), nn.Linear(channels, 2 * hidden)
        self.leave, self.gate = nn.Linear(hidden, channels), nn.Linear(channels, channels)
        nn.init.zeros_(self.leave.weight)

    def forward(
        self, pair: Float[Tensor, "residues residues channels"]
    ) -> Float[Tensor, "residues residues channels"]:
        """What was believed of each pair, and what the third corners add."""
        x = self.norm(pair)
        a, b = (self.sides(x) * torch.sigmoid(self.gates(x))).chunk(2, -1)
        how = "ikc,jkc->ijc" if self.outgoing else "kic,kjc->ijc"
        closed = torch.einsum(how, a, b)
        return pair + torch.sigmoid(self.gate(x)) * self.leave(self.norm_out(closed))


class OuterProduct(nn.Module):
    """What two residues say, put together for their pair (in the spirit of algorithm 10)."""

    def __init__(self, single: int, pair: int, hidden: int = 8) -> None:
        super().__init__()
        self.norm, self.sides = nn.LayerNorm(single), nn.Linear(single, 2 * hidden)
        self.leave = nn.Linear(hidden * hidden, pair)

    def forward(
        self, single: Float[Tensor, "residues _"], pair: Float[Tensor, "residues residues channels"]
    ) -> Float[Tensor, "residues residues channels"]:
        """The pairs, with both ends heard."""
        a, b = self.sides(self.norm(single)).chunk(2, -1)
        product = torch.einsum("ia,jb->ijab", a, b).flatten(2)
        return pair + self.leave(product)


class PointAttention(nn.Module):
    """Invariant point attention (algorithm 22): residues near in space hear each other.

    Each residue puts points into the world from its own frame. Distances between points do not
    change when the world turns, so neither does what is heard.
    """

    def __init__(
        self, single: int, pair: int, *, heads: int = 4, width: int = 8, points: int = 4
    ) -> None:
        super().__init__()
        self.heads, self.width, self.points = heads, width, points
        self.norm = nn.LayerNorm(single)
        self.query = nn.Linear(single, heads * width, bias=False)
        self.key_value = nn.Linear(single, 2 * heads * width, bias=False)
        self.query_points = nn.Linear(single, heads * points * 3)
        self.key_value_points = nn.Linear(single, 2 * heads * points * 3)
        self.bias = nn.Linear(pair, heads, bias=False)
        self.weight = nn.Parameter(torch.full((heads,), -1.0))
        self.leave = nn.Linear(heads * (width + pair + 4 * points), single)
        nn.init.zeros_(self.leave.weight)

    def forward(
        self,
        single: Float[Tensor, "residues channels"],
        pair: Float[Tensor, "residues residues _"],
        frames: Frames,
    ) -> Float[Tensor, "residues channels"]:
        """What was known of each residue, and what it heard from near by."""
        x, h = self.norm(single), self.heads
        query = self.query(x).view(len(x), h, -1)
        key, value = self.key_value(x).view(len(x), 2, h, -1).unbind(1)
        asked = frames.apply(self.query_points(x).view(len(x), -1, 3)).unflatten(1, (h, -1))
        told = frames.apply(self.key_value_points(x).view(len(x), -1, 3)).unflatten(1, (2, h, -1))
        far = (
            (asked[:, None] - told[None, :, 0]).square().sum((-1, -2))
        )  # (residues, residues, heads)
        scale = 0.5 * softplus(self.weight) * (2 / (9 * self.points)) ** 0.5
        scores = torch.einsum("ihc,jhc->ijh", query, key) / self.width**0.5 + self.bias(pair)
        weights = ((scores - scale * far) / 3**0.5).softmax(1)
        heard = torch.einsum("ijh,jhc->ihc", weights, value).flatten(1)
        pairs = torch.einsum("ijh,ijc->ihc", weights, pair).flatten(1)
        places = torch.einsum("ijh,jhpx->ihpx", weights, told[:, 1]).flatten(1, 2)
        mine = frames.invert(places)  # (residues, heads · points, 3)
        sizes = mine.square().sum(-1).add(1e-8).sqrt()
        return single + self.leave(torch.cat([heard, pairs, mine.flatten(1), sizes], -1))


class Move(nn.Module):
    """Each residue turns and shifts its own frame a little (algorithm 23)."""

    def __init__(self, single: int) -> None:
        super().__init__()
        self.step = nn.Linear(single, 6)
        nn.init.zeros_(self.step.weight)
        nn.init.zeros_(self.step.bias)

    def forward(self, single: Float[Tensor, "residues _"], frames: Frames) -> Frames:
        """The frames, moved; shifts are in units of 10 Å."""
        turn, shift = self.step(single).split(3, -1)
        quaternion = torch.cat([torch.ones_like(turn[:, :1]), turn], -1)
        return frames.compose(Frames(rotation(quaternion), 10 * shift))


def fape(
    frames: Frames,
    places: Float[Tensor, "points 3"],
    true_frames: Frames,
    true_places: Float[Tensor, "points 3"],
    *,
    clamp: float | None = 10.0,
    near: int | None = None,
) -> Float[Tensor, ""]:
    r"""Frame-aligned point error (Å / 10): every point seen from every residue (algorithm 28).

    $$\frac{1}{10} \text{mean}_{ij} \min(d_\text{clamp}, |T_i^{-1} x_j - \hat T_i^{-1} \hat x_j|)$$

    It does not change when model or truth is turned, and it does in a mirror. Clamped, it has no
    gradient for points that are further off than the clamp: from a collapsed start nothing moves.

    Args:
        clamp: Largest error that counts (Å); `None` for no limit.
        near: Only points at most so many residues along the chain; all when not told.
    """
    count = len(frames.place)
    seen = frames.invert(places.expand(count, -1, 3))
    true = true_frames.invert(true_places.expand(count, -1, 3))
    error = ((seen - true).square().sum(-1) + 1e-4).sqrt()  # (frames, points)
    error = error if clamp is None else error.clamp(max=clamp)
    if near is None:
        return error.mean() / 10
    band = _band(error, near)
    return (error * band).sum() / band.sum() / 10


class SmallFold(nn.Module):
    """Sequence to frames: pair and single tracks that talk, then points in space; with recycling.

    Args:
        single, pair: Channels of the two tracks.
        blocks: Of pair and single track.
        moves: Rounds of point attention.
        chain: Begin as a chain whose torsions a straight line reads from the states; otherwise, as
            AlphaFold does, with all residues in one point.
    """

    def __init__(
        self,
        *,
        single: int = 64,
        pair: int = 32,
        blocks: int = 2,
        moves: int = 4,
        chain: bool = False,
    ) -> None:
        super().__init__()
        self.settings = {
            "single": single, "pair": pair, "blocks": blocks, "moves": moves, "chain": chain
        }  # fmt: skip
        self.moves, self.reach, bins = moves, 32, BINS + 1
        self.turns = nn.Linear(8, 4) if chain else None  # cos φ, sin φ, cos ψ, sin ψ
        self.letters = nn.Embedding(21, single)
        self.states = nn.Linear(8, single)
        self.left, self.right = nn.Linear(single, pair), nn.Linear(single, pair)
        self.apart = nn.Embedding(2 * self.reach + 1, pair)
        self.again = nn.Linear(bins, pair)
        self.listen = nn.ModuleList(PairBiasedAttention(single, pair) for _ in range(blocks))
        self.think = nn.ModuleList(_change(single) for _ in range(blocks))
        self.join = nn.ModuleList(OuterProduct(single, pair) for _ in range(blocks))
        self.out = nn.ModuleList(Triangle(pair) for _ in range(blocks))
        self.back = nn.ModuleList(Triangle(pair, outgoing=False) for _ in range(blocks))
        self.weigh = nn.ModuleList(_change(pair) for _ in range(blocks))
        self.points = PointAttention(single, pair)
        self.digest, self.move = _change(single), Move(single)
        self.distances = nn.Linear(pair, bins)
        nn.init.zeros_(self.again.weight)

    def forward(
        self,
        letters: Int[Tensor, " residues"],
        states: Float[Tensor, "residues 8"],
        *,
        recycles: int = 0,
    ) -> tuple[list[Frames], Float[Tensor, "residues residues bins"]]:
        """Frames after each move, and logits of the distance map.

        Args:
            letters: Codes.
            states: Probabilities of the eight states of DSSP.
            recycles: Times that the own distance map is fed back first, without gradient.
        """
        belief = states.new_zeros(len(letters), len(letters), self.distances.out_features)
        for _ in range(recycles):
            with torch.no_grad():
                belief = self._tracks(letters, states, belief)[2].softmax(-1)
        single, pair, logits = self._tracks(letters, states, belief)
        at, path = self.start(states), []
        for _ in range(self.moves):
            single = self.points(single, pair, at)
            single = single + self.digest(single)
            at = self.move(layer_norm(single, single.shape[-1:]), at)
            path.append(at)
        return path, logits

    def start(self, states: Float[Tensor, "residues 8"]) -> Frames:
        """Where residues are before the first move."""
        if self.turns is None:
            eye = torch.eye(3, dtype=states.dtype, device=states.device)
            return Frames(eye.expand(len(states), 3, 3), torch.zeros_like(states[:, :3]))
        turn = self.turns(states)
        backbone = build(turn[:, 1].atan2(turn[:, 0]), turn[:, 3].atan2(turn[:, 2]))
        return frames(backbone - backbone.mean((0, 1)))

    def _tracks(
        self, letters: Tensor, states: Tensor, belief: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        single = self.letters(letters) + self.states(states)
        place = torch.arange(len(letters), device=letters.device)
        apart = (place[:, None] - place[None]).clamp(-self.reach, self.reach) + self.reach
        pair = self.left(single)[:, None] + self.right(single)[None]
        pair = pair + self.apart(apart) + self.again(belief)
        blocks = (self.listen, self.think, self.join, self.out, self.back, self.weigh)
        for listen, think, join, out, back, weigh in zip(*blocks, strict=True):
            single = listen(single, pair)
            single = single + think(single)
            pair = back(out(join(single, pair)))
            pair = pair + weigh(pair)
        logits = self.distances(pair)
        return single, pair, (logits + logits.transpose(0, 1)) / 2


def _band(error: Tensor, near: int) -> Tensor:
    """Which pairs of residues are at most so far apart along the chain."""
    place = torch.arange(len(error), device=error.device)
    return (place[:, None] - place).abs() <= near


def _change(channels: int) -> nn.Sequential:
    """Each residue, or pair, by itself (algorithm 9)."""
    last = nn.Linear(2 * channels, channels)
    nn.init.zeros_(last.weight)
    return nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, 2 * channels), nn.ReLU(), last)
