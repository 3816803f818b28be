"""The network that reads secondary structure: `python -m mdlearn.recipes.secondary_structure`.

Trains on sequences with DSSP states from the sidechainnet wheel, without relatives of whatever the
wing is tested on; tests on the 217 chains of the ProteinNet CASP12 validation.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch

from mdlearn.data.catalog import SHIPPED as FILES
from mdlearn.files import replacing
from mdlearn.recipes.protein_sets import Annotated, annotated
from mdlearn.recipes.wheels import wheel
from mdlearn.structure.secondary import (
    SecondaryStructure,
    accuracy,
    batches,
    predict_states,
    state_loss,
)
from mdlearn.structure.sequences import decode
from mdlearn.structure.weights import SHIPPED, save
from mdlearn.train import fit


def main() -> None:
    """Train with a checkpoint, validate on a small part of the training chains, test once."""
    parser = argparse.ArgumentParser(
        description="Train the secondary-structure network that ships."
    )
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--residues", type=int, default=5000, help="in a step")
    parser.add_argument("--channels", type=int, default=80)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="of the result")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, test = read(options.work)
    order = np.random.default_rng(options.seed).permutation(len(train))
    held, rest = [train[i] for i in order[:150]], [train[i] for i in order[150:]]
    groups = batches([len(c.letters) for c in rest], residues=options.residues, seed=options.seed)
    torch.manual_seed(options.seed)
    model = SecondaryStructure(options.channels).to(options.device)
    start = time.process_time()
    history = fit(
        model,
        state_loss([c.letters for c in rest], [c.states for c in rest], groups),
        lambda model: {"wrong": 100 - score(model, held)["Q3"]},
        size=len(groups),
        steps=options.steps,
        batch=1,
        rate=options.rate,
        clip=1.0,
        every=250,
        seed=options.seed,
        checkpoint=options.work / "secondary_structure.safetensors",
        report=lambda line: print(line, flush=True),
    )
    tiers = sorted({chain.name.split("#")[0] for chain in test}, key=int)
    found = {f"up to {tier} % identity": _tier(model, test, tier) for tier in tiers}
    card = {
        "name": "secondary_structure",
        "settings": model.settings,
        "data": "sidechainnet 1.0.1 wheel: DSSP of ProteinNet CASP12 training_50, relatives of all "
        "tested families and chains left out",
        "chains": {"train": len(rest), "valid": len(held), "test": len(test)},
        "residues": int(sum(len(c.letters) for c in rest)),
        "steps": history.records[-1].step,
        "seed": options.seed,
        "device": options.device,
        "test (ProteinNet CASP12 validation, %)": score(model, test) | {"chains": len(test)},
        "by tier (%)": found,
        "majority class (%)": round(majority(test), 1),
        "CPU minutes": round(history.records[-1].seconds / 60, 1),
        "with data and test": round((time.process_time() - start) / 60, 1),
        "limits": "Single sequences of soluble and membrane proteins alike; remote relatives of the "
        "tested families that share no three 5-letter words may be among its training chains.",
        "recipe": "python -m mdlearn.recipes.secondary_structure",
        "date": date.today().isoformat(),
    }
    save(model, options.folder / "secondary_structure.safetensors", card)


def read(work: Path) -> tuple[list[Annotated], list[Annotated]]:
    """Training and test chains; kept in the work folder, since reading the wheel takes a while."""
    kept = work / "secondary_structure.npz"
    if not kept.exists():
        train, test = annotated(wheel("sidechainnet", work / "wheels"), tested_chains())
        both = [*train, *test]
        with replacing(kept) as part, part.open("wb") as stream:
            np.savez(
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
    shares = predict_states(model, [chain.letters for chain in chains])
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
