"""One sequence, no relatives: `SmallFold` trained from end to end, and what it must be held to.

attention.py has the network; here are its losses, its predictions, and two baselines that know next
to nothing: an ideal helix, and a piece of a known chain with the most like letters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mdlearn.structure.attention import SmallFold, fape
from mdlearn.structure.geometry import BONDS, Frames, build, frames, residues, torsions
from mdlearn.structure.pairs import TURNS, Pairs, labels
from mdlearn.structure.proteins import Protein, complete
from mdlearn.structure.secondary import SecondaryStructure, predict_states
from mdlearn.structure.sequences import encode

HELIX = (-1.09, -0.77)  # φ, ψ of an ideal α helix (radians)
CLAMP = 30.0  # Å: wide enough to pull on a chain that starts in one point
NEAR = 8  # residues: what the sequence alone can tell


@dataclass(frozen=True)
class Example:
    """A chain to learn from.

    Attributes:
        letters: Codes.
        states: Predicted probabilities of the eight states of DSSP.
        truth: Its frames.
        bins: Of the CB distances; −1 beside the diagonal.
    """

    letters: Int[Tensor, " residues"]
    states: Float[Tensor, "residues 8"]
    truth: Frames
    bins: Int[Tensor, "residues residues"]


def examples(chains: Sequence[Protein], reader: SecondaryStructure) -> list[Example]:
    """Chains with the states that their sequences alone suggest."""
    said = predict_states(reader, [encode(chain.sequence) for chain in chains])
    found = []
    for chain, shares in zip(chains, said, strict=True):
        backbone = torch.from_numpy(chain.backbone).float()
        letters = torch.from_numpy(encode(chain.sequence).astype(np.int64))
        states = torch.from_numpy(shares).float()
        found.append(Example(letters, states, frames(backbone), labels(backbone)[0]))
    return found


def chain_loss(
    path: Sequence[Frames],
    logits: Float[Tensor, "residues residues bins"],
    example: Example,
    *,
    clamp: float | None = CLAMP,
) -> Float[Tensor, ""]:
    """How wrong frames and distance map are: all points, points near by, distances, peptide bonds.

    The frames after every move count, so that each move has something to learn.
    """
    true = example.truth
    far = torch.stack([fape(f, f.place, true, true.place, clamp=clamp) for f in path])
    near = torch.stack([fape(f, f.place, true, true.place, clamp=None, near=NEAR) for f in path])
    crossed = cross_entropy(logits.flatten(0, 1), example.bins.flatten(), ignore_index=-1)
    return 0.5 * far.mean() + near.mean() + 0.3 * crossed + 0.05 * torn(path[-1])


def torn(frame: Frames) -> Float[Tensor, ""]:
    """Mean square error of the peptide bonds, C to the next N (Å²)."""
    backbone = residues(frame)
    bond = (backbone[1:, 0] - backbone[:-1, 2]).norm(dim=-1)
    return (bond - BONDS[2]).square().mean()


def end_to_end_loss(
    items: Sequence[Example],
    groups: Sequence[list[int]] | None = None,
    *,
    clamp: float | None = CLAMP,
) -> Callable[[nn.Module, Tensor], Tensor]:
    """A loss for `train.fit`: every other row of a batch is seen with one round of recycling.

    Args:
        groups: Numbers of the chains of a row, from `of_one_length`; one chain a row when not told.
        clamp: Of the error of frames (Å).
    """

    def loss(model: nn.Module, rows: Int[Tensor, " rows"]) -> Tensor:
        total = []
        for k, row in enumerate(rows.tolist()):
            members = [items[i] for i in groups[row]] if groups else [items[row]]
            total.append(_together(model, members, recycles=k % 2, clamp=clamp))
        return torch.cat(total).mean()

    return loss


def of_one_length(items: Sequence[Example], *, count: int = 16, seed: int = 0) -> list[list[int]]:
    """Numbers of chains in groups of one length, to be computed at once.

    Args:
        count: Chains in a group, at most.
        seed: Of who is with whom.
    """
    alike: dict[int, list[int]] = {}
    for i in np.random.default_rng(seed).permutation(len(items)).tolist():
        alike.setdefault(len(items[i].letters), []).append(i)
    return [
        members[k : k + count] for members in alike.values() for k in range(0, len(members), count)
    ]


def _together(
    model: nn.Module, members: Sequence[Example], *, recycles: int, clamp: float | None
) -> Float[Tensor, " chains"]:
    """The loss of each of some chains of one length, on the device of the model."""
    device = next(model.parameters()).device

    def one(letters: Tensor, states: Tensor, turned: Tensor, place: Tensor, bins: Tensor) -> Tensor:
        item = Example(letters, states, Frames(turned, place), bins)
        return chain_loss(*model(letters, states, recycles=recycles), item, clamp=clamp)

    rows = [(item.letters, item.states, *item.truth, item.bins) for item in members]
    columns = [torch.stack(column).to(device) for column in zip(*rows, strict=True)]
    if len(members) == 1:
        return one(*(column[0] for column in columns))[None]
    return torch.vmap(one)(*columns)


@torch.no_grad()
def fit_start(model: SmallFold, items: Sequence[Example]) -> None:
    """The straight line from states to torsions, by least squares: what the network begins with."""
    states, turns = [], []
    for item in items:
        phi, psi = torsions(residues(item.truth))
        both = [phi[:-1].cos(), phi[:-1].sin(), psi[1:].cos(), psi[1:].sin()]
        states.append(item.states[1:-1])
        turns.append(torch.stack(both, 1))
    found = torch.linalg.lstsq(torch.cat(states), torch.cat(turns)).solution  # (8, 4)
    model.turns.weight.copy_(found.T)
    model.turns.bias.zero_()


def sizes(
    model: SmallFold,
    items: Sequence[Example],
    *,
    steps: int,
    clamp: float | None = None,
    rate: float = 3e-3,
) -> list[float]:
    """Train by the frame error alone, one chain a step; how large the model is, over the true size.

    Args:
        model: Trained in place.
        items: Taken in turn.
        steps: Of the optimizer (count).
        clamp: Of the error (Å).
        rate: Of learning.
    """
    optimizer, found = torch.optim.Adam(model.parameters(), rate), []
    for step in range(steps):
        item = items[step % len(items)]
        frame, true = model(item.letters, item.states)[0][-1], item.truth
        optimizer.zero_grad()
        fape(frame, frame.place, true, true.place, clamp=clamp).backward()
        optimizer.step()
        found.append(float(_spread(frame.place.detach()) / _spread(true.place)))
    return found


def _spread(places: Tensor) -> Tensor:
    """Radius of gyration (Å)."""
    return (places - places.mean(0)).square().sum(1).mean().sqrt()


@torch.no_grad()
def predict_lone(
    model: SmallFold, reader: SecondaryStructure, sequence: str, *, recycles: int = 1
) -> tuple[Protein, Pairs]:
    """The network's chain for one sequence, and what it believes of distances (of turns: nothing)."""
    codes, device = encode(sequence), next(model.parameters()).device
    states = torch.from_numpy(predict_states(reader, [codes])[0]).float().to(device)
    letters = torch.from_numpy(codes.astype(np.int64)).to(device)
    path, logits = model(letters, states, recycles=recycles)
    turns = np.full((len(codes), len(codes), TURNS), 1 / TURNS)
    pairs = Pairs(logits.softmax(-1).double().cpu().numpy(), turns, turns)
    return Protein("model", sequence, complete(residues(path[-1]).double().cpu().numpy())), pairs


@torch.no_grad()
def before_moves(model: SmallFold, reader: SecondaryStructure, sequence: str) -> Protein:
    """Where the network begins: torsions read off the states, and nothing thought of pairs."""
    states = torch.from_numpy(predict_states(reader, [encode(sequence)])[0]).float()
    states = states.to(next(model.parameters()).device)
    backbone = residues(model.start(states)).double().cpu().numpy()
    return Protein("start", sequence, complete(backbone))


def ideal_helix(sequence: str) -> Protein:
    """The first baseline: one straight α helix, whatever the letters."""
    turn = torch.ones(len(sequence), dtype=torch.float64)
    backbone = build(HELIX[0] * turn, HELIX[1] * turn).numpy()
    return Protein("helix", sequence, complete(backbone))


def nearest_fragment(sequence: str, library: Sequence[Protein], *, word: int = 3) -> Protein:
    """The second baseline: the piece of a known chain that has the most words at the same places.

    Args:
        library: Known chains; those shorter than the sequence are passed over.
        word: Letters of a word (count).

    Raises:
        ValueError: No chain of the library is long enough.
    """
    wanted, best, found = encode(sequence), -1, None
    for chain in library:
        codes = encode(chain.sequence)
        for start in range(len(codes) - len(wanted) + 1):
            same = (codes[start : start + len(wanted)] == wanted).astype(int)
            score = int((np.convolve(same, np.ones(word, int), "valid") == word).sum())
            score = score * len(wanted) + int(same.sum())  # equal numbers of words: more letters
            if score > best:
                best, found = score, (chain, start)
    if found is None:
        raise ValueError(
            f"no chain of the library has {len(wanted)} residues or more; give longer ones"
        )
    chain, start = found
    piece = chain.take(range(start, start + len(wanted)))
    return Protein(f"{chain.name} from {start + 1}", sequence, piece.backbone)
