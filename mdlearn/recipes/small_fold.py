"""The small end-to-end network: `python -m mdlearn.recipes.small_fold` trains it and tests it once.

Trains on the shipped chains (split train, no pair of chains alike across the split), chooses by the
valid chains, and puts the errors on the test chains beside two baselines on its card.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch

from mdlearn.structure.attention import SmallFold
from mdlearn.structure.lone import (
    before_moves,
    end_to_end_loss,
    examples,
    fit_start,
    ideal_helix,
    nearest_fragment,
    of_one_length,
    predict_lone,
)
from mdlearn.structure.proteins import Protein, load_chains
from mdlearn.structure.scores import contact_precision, distances, lddt, tm_score
from mdlearn.structure.secondary import SecondaryStructure
from mdlearn.structure.weights import SHIPPED, load, save
from mdlearn.train import fit


def main() -> None:
    """Train with a checkpoint, test once, save with the card."""
    parser = argparse.ArgumentParser(description="Train the small end-to-end network that ships.")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--budget", type=float, default=0.0, help="CPU seconds, instead of steps")
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--moves", type=int, default=3)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--every", type=int, default=50, help="steps between validations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tested", type=int, default=120, help="chains of the test")
    parser.add_argument("--together", type=int, default=1, help="chains of one length in a row")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="of the result")
    parser.add_argument("--work", type=Path, default=Path("runs"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    reader = load(SecondaryStructure, "secondary_structure").to(options.device)
    train, valid, test = (load_chains(split) for split in ("train", "valid", "test"))
    test = test[: options.tested]
    taught, held = examples(train, reader), examples(valid, reader)
    torch.manual_seed(options.seed)
    model = SmallFold(blocks=options.blocks, moves=options.moves, chain=True)
    fit_start(model, taught)
    model.to(options.device)
    groups = of_one_length(taught, count=options.together, seed=options.seed)
    held_groups = of_one_length(held)
    measure = end_to_end_loss(held, held_groups)

    @torch.no_grad()
    def validate(model: torch.nn.Module) -> dict[str, float]:
        return {"loss": float(measure(model, torch.arange(len(held_groups))))}

    history = fit(
        model,
        end_to_end_loss(taught, groups),
        validate,
        size=len(groups),
        steps=0 if options.budget else options.steps,
        budget=options.budget,
        batch=2,
        rate=options.rate,
        clip=1.0,
        every=options.every,
        seed=options.seed,
        optimizer="adam",
        checkpoint=options.work / "small_fold.safetensors",
        report=lambda line: print(line, flush=True),
    )
    last, start = history.records[-1], time.process_time()
    card = {
        "name": "small_fold",
        "settings": model.settings,
        "weights": sum(p.numel() for p in model.parameters()),
        "data": "protein_chains: experimental chains of 30 to 100 residues, split by likeness; the "
        "states come from secondary_structure",
        "chains": {"train": len(taught), "valid": len(held), "test": len(test)},
        "steps of two rows": last.step,
        "chains of one length in a row, at most": options.together,
        "seed": options.seed,
        "device": options.device,
        "test": table(model, reader, test, train),
        "CPU minutes": round(last.seconds / 60, 1),
        "limits": "Single sequences and minutes of training: a vague middle of many folds. For "
        "reading, not for use. The network of secondary structure saw relatives of the training "
        "chains, not of the test chains.",
        "recipe": f"python -m mdlearn.recipes.small_fold --steps {last.step} --blocks "
        f"{options.blocks} --moves {options.moves} --together {options.together}",
        "date": date.today().isoformat(),
    }
    card["CPU minutes of the test"] = round((time.process_time() - start) / 60, 1)
    save(model, options.folder / "small_fold.safetensors", card)
    print(card["test"])


def table(
    model: SmallFold,
    reader: SecondaryStructure,
    chains: Sequence[Protein],
    library: Sequence[Protein],
) -> dict[str, dict[str, float]]:
    """Mean TM-score and CA-lDDT with their standard errors, network and baselines; and contacts."""
    makers: dict[str, Callable[[Protein], Protein]] = {
        "network": lambda chain: predict_lone(model, reader, chain.sequence)[0],
        "torsions alone": lambda chain: before_moves(model, reader, chain.sequence),
        "ideal helix": lambda chain: ideal_helix(chain.sequence),
        "nearest fragment": lambda chain: nearest_fragment(chain.sequence, library),
    }
    found = {
        name: summary([make(chain) for chain in chains], chains) for name, make in makers.items()
    }
    return found | {"contacts of the network": contacts(model, reader, chains)}


def summary(models: Sequence[Protein], natives: Sequence[Protein]) -> dict[str, float]:
    """Mean TM-score and CA-lDDT of models, each with its standard error."""
    pairs = list(zip(models, natives, strict=True))
    scores = {
        "TM-score": np.array([tm_score(model.ca, native.ca) for model, native in pairs]),
        "CA-lDDT": np.array([lddt(model.ca, native.ca).mean() for model, native in pairs]),
    }
    found = {}
    for name, values in scores.items():
        found[name] = round(float(values.mean()), 3)
        found[f"s.e. of {name}"] = round(float(values.std(ddof=1) / len(values) ** 0.5), 3)
    return found


def contacts(
    model: SmallFold, reader: SecondaryStructure, chains: Sequence[Protein]
) -> dict[str, float]:
    """Mean precision of the best L/5 contacts, by separation, beside the share of all such pairs."""
    found: dict[str, list[float]] = {}
    for chain in chains:
        believed = predict_lone(model, reader, chain.sequence)[1].contacts
        apart, every = distances(chain.cb), np.arange(len(chain))
        for least in (6, 12, 24):
            look = {"separation": least}
            if len(chain) > least + 5:
                precise = contact_precision(believed, apart, every, share=0.2, **look)
                chance = contact_precision(believed, apart, every, share=1e6, **look)
                found.setdefault(f"L/5 beyond {least}", []).append(precise)
                found.setdefault(f"chance beyond {least}", []).append(chance)
    return {name: round(float(np.mean(values)), 3) for name, values in found.items()}


if __name__ == "__main__":
    main()
