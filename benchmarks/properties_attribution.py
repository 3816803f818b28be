"""Which explanations find the truth? Six of them against Crippen's known contributions of atoms.

    MDLEARN_DATA=… python -m benchmarks.properties_attribution --sets lipo,bbbp

The label is Crippen's logP, a sum of contributions of atoms, so the right explanation is known. A
network learns it on the train part of a scaffold split; molecules of scaffolds it never saw are
explained. Scored is the correlation within a molecule, and, as a check on the method, the
correlation with what it says of a network that learned nothing.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import RESULTS, mean, row, table, write
from benchmarks.properties_speed import molecules
from mdlearn.data.scaffolds import split_by_scaffold
from mdlearn.explain import agreement, sanity
from mdlearn.properties.attributions import METHODS, attributions, crippen
from mdlearn.properties.dmpnn import DMPNN, predict
from mdlearn.properties.fit import fit_network
from mdlearn.properties.graphs import graphs
from mdlearn.properties.molecules import read

BAR = 0.72  # of integrated gradients
Scores = dict[str, dict[str, float]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, explain, print the table, write the results."""
    options = parse(arguments)
    torch.set_num_threads(1)
    rows = []
    for name in options.sets.split(","):
        rows += summarized(name, [scored(name, seed, options) for seed in range(options.seeds)])
        print(table(rows), flush=True)
        print(write("properties_attribution", rows, {}, options.results))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Attributions against a known truth.")
    parser.add_argument("--sets", default="lipo,bbbp")
    parser.add_argument("--models", default="ours", choices=["ours"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--molecules", type=int, default=3000, help="at most, of each set")
    parser.add_argument("--explained", type=int, default=100, help="test molecules explained")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def scored(name: str, seed: int, options: argparse.Namespace) -> Scores:
    """Scores of all methods on one network, and how good the network is."""
    smiles = molecules(name)[0][: options.molecules]
    mols = read(smiles, errors="raise", doubt=False).mols
    labels = torch.tensor([crippen(molecule).sum() for molecule in mols]).float()[:, None]
    split = split_by_scaffold(smiles, valid=0.0, test=0.2, seed=seed)
    train, test = (graphs([mols[k] for k in part]) for part in (split.train, split.test))
    torch.manual_seed(seed)
    network, blank = DMPNN(), DMPNN().eval()
    fit_network(network, train, labels[split.train], epochs=options.epochs, seed=seed)
    wanted = labels[split.test]
    rest = (predict(network, test) - wanted).square().mean() / wanted.var()
    some = np.random.default_rng(seed).permutation(split.test)
    tested = [mols[k] for k in some if mols[k].GetNumAtoms() > 5][: options.explained]
    truths = [crippen(molecule) for molecule in tested]
    scores: Scores = {"network": {"R2": 1 - float(rest), "molecules": float(len(tested))}}
    for method in METHODS:
        begin = time.process_time()
        found = [attributions(network, m, method, seed=k) for k, m in enumerate(tested)]
        each = (time.process_time() - begin) / len(tested)
        scores[method] = agreement(found, truths) | {"ms": 1000 * each}
        if method != "random":
            blind = [attributions(blank, m, method, seed=k) for k, m in enumerate(tested)]
            scores[method]["random weights"] = sanity(found, blind)
    return scores


def summarized(name: str, each: Sequence[Scores]) -> list[dict[str, object]]:
    """A line for each method: means over the seeds."""
    rows = []
    about = {"seeds": len(each)} | {
        k: mean([s["network"][k] for s in each])[0] for k in each[0]["network"]
    }
    for method in METHODS:
        scores = [seed[method] for seed in each]
        r, error = mean([one["r"] for one in scores])
        more = {key: mean([one[key] for one in scores])[0] for key in scores[0] if key[0] != "r"}
        if method != "random":
            more["random weights"] = mean([one["random weights"] for one in scores])[0]
        bar = BAR if method == "integrated gradients" else None
        rows.append(
            row(f"{method} on {name}, r with Crippen's contributions", r, None, unit="ratio", bar=bar,
                speed=True, ours_error=error, **about, **more)
        )  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
