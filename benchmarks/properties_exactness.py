"""Is the fast network the same network? With chemprop's weights, and with and without colors.

    python -m benchmarks.rivals.install chemprop
    MDLEARN_DATA=… python -m benchmarks.properties_exactness --sets esol,bace

chemprop 2.3.1 writes a network of its default size; ours reads the file and must give its outputs.
Gradients of a training step are compared in float32 with those of the plain form, a row per bond.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write
from benchmarks.properties_speed import molecules
from mdlearn.properties.batches import batch
from mdlearn.properties.chemprop import load_chemprop
from mdlearn.properties.dmpnn import DMPNN, predict
from mdlearn.properties.graphs import Graphs, graphs
from mdlearn.properties.molecules import read


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print the table, write the results."""
    options = parse(arguments)
    torch.set_num_threads(1)
    rows, packages, rival = [], {}, None
    if "chemprop" in options.models.split(","):
        rival = Worker("chemprop", options.rivals, module="benchmarks.rivals.drugs")
    try:
        for name in options.sets.split(","):
            smiles = molecules(name)[0][: options.molecules]
            made = graphs(read(smiles, errors="raise").mols)
            if rival is not None:
                rows.append(outputs(name, smiles, made, rival))
            rows.append(gradients(name, made))
        packages = rival.ask("about")["versions"] if rival else {}
    finally:
        if rival is not None:
            rival.__exit__()
    print(table(rows))
    print(write("properties_exactness", rows, packages, options.results))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Equality of the D-MPNN with chemprop's.")
    parser.add_argument("--sets", default="esol,bace")
    parser.add_argument("--models", default="ours,chemprop")
    parser.add_argument("--molecules", type=int, default=500, help="at most, of each set")
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def outputs(name: str, smiles: list[str], made: Graphs, rival: Worker) -> dict[str, object]:
    """The largest difference of predictions with the same weights."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "chemprop.pt"
        wanted = torch.tensor(rival.ask("network", smiles=smiles, path=str(path))["found"])
        found = predict(load_chemprop(path), made)
    apart = float((found - wanted).abs().max())
    return row(
        f"outputs with chemprop's weights, {name}, largest difference", apart, None, unit="of the output",
        bar=1e-5, molecules=len(smiles), spread=float(wanted.std()),
    )  # fmt: skip


def gradients(name: str, made: Graphs) -> dict[str, object]:
    """The largest relative difference of a weight's gradient, with and without colors."""
    torch.manual_seed(0)
    model = DMPNN()
    slopes = []
    for merge in (True, False):
        loss = model(batch(made, np.arange(min(64, len(made))), merge=merge)).square().mean()
        slopes.append(torch.autograd.grad(loss, list(model.parameters())))
    apart = max(float((a - b).norm() / b.norm()) for a, b in zip(*slopes, strict=True))
    return row(
        f"gradients with and without colors, {name}, largest relative difference", apart, None,
        unit="ratio", bar=1e-6,
    )  # fmt: skip


if __name__ == "__main__":
    main()
