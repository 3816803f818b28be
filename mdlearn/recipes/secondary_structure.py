"""The network that reads secondary structure: `python -m mdlearn.recipes.secondary_structure`.

A wide network learns from sequences with DSSP states of the sidechainnet wheel, without relatives of
whatever the wing is tested on; the one that ships learns from the same states and from what the wide
one says of them. Chosen by training chains held out with their relatives, tested once on the 217
chains of the ProteinNet CASP12 validation. Torsions come last, from the shipped chains.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from mdlearn.data.catalog import SHIPPED as FILES
from mdlearn.files import replacing
from mdlearn.recipes.protein_sets import Annotated, annotated, related
from mdlearn.recipes.wheels import wheel
from mdlearn.structure.proteins import load_chains
from mdlearn.structure.secondary import (
    IGNORED,
    PADDING,
    SecondaryStructure,
    accuracy,
    batches,
    directions,
    fit_torsions,
    pad,
    predict_states,
    predict_torsions,
    torsion_errors,
)
from mdlearn.structure.sequences import UNKNOWN, decode, encode
from mdlearn.structure.weights import SHIPPED, save
from mdlearn.train import fit

NARROW = (1, 2, 4, 8, 1, 2, 4, 8, 16, 1)  # dilations of the network that ships
WIDE = (1, 2, 4, 8, 16, 1, 2, 4, 8, 16, 1, 2, 4, 8, 16, 1)


def main() -> None:
    """Train with checkpoints, choose by held-out training chains, test once."""
    parser = argparse.ArgumentParser(
        description="Train the secondary-structure network that ships."
    )
    parser.add_argument("--epochs", type=float, default=12.0, help="of the network that ships")
    parser.add_argument("--channels", type=int, default=108)
    parser.add_argument("--residues", type=int, default=32_000, help="in a step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--wide", type=int, default=256, help="channels of the teacher; 0: none")
    parser.add_argument("--wide-epochs", type=float, default=10.0)
    parser.add_argument("--chains", type=int, help="the first so many only, for a trial")
    parser.add_argument("--minutes", type=float, help="of each training, at most")
    parser.add_argument("--hidden", type=float, default=0.1, help="share of letters hidden")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="of the result")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.monotonic()
    train, test = read(options.work)
    held, rest = divide(train[: options.chains], options.seed)
    print(f"{len(rest)} chains to train on, {len(held)} to choose by", flush=True)
    said, told = None, {}
    if options.wide:
        torch.manual_seed(options.seed)
        teacher = SecondaryStructure(options.wide, dilations=WIDE).to(options.device)
        learn(teacher, rest, held, None, options, epochs=options.wide_epochs, name="wide")
        told = {"channels": options.wide, "test": score(teacher, test)}
        print("wide", told, flush=True)
        said = predict_states(teacher, [c.letters for c in rest], residues=options.residues)
        said = [shares.astype(np.float16) for shares in said]
    torch.manual_seed(options.seed)
    model = SecondaryStructure(options.channels, dilations=NARROW).to(options.device)
    steps = learn(model, rest, held, said, options, epochs=options.epochs, name="narrow")
    turned = torsion_head(model)
    tiers = sorted({chain.name.split("#")[0] for chain in test}, key=int)
    found = {f"up to {tier} % identity": _tier(model, test, tier) for tier in tiers}
    card = {
        "name": "secondary_structure",
        "settings": model.settings,
        "weights": sum(p.numel() for p in model.parameters()),
        "data": "sidechainnet 1.0.1 wheel: DSSP of ProteinNet CASP12 training_90, without what shares "
        "a SCOPe superfamily or three 5-letter words with a tested family or chain",
        "chains": {"train": len(rest), "valid": len(held), "test": len(test)},
        "residues": int(sum(len(c.letters) for c in rest)),
        "steps": steps,
        "residues in a step": options.residues,
        "seed": options.seed,
        "device": options.device,
        "valid (training chains held out with their relatives, %)": score(model, held),
        "test (ProteinNet CASP12 validation, %)": score(model, test) | {"chains": len(test)},
        "by tier (%)": found,
        "majority class (%)": round(majority(test), 1),
        "teacher": told,
        "torsions, mean error on the test chains of protein_chains (degrees)": turned,
        "minutes with data and test": round((time.monotonic() - start) / 60, 1),
        "limits": "Single sequences of soluble and membrane proteins alike; remote relatives of the "
        "tested families that share no three 5-letter words may be among its training chains.",
        "recipe": "python -m mdlearn.recipes.secondary_structure",
        "date": date.today().isoformat(),
    }
    save(model, options.folder / "secondary_structure.safetensors", card)
    print(card, flush=True)


def learn(
    model: SecondaryStructure,
    chains: list[Annotated],
    held: list[Annotated],
    said: list[np.ndarray] | None,
    options: argparse.Namespace,
    *,
    epochs: float,
    name: str,
) -> int:
    """Train for some passes over all chains; the steps it took."""
    lengths = [len(chain.letters) for chain in chains]
    groups = batches(lengths, residues=options.residues, seed=options.seed)
    loss = reading_loss(chains, said, groups, hidden=options.hidden, seed=options.seed)
    steps = max(1, int(epochs * len(groups)))
    if options.minutes:
        steps = min(steps, affordable(model, loss, len(groups), 60 * options.minutes))
    print(f"{name}: {len(groups)} steps a pass, {steps} in all", flush=True)
    fit(
        model,
        loss,
        lambda model: {"wrong": 100 - score(model, held)["Q3"]},
        size=len(groups),
        steps=steps,
        batch=1,
        rate=options.rate,
        clip=1.0,
        average=0.998,
        every=max(1, steps // 20),
        seed=options.seed,
        optimizer="adam",
        checkpoint=options.work / f"secondary_structure_{name}.safetensors",
        report=lambda line: print(name, line, flush=True),
    )
    return steps


def affordable(
    model: nn.Module, loss: Callable[[nn.Module, Tensor], Tensor], size: int, seconds: float
) -> int:
    """Steps that fit into some seconds, judged by twelve of them spread over the rows."""
    rows = torch.linspace(0, size - 1, 12).long()
    start = 0.0
    for k, row in enumerate(rows.flip(0)):
        if k == 4:  # the first ones prepare the device
            start = time.monotonic()
        value = loss(model, row[None])
        value.backward()
        float(value.detach())  # waits for the device
    model.zero_grad()
    return max(1, int(0.8 * seconds * 8 / (time.monotonic() - start)))


def reading_loss(
    chains: Sequence[Annotated],
    said: Sequence[np.ndarray] | None,
    groups: list[list[int]],
    *,
    hidden: float = 0.0,
    seed: int = 0,
) -> Callable[[nn.Module, Tensor], Tensor]:
    """A loss for `train.fit`: cross-entropy of the states; half of it of what a teacher says, if one does.

    Args:
        said: Probabilities of the states, from the teacher.
        groups: Numbers of the chains of a row.
        hidden: Share of letters shown as unknown, so that neighbors learn to answer for them.
        seed: Of which letters.
    """
    generator = torch.Generator().manual_seed(seed)

    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        members = [i for row in rows.tolist() for i in groups[row]]
        device = next(model.parameters()).device
        x = pad([chains[i].letters for i in members], PADDING)
        veiled = (torch.rand(x.shape, generator=generator) < hidden) & (x != PADDING)
        x = x.masked_fill(veiled, UNKNOWN).to(device)
        y = pad([chains[i].states for i in members], IGNORED).to(device)
        logits = model(x)
        true = cross_entropy(logits, y, ignore_index=IGNORED)
        if said is None:
            return true
        shares = torch.zeros(len(members), x.shape[1], 8, dtype=torch.float16)
        for k, i in enumerate(members):
            shares[k, : len(said[i])] = torch.from_numpy(said[i])
        shares = shares.to(device).float().transpose(1, 2)
        return 0.5 * true - 0.5 * (shares * logits.log_softmax(1)).sum() / shares.sum()

    return loss


def torsion_head(model: SecondaryStructure) -> dict[str, object]:
    """Fit the last layer of torsions on the shipped chains; its errors on those of the test."""
    read = {part: load_chains(part) for part in ("train", "test")}
    letters = {part: [encode(c.sequence) for c in chains] for part, chains in read.items()}
    true = {part: [directions(c.backbone) for c in chains] for part, chains in read.items()}
    fit_torsions(model, letters["train"], true["train"])
    errors = torsion_errors(predict_torsions(model, letters["test"]), true["test"])
    helix = np.array([np.cos(-1.09), np.sin(-1.09), np.cos(-0.77), np.sin(-0.77)])
    always = torsion_errors([np.tile(helix, (len(t), 1)) for t in true["test"]], true["test"])
    return {name: round(value, 1) for name, value in errors.items()} | {
        "always a helix": {name: round(value, 1) for name, value in always.items()},
        "chains": {part: len(chains) for part, chains in read.items()},
    }


def divide(
    train: list[Annotated], seed: int, *, count: int = 100
) -> tuple[list[Annotated], list[Annotated]]:
    """Chains to choose by, and the others without relatives of those."""
    order = np.random.default_rng(seed).permutation(len(train))
    count = min(count, len(train) // 5)
    held, rest = [train[i] for i in order[:count]], [train[i] for i in order[count:]]
    akin = related((decode(c.letters) for c in rest), [decode(c.letters) for c in held])
    return held, [chain for chain, left_out in zip(rest, akin, strict=True) if not left_out]


def read(work: Path) -> tuple[list[Annotated], list[Annotated]]:
    """Training and test chains; kept in the work folder, since reading the wheel takes a while."""
    kept = work / "annotated.npz"
    if not kept.exists():
        archive = wheel("sidechainnet", work / "wheels")
        train, test = annotated(archive, tested_chains(), identity=90, longest=1000, together=False)
        both = [*train, *test]
        with replacing(kept) as part, part.open("wb") as stream:
            np.savez_compressed(
                stream,
                names=np.array([chain.name for chain in both]),
                lengths=np.array([len(chain.letters) for chain in both]),
                letters=np.concatenate([chain.letters for chain in both]),
                states=np.concatenate([chain.states for chain in both]),
                train=np.array(len(train)),
            )
    with np.load(kept) as stored:
        cuts = np.cumsum(stored["lengths"])[:-1]
        columns = (np.split(stored[name], cuts) for name in ("letters", "states"))
        both = [Annotated(str(n), *row) for n, *row in zip(stored["names"], *columns, strict=True)]
        return both[: stored["train"]], both[stored["train"] :]


def tested_chains() -> list[str]:
    """Sequences of the held-out chains of `protein_chains`."""
    with np.load(FILES / "protein_chains.npz") as stored:
        cuts = np.cumsum(stored["lengths"].astype(int))[:-1]
        rows, split = np.split(stored["letters"], cuts), stored["split"]
    return [decode(row) for row, part in zip(rows, split, strict=True) if part == "test"]


def score(model: SecondaryStructure, chains: Sequence[Annotated]) -> dict[str, float]:
    """Q3 and Q8 on chains (%)."""
    shares = predict_states(model, [chain.letters for chain in chains], residues=20_000)
    found = accuracy(shares, [chain.states for chain in chains])
    return {name: round(value, 2) for name, value in found.items()}


def _tier(model: SecondaryStructure, chains: Sequence[Annotated], tier: str) -> dict[str, float]:
    members = [chain for chain in chains if chain.name.split("#")[0] == tier]
    return score(model, members) | {"chains": len(members)}


def majority(chains: Sequence[Annotated]) -> float:
    """What always saying the commonest of three states gets right (%)."""
    true = np.concatenate([chain.states for chain in chains])
    counts = [(true <= 2).sum(), ((true == 3) | (true == 4)).sum(), (true >= 5).sum()]
    return 100 * max(counts) / len(true)


if __name__ == "__main__":
    main()
