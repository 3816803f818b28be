"""From couplings to distances: a small image network that has seen what contact maps look like.

It never sees a letter: only how strongly columns are coupled, how far apart they are along the
chain, and the predicted secondary structure. fold.py turns its distances into places.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu

from mdlearn.structure.alignments import Alignment, weigh
from mdlearn.structure.couplings import correct, mean_field, mutual_information, strength
from mdlearn.structure.geometry import orientations, virtual_cb

EDGES = np.arange(4.0, 21.0)  # Å: 16 bins of CB distances, and one beyond
CENTERS = (EDGES[1:] + EDGES[:-1]) / 2
BINS = len(CENTERS)
TURNS = 12  # bins of an orientation
CHANNELS = 13  # of the input
PARTS = [BINS + 1, TURNS, TURNS]  # a distance and two turns, as a network's outputs stand
OUTPUTS = sum(PARTS)
SEEN = 12.0  # Å, up to which orientations are learned


@dataclass(frozen=True)
class Pairs:
    """What is believed of each pair of residues.

    Attributes:
        distances: Probability of each bin of the CB distance; the last is beyond 20 Å.
        omega: Probability of each bin of the dihedral CA CB CB CA.
        theta: Probability of each bin of the dihedral N CA CB CB.
    """

    distances: Float[np.ndarray, "residues residues 17"]
    omega: Float[np.ndarray, "residues residues 12"]
    theta: Float[np.ndarray, "residues residues 12"]

    @property
    def contacts(self) -> Float[np.ndarray, "residues residues"]:
        """Probability that CB atoms are within 8 Å."""
        return self.distances[..., :4].sum(-1)

    @property
    def expected(self) -> Float[np.ndarray, "residues residues"]:
        """Mean distance (Å), 22 Å for what is beyond."""
        return self.distances @ np.append(CENTERS, 22.0)


class PairNetwork(nn.Module):
    """Residual convolutions over the map of pairs, plus a straight line from input to output."""

    def __init__(
        self, channels: int = 32, dilations: Sequence[int] = (1, 2, 4, 1, 2, 4, 8)
    ) -> None:
        super().__init__()
        self.settings = {"channels": channels, "dilations": list(dilations)}
        self.enter = nn.Conv2d(CHANNELS, channels, 1)
        self.looks = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in dilations
        )
        self.norms = nn.ModuleList(nn.GroupNorm(4, channels) for _ in dilations)
        self.leave = nn.Conv2d(channels, OUTPUTS, 1)
        self.straight = nn.Conv2d(CHANNELS, OUTPUTS, 1)

    def forward(
        self, maps: Float[Tensor, "proteins channels residues residues"]
    ) -> Float[Tensor, "proteins outputs residues residues"]:
        """Logits: 17 of the distance and 12 of ω, the same from both sides, and 12 of θ."""
        x = self.enter(maps)
        for look, norm in zip(self.looks, self.norms, strict=True):
            x = x + gelu(look(norm(x)))
        logits = self.leave(x) + self.straight(maps)
        same = logits[:, : BINS + 1 + TURNS]
        same = (same + same.transpose(2, 3)) / 2
        return torch.cat([same, logits[:, BINS + 1 + TURNS :]], 1)


def standardize(
    scores: Float[np.ndarray, "columns columns"],
) -> Float[np.ndarray, "columns columns"]:
    """Scores in units of their spread over distant pairs, around their median."""
    values = scores[np.triu_indices(len(scores), 3)]
    found = (scores - np.median(values)) / (values.std() + 1e-9)
    np.fill_diagonal(found, 0.0)
    return np.clip(found, -3.0, 12.0)


def evolution(
    alignment: Alignment,
) -> tuple[Float[np.ndarray, "columns columns"], Float[np.ndarray, "columns columns"], float]:
    """Standardized direct couplings and mutual information, and the effective number of sequences.

    Fewer than ten effective sequences say nothing of pairs: then both are zero.
    """
    weights = weigh(alignment.rows)
    effective = float(weights.sum())
    if effective < 10:
        nothing = np.zeros((alignment.rows.shape[1],) * 2)
        return nothing, nothing, effective
    direct = correct(strength(mean_field(alignment, weights=weights)))
    mutual = correct(mutual_information(alignment, weights=weights))
    return standardize(direct), standardize(mutual), effective


def assemble(
    direct: Float[np.ndarray, "columns columns"],
    mutual: Float[np.ndarray, "columns columns"],
    effective: float,
    residues: Int[np.ndarray, " columns"],
    states: Float[np.ndarray, "length 3"],
) -> Float[np.ndarray, "channels length length"]:
    """The input maps for a chain, residues without a column included.

    Args:
        direct, mutual, effective: From `evolution`.
        residues: Place of each column along the chain.
        states: Probabilities of helix, strand and other, for each residue.
    """
    length = len(states)
    separation = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    maps = np.zeros((CHANNELS, length, length), np.float32)
    at = np.ix_(residues, residues)
    maps[0][at], maps[1][at], maps[2][at] = direct, mutual, 1.0
    maps[3] = np.log1p(separation) / 3
    maps[4], maps[5] = np.exp(-separation / 4), np.exp(-separation / 12)
    maps[6] = np.log10(max(1.0, effective)) / 3
    maps[7:10] = states.T[:, :, None]
    maps[10:13] = states.T[:, None, :]
    return maps


def labels(
    backbone: Float[Tensor, "residues atoms 3"],
) -> tuple[Int[Tensor, "residues residues"], ...]:
    """True bins of distance, ω and θ; −1 where nothing is to be learned."""
    cb = virtual_cb(backbone)
    distance = torch.cdist(cb, cb)
    edges = torch.as_tensor(EDGES[1:], dtype=distance.dtype)
    bins = torch.bucketize(distance, edges)
    length = len(cb)
    near = (torch.arange(length)[:, None] - torch.arange(length)[None]).abs() < 2
    bins[near] = -1
    turned = []
    for angle in orientations(backbone):
        turn = ((angle / (2 * torch.pi) + 0.5) * TURNS).long().clamp(0, TURNS - 1)
        turn[near | (distance > SEEN)] = -1
        turned.append(turn)
    return bins, *turned


def pair_loss(
    logits: Float[Tensor, "proteins outputs residues residues"],
    bins: Int[Tensor, "proteins residues residues"],
    omega: Int[Tensor, "proteins residues residues"],
    theta: Int[Tensor, "proteins residues residues"],
) -> Tensor:
    """Cross-entropy of the distances, and half as much of both orientations."""
    parts = logits.split(PARTS, 1)
    losses = [
        cross_entropy(part, target, ignore_index=-1)
        for part, target in zip(parts, (bins, omega, theta), strict=True)
    ]
    return losses[0] + 0.25 * (losses[1] + losses[2])


@torch.no_grad()
def predict_pairs(
    networks: Sequence[nn.Module], maps: Float[np.ndarray, "channels length length"]
) -> Pairs:
    r"""What several networks say together: $p \propto \prod_n p_n^{1/N}$, a mean of logarithms.

    Where one of them is sure that a distance is wrong, it is heard; a mean of shares drowns it.

    References:
        Hinton, Neural Comput. 14, 1771 (2002), doi:10.1162/089976602760128018: products of experts.
    """
    if not networks:
        raise ValueError("no network to ask; load one at least")
    total = 0.0
    for network in networks:
        device = next(network.parameters()).device
        logits = network.eval()(torch.from_numpy(maps).to(device)[None])[0]
        shares = [part.log_softmax(0) for part in logits.split(PARTS, 0)]
        total = total + torch.cat(shares).cpu() / len(networks)
    near, *turns = (part.softmax(0).permute(1, 2, 0).numpy() for part in total.split(PARTS, 0))
    return Pairs(near, *turns)
