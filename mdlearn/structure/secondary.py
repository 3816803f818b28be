"""Secondary structure and torsions from a sequence: what one chain says about its own shape.

A stack of dilated convolutions sees some sixty neighbors on each side of a residue. couplings.py
goes on with what relatives say about pairs.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gelu

from mdlearn.data.fetch import fetch
from mdlearn.structure.geometry import torsions
from mdlearn.structure.sequences import COARSE, UNKNOWN, decode

PADDING = UNKNOWN + 1  # code of no residue
STEP = 64  # lengths are padded to multiples: few shapes of tensors, so few kernels made and kept
IGNORED = -1  # state of a residue without a label


def normed(
    norm: nn.GroupNorm,
    x: Float[Tensor, "chains features residues"],
    mask: Float[Tensor, "chains 1 residues"],
) -> Float[Tensor, "chains features residues"]:
    """Each chain brought to mean 0 and variance 1, over its residues and not over its padding."""
    count = mask.sum(2, keepdim=True) * x.shape[1]
    mean = (x * mask).sum((1, 2), keepdim=True) / count
    off = (x - mean) * mask
    spread = (off.square().sum((1, 2), keepdim=True) / count + norm.eps).sqrt()
    return off / spread * norm.weight[:, None] + norm.bias[:, None] * mask


class Block(nn.Module):
    """One look at the neighbors, `dilation` residues apart, added to what is known."""

    def __init__(self, channels: int, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        padding = dilation * (width // 2)
        self.look = nn.Conv1d(channels, channels, width, padding=padding, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(
        self, x: Float[Tensor, "chains features residues"], mask: Float[Tensor, "chains 1 residues"]
    ) -> Float[Tensor, "chains features residues"]:
        """What was known, and what the neighbors add."""
        return x + self.mix(gelu(self.look(normed(self.norm, x, mask) * mask))) * mask


class SecondaryStructure(nn.Module):
    """Letters in, eight DSSP states and the directions of φ and ψ out, for each residue.

    Args:
        channels: Numbers kept per residue.
        width: Residues that one convolution sees.
        dilations: Spacing of the residues that each block sees.
    """

    def __init__(
        self,
        channels: int = 80,
        width: int = 7,
        dilations: Sequence[int] = (1, 2, 4, 1, 2, 4, 8, 16, 1),
    ) -> None:
        super().__init__()
        self.settings = {"channels": channels, "width": width, "dilations": list(dilations)}
        self.letters = nn.Embedding(PADDING + 1, channels, padding_idx=PADDING)
        self.blocks = nn.ModuleList(Block(channels, width, dilation) for dilation in dilations)
        self.norm = nn.GroupNorm(1, channels)
        self.states = nn.Conv1d(channels, 8, 1)
        self.torsions = nn.Conv1d(channels, 4, 1)  # cos φ, sin φ, cos ψ, sin ψ

    def features(
        self, letters: Int[Tensor, "chains residues"]
    ) -> Float[Tensor, "chains features residues"]:
        """What the blocks have gathered about each residue."""
        mask = (letters != PADDING).to(self.letters.weight.dtype)[:, None]
        x = self.letters(letters).transpose(1, 2) * mask
        for block in self.blocks:
            x = block(x, mask)
        return normed(self.norm, x, mask)

    def forward(
        self, letters: Int[Tensor, "chains residues"]
    ) -> Float[Tensor, "chains 8 residues"]:
        """Logits of the eight states H G I E B T S L."""
        return self.states(self.features(letters))


def batches(lengths: Sequence[int], *, residues: int = 4000, seed: int = 0) -> list[list[int]]:
    """Numbers of chains in batches of like length, so that little is padded.

    Args:
        lengths: Of all chains (count of residues).
        residues: At most, in a batch with its padding (count).
        seed: Of the order among equals.
    """
    blur = np.random.default_rng(seed).random(len(lengths)) * 10
    found, current = [], []
    for i in np.argsort(np.asarray(lengths) + blur):
        longest = padded(max(lengths[i], lengths[current[-1]] if current else 0))
        if current and (len(current) + 1) * longest > residues:
            found.append(current)
            current = []
        current.append(int(i))
    return [*found, current] if current else found


def padded(length: int) -> int:
    """The next multiple of `STEP`."""
    return -(-length // STEP) * STEP


def pad(rows: Sequence[np.ndarray], filler: int) -> Int[Tensor, "chains residues"]:
    """Rows of unequal length as one table."""
    table = torch.full((len(rows), padded(max(map(len, rows)))), filler, dtype=torch.long)
    for k, row in enumerate(rows):
        table[k, : len(row)] = torch.from_numpy(np.asarray(row, dtype=np.int64))
    return table


def state_loss(
    letters: Sequence[np.ndarray], states: Sequence[np.ndarray], groups: list[list[int]]
) -> Callable[[nn.Module, Tensor], Tensor]:
    """A loss for `train.fit`: cross-entropy of the eight states, one group of chains a row."""

    def loss(model: nn.Module, rows: Int[Tensor, " rows"]) -> Tensor:
        members = [i for row in rows.tolist() for i in groups[row]]
        device = next(model.parameters()).device
        x = pad([letters[i] for i in members], PADDING).to(device)
        y = pad([states[i] for i in members], IGNORED).to(device)
        return cross_entropy(model(x), y, ignore_index=IGNORED)

    return loss


@torch.no_grad()
def predict_states(
    model: SecondaryStructure, letters: Sequence[np.ndarray], *, residues: int = 5000
) -> list[Float[np.ndarray, "residues 8"]]:
    """Probabilities of the eight states for each chain, in the order given."""
    return _read(model, lambda x: model(x).softmax(1), letters, residues)


@torch.no_grad()
def predict_torsions(
    model: SecondaryStructure, letters: Sequence[np.ndarray], *, residues: int = 5000
) -> list[Float[np.ndarray, "residues 4"]]:
    """Mean cosine and sine of φ and of ψ for each chain; the shorter the arrow, the less is known."""
    return _read(model, lambda x: model.torsions(model.features(x)), letters, residues)


def _read(
    model: nn.Module,
    ask: Callable[[Tensor], Tensor],
    letters: Sequence[np.ndarray],
    residues: int,
) -> list[np.ndarray]:
    """What is asked of a model, chain by chain, in the order given."""
    device, found = next(model.parameters()).device, [np.empty(0)] * len(letters)
    for group in batches([len(row) for row in letters], residues=residues):
        told = ask(pad([letters[i] for i in group], PADDING).to(device))
        for rows, i in zip(told.transpose(1, 2).cpu().numpy(), group, strict=True):
            found[i] = rows[: len(letters[i])]
    return found


@torch.no_grad()
def fit_torsions(
    model: SecondaryStructure,
    letters: Sequence[np.ndarray],
    directions: Sequence[Float[np.ndarray, "_ 4"]],
    *,
    ridge: float = 10.0,
) -> None:
    """The straight line from what the blocks have gathered to cos φ, sin φ, cos ψ, sin ψ.

    Coordinates are known of far fewer chains than states, so only this last layer learns from them,
    by least squares with a penalty.

    Args:
        directions: Of each residue; what is not a number is not known.
        ridge: Penalty of the weights (in units of a squared feature).
    """
    seen = _read(model, model.features, letters, residues=5000)
    inputs = np.concatenate(seen).astype(float)
    inputs = np.concatenate([inputs, np.ones((len(inputs), 1))], 1)  # (residues, features + 1)
    wanted = np.concatenate(list(directions))
    penalty = ridge * np.eye(inputs.shape[1])
    penalty[-1, -1] = 0
    for k in range(4):
        known = np.isfinite(wanted[:, k])
        x = inputs[known]
        line = np.linalg.solve(x.T @ x + penalty, x.T @ wanted[known, k])
        model.torsions.weight[k, :, 0] = torch.from_numpy(line[:-1])
        model.torsions.bias[k] = float(line[-1])


def directions(backbone: Float[np.ndarray, "residues atoms 3"]) -> Float[np.ndarray, "residues 4"]:
    """Cosine and sine of φ and of ψ; not a number at the ends of the chain and where atoms are missing."""
    found = np.full((len(backbone), 4), np.nan)
    phi, psi = torsions(torch.from_numpy(np.asarray(backbone, float)))
    found[1:, 0], found[1:, 1] = phi.cos(), phi.sin()
    found[:-1, 2], found[:-1, 3] = psi.cos(), psi.sin()
    return found


def torsion_errors(
    found: Sequence[Float[np.ndarray, "_ 4"]], true: Sequence[Float[np.ndarray, "_ 4"]]
) -> dict[str, float]:
    """Mean absolute error of φ and of ψ over all residues (degrees)."""
    said, known = np.concatenate(list(found)), np.concatenate(list(true))
    errors = {}
    for k, name in enumerate("φψ"):
        a, b = (np.arctan2(x[:, 2 * k + 1], x[:, 2 * k]) for x in (said, known))
        off = np.abs((a - b + np.pi) % (2 * np.pi) - np.pi)
        errors[name] = float(np.degrees(np.nanmean(off)))
    return errors


def three_states(shares: Float[np.ndarray, "*any 8"]) -> Float[np.ndarray, "*any 3"]:
    """Probabilities of helix, strand and other from those of the eight states."""
    return np.stack([shares[..., k == COARSE].sum(-1) for k in range(3)], -1)


def accuracy(
    shares: Sequence[Float[np.ndarray, "_ 8"]], states: Sequence[np.ndarray]
) -> dict[str, float]:
    """Q3 and Q8: share of all residues with the right state of three and of eight (%).

    As in the literature, eight become three by summing: H G I → helix, E B → strand.
    """
    share, true = np.concatenate(shares), np.concatenate(states)
    coarse = three_states(share).argmax(1) == COARSE[true]
    return {
        "Q3": 100 * float(coarse.mean()),
        "Q8": 100 * float((share.argmax(1) == true).mean()),
    }


@torch.no_grad()
def from_relatives(
    model: SecondaryStructure,
    rows: Int[np.ndarray, "sequences columns"],
    *,
    count: int = 64,
    seed: int = 0,
) -> Float[np.ndarray, "columns 8"]:
    """Probabilities for each column of an alignment: the mean of what its members say of themselves.

    Each member is read without its gaps, so the network sees real sequences. The first row, the
    query, always speaks.

    Args:
        rows: Codes; 20 for a gap.
        count: Members asked, at most.
        seed: Of their choice.
    """
    others = 1 + np.random.default_rng(seed).permutation(len(rows) - 1)[: count - 1]
    chosen = rows[np.concatenate([[0], others]).astype(int)]
    chosen = chosen[(chosen != UNKNOWN).any(1)]
    said = predict_states(model, [row[row != UNKNOWN] for row in chosen])
    total, voices = np.zeros((rows.shape[1], 8)), np.zeros((rows.shape[1], 1))
    for row, shares in zip(chosen, said, strict=True):
        total[row != UNKNOWN] += shares
        voices[row != UNKNOWN] += 1
    return (total + 1 / 8) / (voices + 1)


def load_annotated(split: str) -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """The shipped sequences with DSSP states: codes of letters, codes of states, names.

    Args:
        split: "train", a sample of 3,000, or "valid", the ProteinNet CASP12 validation, whose names
            begin with the highest identity (%) to any chain of the training set.
    """
    with np.load(fetch("secondary_structure"), allow_pickle=False) as stored:
        if split not in stored["split"]:
            raise ValueError(f"the sequences are split into train and valid; got {split!r}")
        cuts = np.cumsum(stored["lengths"].astype(int))[:-1]
        letters, states = (np.split(stored[name], cuts) for name in ("letters", "states"))
        chosen = np.flatnonzero(stored["split"] == split)
        names = [str(name) for name in stored["names"][chosen]]
    return [letters[i] for i in chosen], [states[i] for i in chosen], names


def load_published() -> tuple[list[str], list[str]]:
    """Sequences of all chains that were published with `protein_chains`, and their part: train or val."""
    with np.load(fetch("protein_chains"), allow_pickle=False) as stored:
        cuts = np.cumsum(stored["published_lengths"].astype(int))[:-1]
        rows = np.split(stored["published_letters"], cuts)
        return [decode(row) for row in rows], [str(part) for part in stored["published_split"]]
