"""How fast is the D-MPNN? Ours against chemprop 2.3.1: the same network, one thread, interleaved.

    python -m benchmarks.rivals.install chemprop
    MDLEARN_DATA=… python -m benchmarks.properties_speed --sets esol,bace
    MDLEARN_DATA=… python -m benchmarks.properties_speed --sets '' --whole freesolv --long hiv

Training: passes over featurized molecules, batches of 64, width 300, depth 3, CPU seconds, the
median of the rounds. Screening: from SMILES to predictions. Whole: from SMILES to the weights of
the best validation epoch, 50 epochs, validated after each, as `chemprop train` does it. Long:
100,000 SMILES from a file to a ranked file, in a process of its own. Sets are CSV files `NAME.csv`
below the folder MDLEARN_DATA, or those that ship (freesolv, logs).
"""

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write
from mdlearn.data.catalog import catalog
from mdlearn.data.scaffolds import split_by_scaffold
from mdlearn.data.tables import load_table, read_table
from mdlearn.properties.batches import batch
from mdlearn.properties.dmpnn import DMPNN, predict
from mdlearn.properties.estimators import GraphNetwork
from mdlearn.properties.fit import fit_network
from mdlearn.properties.graphs import Graphs, graphs
from mdlearn.properties.molecules import read
from mdlearn.properties.store import save

BARS = {"esol": 3.4, "bace": 4.9}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, write the results."""
    options = parse(arguments)
    torch.set_num_threads(1)
    rows, packages = [], {}
    rival = None
    if "chemprop" in options.models.split(","):
        rival = Worker("chemprop", options.rivals, module="benchmarks.rivals.drugs")
    try:
        for name in filter(None, options.sets.split(",")):
            rows.append(training(name, options, rival))
            rows.append(screening(name, options, rival))
        for name in filter(None, options.whole.split(",")):
            rows.append(whole(name, options, rival))
        if options.sets:
            rows += footprint(rival)
        if options.long:
            rows += long(options.long, options)
        packages = rival.ask("about")["versions"] if rival else {}
    finally:
        if rival is not None:
            rival.__exit__()
    print(table(rows))
    print(write("properties_speed", rows, packages, options.results))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of the D-MPNN.")
    parser.add_argument("--sets", default="esol,bace")
    parser.add_argument("--models", default="ours,chemprop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--molecules", type=int, default=1500, help="at most, of each set")
    parser.add_argument("--screened", type=int, default=4096, help="molecules screened")
    parser.add_argument("--whole", default="", help="sets to train on from SMILES to weights")
    parser.add_argument("--epochs", type=int, default=50, help="of a whole training")
    parser.add_argument("--long", default="", help="set whose SMILES make a long list")
    parser.add_argument("--lines", type=int, default=100_000, help="of the long list")
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def molecules(name: str) -> tuple[list[str], np.ndarray]:
    """SMILES and the first label of a set."""
    if name in catalog():
        found = load_table(name)
    else:
        folder = Path(os.environ.get("MDLEARN_DATA", ""))
        paths = sorted(folder.rglob(f"{name}.csv")) if folder.name else []
        if not paths:
            raise FileNotFoundError(f"no {name}.csv below MDLEARN_DATA; name its folder there")
        with paths[0].open() as stream:
            header = next(csv.reader(stream))
        found = read_table(paths[0], smiles=header[0], labels=header[1:2])
    return found.smiles, found.labels[:, 0]


def training(name: str, options: argparse.Namespace, rival: Worker | None) -> dict[str, object]:
    """Molecules per CPU second of one training pass."""
    smiles, labels = (values[: options.molecules] for values in molecules(name))
    made = graphs(read(smiles, errors="raise").mols)
    targets = torch.from_numpy(np.array(labels)).float()[:, None]
    torch.manual_seed(0)
    model = DMPNN()
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)
    epoch(model, optimizer, made, targets)
    if rival is not None:
        rival.ask("start", smiles=smiles, labels=targets.tolist())
        rival.ask("epoch")
    ours, theirs = [], []
    for _ in range(options.rounds):
        if rival is not None:
            theirs.append(rival.ask("epoch")["seconds"])
        ours.append(epoch(model, optimizer, made, targets))
    each = 1000 / len(smiles)
    return row(
        f"training {name}, {len(smiles)} molecules, featurized",
        statistics.median(ours) * each,
        statistics.median(theirs) * each if theirs else None,
        unit="CPU ms a molecule", bar=BARS.get(name) if theirs else None, speed=bool(theirs),
        rounds=[b / a for a, b in zip(ours, theirs, strict=False)],
    )  # fmt: skip


def epoch(
    model: DMPNN, optimizer: torch.optim.Optimizer, made: Graphs, targets: torch.Tensor
) -> float:
    """CPU seconds of one pass in batches of 64."""
    begin = time.process_time()
    model.train()
    for rows in torch.randperm(len(made)).split(64):
        loss = (model(batch(made, rows.numpy())) - targets[rows]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.process_time() - begin


def screening(name: str, options: argparse.Namespace, rival: Worker | None) -> dict[str, object]:
    """CPU time from SMILES to predictions."""
    smiles = molecules(name)[0]
    smiles = (smiles * (options.screened // len(smiles) + 1))[: options.screened]
    torch.manual_seed(0)
    model = DMPNN().eval()
    ours, theirs = [], []
    for _ in range(min(options.rounds, 3)):
        if rival is not None:
            theirs.append(rival.ask("screen", smiles=smiles)["seconds"])
        begin = time.process_time()
        for start in range(0, len(smiles), 1024):
            predict(model, graphs(read(smiles[start : start + 1024], doubt=False).mols))
        ours.append(time.process_time() - begin)
    each = 1000 / len(smiles)
    return row(
        f"screening {name}, SMILES to prediction",
        statistics.median(ours) * each,
        statistics.median(theirs) * each if theirs else None,
        unit="CPU ms a molecule", bar=3.0 if theirs else None, speed=bool(theirs),
    )  # fmt: skip


def whole(name: str, options: argparse.Namespace, rival: Worker | None) -> dict[str, object]:
    """CPU seconds of a whole training run, from SMILES to the best weights of all epochs."""
    smiles, labels = molecules(name)
    split = split_by_scaffold(smiles, seed=0)
    targets = torch.from_numpy(np.array(labels)).float()[:, None]
    details = {
        "smiles": smiles, "labels": targets.tolist(), "kind": "regression", "seed": 0,
        "parts": [part.tolist() for part in split], "epochs": options.epochs,
    }  # fmt: skip
    ours, theirs = [], []
    for _ in range(options.rounds):
        if rival is not None:
            theirs.append(rival.ask("fit", **details)["seconds"])
        begin = time.process_time()
        parts = [graphs(read([smiles[i] for i in rows], doubt=False).mols) for rows in split[:2]]
        torch.manual_seed(0)
        fit_network(DMPNN(), parts[0], targets[split.train], valid=(parts[1], targets[split.valid]),
                    epochs=options.epochs)  # fmt: skip
        ours.append(time.process_time() - begin)
    return row(
        f"whole training on {name}, {options.epochs} epochs, validated after each",
        statistics.median(ours),
        statistics.median(theirs) if theirs else None,
        unit="CPU s", bar=3.5 if theirs else None, speed=bool(theirs),
        rounds=[b / a for a, b in zip(ours, theirs, strict=False)],
    )  # fmt: skip


LONG = """
import resource, sys, time
from mdlearn.properties.screen import screen
begin = time.process_time()
counts = screen(*sys.argv[1:], report=None)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(counts["scored"] + counts["not scored"], time.process_time() - begin, peak)
"""


def long(name: str, options: argparse.Namespace) -> list[dict[str, object]]:
    """CPU seconds and peak memory of a long list, from a file of SMILES to a ranked file."""
    smiles, labels = molecules("logs")
    model = GraphNetwork(epochs=1).fit(smiles[:400], labels[:400])
    listed = molecules(name)[0]
    listed = (listed * (options.lines // len(listed) + 1))[: options.lines]
    with TemporaryDirectory() as folder:
        source, saved, target = (Path(folder) / name for name in ("in.smi", "model", "out.csv"))
        source.write_text("\n".join(listed) + "\n")
        save(model, saved)
        command = [sys.executable, "-c", LONG, source, saved, target]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, seconds, peak = map(float, done.stdout.split())
    what = f"{count:.0f} SMILES of {name}, screened from file to file with intervals and distances"
    return [
        row(what, seconds, None, unit="CPU s", distinct=len(set(listed))),
        row(f"peak memory of {what}", peak, None, unit="MB", bar=600.0),
    ]


def footprint(rival: Worker | None) -> list[dict[str, object]]:
    """Peak memory of this process, and CPU seconds of an import in a fresh one."""
    code = "import time; import mdlearn.properties.estimators; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    about = rival.ask("about") if rival is not None else {"peak": None, "import": None}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bar = 1.0 if rival is not None else None
    return [
        row("peak memory of all this", peak, about["peak"], unit="MB", bar=bar and 0.8),
        row("import", float(done.stdout), about["import"], unit="CPU s", bar=bar and 0.5),
    ]


if __name__ == "__main__":
    main()
