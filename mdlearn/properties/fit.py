"""Train a D-MPNN on graphs and labels, with the one loop of the house (train.py)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from mdlearn.history import History
from mdlearn.properties.batches import batch
from mdlearn.properties.dmpnn import DMPNN
from mdlearn.properties.dmpnn import predict as predict_all
from mdlearn.properties.graphs import Graphs
from mdlearn.train import fit

TASKS = ("regression", "classification")


def fit_network(
    model: DMPNN,
    graphs: Graphs,
    labels: Float[Tensor, "molecules tasks"],
    *,
    extra: Float[Tensor, "molecules more"] | None = None,
    valid: tuple[Graphs, Tensor] | None = None,
    valid_extra: Float[Tensor, "others more"] | None = None,
    task: str = "regression",
    epochs: int = 50,
    size: int = 64,
    rate: float = 1e-3,
    seed: int = 0,
    checkpoint: Path | str | None = None,
    report: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> History:
    """Train in place; mean and spread of the labels go into the model.

    Without `valid` the averaged weights of the end are taken; with it, the best of all epochs.

    Args:
        model: Its weights are the start.
        graphs: Molecules to learn from.
        labels: Numbers, or 0 and 1; NaN where not measured.
        extra: Further features of the molecules.
        valid: Graphs and labels that choose the best weights.
        valid_extra: Their further features.
        task: "regression" (squared error) or "classification" (cross entropy).
        epochs: Passes over the molecules.
        size: Molecules in a step.
        rate: Highest learning rate.
        seed: Of the order of the molecules.
        checkpoint: File to write and to resume from.
        report: Told one line per validation.
        stop: Asked after each validation.
    """
    if task not in TASKS:
        raise ValueError(f"task is one of {', '.join(TASKS)}, got {task!r}")
    if torch.isnan(labels).all():
        raise ValueError("no label is a number; nothing can be learned")
    if task == "regression":
        _standardize(model, labels)
    device = model.shift.device
    steps = -(-len(graphs) // size)

    def loss(model: DMPNN, rows: Tensor) -> Tensor:
        model.train()
        more = None if extra is None else extra[rows].to(device)
        return _miss(model, model(batch(graphs, rows.numpy()).to(device), more),
                     labels[rows].to(device), task)  # fmt: skip

    seen = 0

    def validate(model: DMPNN) -> dict[str, float]:
        nonlocal seen
        seen += 1
        if valid is None:
            return {"epochs left": float(epochs - seen)}  # falls, so the last weights are kept
        found = predict_all(model, valid[0], extra=valid_extra)
        return {"loss": float(_miss(model, found, valid[1].to(device), task))}

    history = fit(
        model,
        loss,
        validate,
        size=len(graphs),
        steps=epochs * steps,
        batch=size,
        rate=rate,
        every=steps if valid is not None else max(1, epochs // 5) * steps,
        seed=seed,
        optimizer="adam",
        checkpoint=checkpoint,
        report=report,
        stop=stop,
    )
    model.eval()
    return history


def _standardize(model: DMPNN, labels: Tensor) -> None:
    """Mean and spread of each task, so that the network learns numbers of size one."""
    known = labels.double().numpy()
    spread = np.nanstd(known, axis=0)
    with torch.no_grad():
        model.shift.copy_(torch.from_numpy(np.nanmean(known, axis=0)))
        model.scale.copy_(torch.from_numpy(np.where(spread > 1e-8, spread, 1.0)))


def _miss(model: DMPNN, found: Tensor, labels: Tensor, task: str) -> Tensor:
    """Mean loss over the labels that are there."""
    known = ~torch.isnan(labels)
    wanted = torch.where(known, labels, 0.0)
    if task == "regression":
        error = ((found - wanted) / model.scale).square()
    else:
        error = functional.binary_cross_entropy_with_logits(found, wanted, reduction="none")
    return torch.where(known, error, 0.0).sum() / known.sum().clamp(min=1)
