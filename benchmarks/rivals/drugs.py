"""The process that holds chemprop: a line of JSON in, a line of JSON out (benchmarks/common.py).

Runs in the environment of chemprop and imports nothing of ours. Settings are those of
`chemprop train`: width 300, depth 3, readout by norm, batches of 64, Noam schedule, 50 epochs, the
weights of the best validation epoch.
"""

import json
import logging
import resource
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

BEGIN = time.process_time()
import numpy as np  # noqa: E402
import torch  # noqa: E402
from chemprop import data, models, nn  # noqa: E402
from lightning import pytorch as lightning  # noqa: E402
from lightning.pytorch.callbacks import ModelCheckpoint  # noqa: E402

IMPORT = time.process_time() - BEGIN
QUIET = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
CPU = {"accelerator": "cpu", "devices": 1}
GPU = {"accelerator": "gpu", "devices": 1}


def main() -> None:
    """Answer until the input ends."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # of the rival; its to mend
    for name in ("lightning.pytorch", "lightning.fabric", "chemprop"):
        logging.getLogger(name).setLevel(logging.ERROR)
    answers = {
        "fit": fit, "start": start, "epoch": epoch, "screen": screen, "network": written,
        "about": about,
    }  # fmt: skip
    for line in sys.stdin:
        request = json.loads(line)
        answer = answers[request.pop("task")](**request)
        print(json.dumps(answer), flush=True)


def about() -> dict[str, object]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"import": IMPORT, "peak": peak, "versions": {"chemprop": version("chemprop")}}


def dataset(smiles: list[str], labels: list[list[float | None]] | None) -> data.MoleculeDataset:
    rows = labels or [None] * len(smiles)
    points = [
        data.MoleculeDatapoint.from_smi(text, None if row is None else np.array(row, float))
        for text, row in zip(smiles, rows, strict=True)
    ]
    return data.MoleculeDataset(points)


def network(kind: str, tasks: int, scaler: object = None) -> models.MPNN:
    if kind == "regression":
        out = nn.UnscaleTransform.from_standard_scaler(scaler) if scaler is not None else None
        head = nn.RegressionFFN(n_tasks=tasks, output_transform=out)
    else:
        head = nn.BinaryClassificationFFN(n_tasks=tasks)
    return models.MPNN(nn.BondMessagePassing(), nn.NormAggregation(), head, batch_norm=False)


def fit(
    smiles: list[str],
    labels: list[list[float | None]],
    parts: list[list[int]],
    kind: str,
    seed: int,
    epochs: int,
    device: str = "cpu",
) -> dict[str, object]:
    """A whole training as `chemprop train` does it; predictions for the test rows."""
    begin, place = time.process_time(), CPU if device == "cpu" else GPU
    torch.manual_seed(seed)
    sets = [dataset([smiles[i] for i in rows], [labels[i] for i in rows]) for rows in parts]
    scaler = None
    if kind == "regression":
        scaler = sets[0].normalize_targets()
        sets[1].normalize_targets(scaler)
    for one in sets:
        one.cache = True
    loaders = [
        data.build_dataloader(one, batch_size=64, seed=seed if k == 0 else None, shuffle=k == 0)
        for k, one in enumerate(sets)
    ]
    model = network(kind, len(labels[0]), scaler)
    with TemporaryDirectory() as folder:
        best = ModelCheckpoint(Path(folder), "best", "val_loss", mode="min")
        trainer = lightning.Trainer(
            max_epochs=epochs, callbacks=[best], enable_checkpointing=True, **QUIET, **place
        )
        trainer.fit(model, loaders[0], loaders[1])
        state = torch.load(best.best_model_path, weights_only=False)["state_dict"]
    model.load_state_dict(state)
    seconds = time.process_time() - begin
    found = lightning.Trainer(**QUIET, **place).predict(model, loaders[2])
    return {"seconds": seconds, "found": torch.cat(found).tolist()}


def written(smiles: list[str], path: str) -> dict[str, object]:
    """A network of the defaults with random weights in a file, and what it predicts."""
    torch.manual_seed(0)
    model = network("regression", 1).eval()
    models.save_model(path, model)
    loader = data.build_dataloader(dataset(smiles, None), batch_size=64, shuffle=False)
    with torch.no_grad():
        found = [model(rows.bmg) for rows in loader]
    return {"found": torch.cat(found).tolist()}


KEPT: dict[str, object] = {}


def start(smiles: list[str], labels: list[list[float]]) -> dict[str, object]:
    """Prepare the bare loop: featurized once, the network of the defaults."""
    KEPT["set"] = dataset(smiles, labels)
    KEPT["set"].cache = True
    KEPT["model"] = network("regression", 1)
    KEPT["optimizer"] = torch.optim.Adam(KEPT["model"].parameters(), 1e-4)
    return {"parameters": sum(weight.numel() for weight in KEPT["model"].parameters())}


def epoch() -> dict[str, object]:
    """One pass of the bare loop, without Lightning."""
    model, optimizer = KEPT["model"], KEPT["optimizer"]
    model.train()
    begin = time.process_time()
    for rows in data.build_dataloader(KEPT["set"], batch_size=64, shuffle=True):
        found = model.predictor.train_step(model.fingerprint(rows.bmg))
        loss = (found - rows.Y).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {"seconds": time.process_time() - begin}


def screen(smiles: list[str]) -> dict[str, object]:
    """From SMILES to predictions with the trainer, as `chemprop predict` does it."""
    torch.manual_seed(0)
    model = network("regression", 1).eval()
    begin = time.process_time()
    loader = data.build_dataloader(dataset(smiles, None), batch_size=64, shuffle=False)
    found = lightning.Trainer(**QUIET, **CPU).predict(model, loader)
    return {"seconds": time.process_time() - begin, "count": len(torch.cat(found))}


if __name__ == "__main__":
    main()
