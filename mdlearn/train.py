"""One plain training loop for every model of the house.

It knows no model and no data: `loss(model, rows)` and `validate(model)` come in. It stops when asked,
and a run that was killed goes on from its checkpoint to the same bits.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Int
from safetensors import safe_open
from torch import Tensor, distributed, nn

from mdlearn.files import replacing, write_tensors
from mdlearn.history import History, Record, describe
from mdlearn.optimizer import Soap

Loss = Callable[[nn.Module, Int[Tensor, " rows"]], Tensor]
Validate = Callable[[nn.Module], dict[str, float]]
OPTIMIZERS = {"soap": Soap, "adam": partial(torch.optim.Adam, amsgrad=True, foreach=True)}


def fit(
    model: nn.Module,
    loss: Loss,
    validate: Validate,
    *,
    report: Callable[[str], None] | None = print,
    stop: Callable[[], bool] | None = None,
    **options: object,
) -> History:
    """Train to the end, or until `stop()` says so, or Ctrl-C; the model then has its best weights.

    Args:
        model, loss, validate, options: As for `training`.
        report: Told one line per validation.
        stop: Asked after each validation.
    """
    history = History()
    steps = training(model, loss, validate, history=history, **options)
    try:
        for record in steps:
            if report:
                report(describe(record))
            if stop is not None and stop():
                history.stopped = record.fraction < 1
                break
    except KeyboardInterrupt:
        history.stopped = True  # the model has the best weights so far
    steps.close()
    return history


def training(
    model: nn.Module,
    loss: Loss,
    validate: Validate,
    *,
    size: int,
    steps: int = 0,
    budget: float = 0.0,
    batch: int = 5,
    rate: float = 1e-2,
    average: float = 0.995,
    clip: float = 10.0,
    every: int = 500,
    seed: int = 0,
    optimizer: str = "soap",
    checkpoint: Path | str | None = None,
    history: History | None = None,
) -> Iterator[Record]:
    """The loop, one record at a time: take the next to train on, close it to stop.

    Warm-up, cosine schedule and clipped gradients, an exponential average of the weights, batches of
    nearly equal size. When it ends or is closed, the model has the best averaged weights. Under
    `torchrun` each process takes its share of every batch.

    Args:
        model: What is trained, on any device. If it has `paces`, {piece of a name: factor}, the first
            piece found in the name of a weight says how many learning rates that weight takes.
        loss: Mean loss of the given rows (row numbers, on the CPU).
        validate: Errors on other data.
        size: Number of rows in the training set.
        steps: Length of the run in optimizer steps, or
        budget: length of the run in CPU seconds (benchmarks only: not reproducible to the bit).
        batch: Rows in a step.
        rate: Highest learning rate.
        average: Decay of the average of weights, per step.
        clip: Largest norm of a gradient.
        every: Steps between validations.
        seed: Of the order of the rows.
        optimizer: "soap", or "adam": Adam that never forgets a large gradient (AMSGrad).
        checkpoint: File to write at each validation and to resume from when it is there.
        history: Filled as the run goes; a new one when `None`.

    Raises:
        ValueError: Neither or both of steps and budget; no rows; an unknown optimizer, or a checkpoint
            of another one.
        FloatingPointError: The loss is no longer a number.

    References:
        Vyas et al., ICLR 2025, arXiv:2409.11321: SOAP.
        Reddi et al., ICLR 2018, arXiv:1904.09237: AMSGrad.
    """
    if (steps > 0) == (budget > 0):
        raise ValueError(f"give steps or budget, one of them; got steps={steps}, budget={budget}")
    if size < 1:
        raise ValueError("the training set has no rows")
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"unknown optimizer {optimizer!r}; there are {', '.join(OPTIMIZERS)}")
    history = History() if history is None else history
    run = _Run(model, history, optimizer)
    start, losses = time.process_time() - (run.resume(checkpoint) if checkpoint else 0.0), []
    try:
        while (fraction := _fraction(run.step, steps, start, budget)) < 1:
            for group in run.optimizer.param_groups:
                group["lr"] = rate * group["pace"] * schedule(fraction)
            rows = _rows(size, batch, run.step, seed)
            value = run.descend(loss, rows, clip)
            run.average(average)
            losses.append(value)
            fraction = _fraction(run.step, steps, start, budget)
            if run.step % every == 0 or fraction >= 1:
                mean = float(torch.stack(losses).mean())
                if not math.isfinite(mean):
                    cure = f"lower rate (now {rate}), or audit the data"
                    raise FloatingPointError(f"the loss is {mean} at step {run.step}; {cure}")
                losses, seconds = [], time.process_time() - start
                with run.averaged():
                    valid = validate(model)
                    record = Record(
                        run.step, fraction, seconds, rate * schedule(fraction), mean, valid
                    )
                    if history.add(record):
                        run.best = [w.detach().clone() for w in run.weights]
                if checkpoint:
                    run.save(checkpoint, seconds)
                start = time.process_time() - seconds  # validation is not training
                yield record
    finally:
        run.finish()


def schedule(fraction: float) -> float:
    """Share of the highest learning rate: up over the first 2 %, then a cosine down to 1 %."""
    return min(1.0, fraction / 0.02 + 0.05) * (
        0.01 + 0.495 * (1 + math.cos(math.pi * min(1.0, fraction)))
    )


def _fraction(step: int, steps: int, start: float, budget: float) -> float:
    return step / steps if steps else min(1.0, (time.process_time() - start) / budget)


def _rows(size: int, batch: int, step: int, seed: int) -> Int[Tensor, " rows"]:
    """The rows of a step: each epoch a new order, cut into nearly equal parts."""
    parts = math.ceil(size / batch)
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step // parts)
    rows = torch.randperm(size, generator=generator).tensor_split(parts)[step % parts]
    if _shared():
        rows = rows.tensor_split(distributed.get_world_size())[distributed.get_rank()]
    return rows


def _shared() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def _groups(model: nn.Module) -> list[dict[str, object]]:
    groups: dict[float, list[Tensor]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            paces = [pace for piece, pace in getattr(model, "paces", {}).items() if piece in name]
            groups.setdefault([*paces, 1.0][0], []).append(weight)
    return [{"params": weights, "pace": pace} for pace, weights in groups.items()]


class _Run:
    """What changes during a run: optimizer, averaged and best weights."""

    def __init__(self, model: nn.Module, history: History, optimizer: str) -> None:
        self.model, self.history, self.step, self.kind = model, history, 0, optimizer
        self.optimizer = OPTIMIZERS[optimizer](_groups(model))
        self.weights = [w for w in model.parameters() if w.requires_grad]
        self.mean = [w.detach().clone() for w in self.weights]
        self.best: list[Tensor] = []

    def descend(self, loss: Loss, rows: Int[Tensor, " rows"], clip: float) -> Tensor:
        """One step of the optimizer; the loss before it."""
        value = loss(self.model, rows) if len(rows) else sum(w.sum() * 0 for w in self.weights)
        self.optimizer.zero_grad()
        value.backward()
        value = value.detach()
        if _shared():
            value = self._share(value, len(rows))
        nn.utils.clip_grad_norm_(self.weights, clip)
        self.optimizer.step()
        self.step += 1
        return value

    def _share(self, value: Tensor, rows: int) -> Tensor:
        """Mean over the rows of all processes, of the loss and its gradient."""
        tensors = [value.reshape(1), *(w.grad for w in self.weights if w.grad is not None)]
        counted = torch.cat([tensor.flatten().double() * rows for tensor in tensors])
        counted = torch.cat([counted, counted.new_full((1,), rows)])
        distributed.all_reduce(counted)
        means = (counted[:-1] / counted[-1]).split([tensor.numel() for tensor in tensors])
        for tensor, mean in zip(tensors[1:], means[1:], strict=True):
            tensor.copy_(mean.view_as(tensor))
        return means[0].squeeze().to(value.dtype)

    def average(self, decay: float) -> None:
        """Move the averaged weights toward the present ones; quickly at first."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.mean, [w.detach() for w in self.weights], 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """A block in which the model has the averaged weights."""
        kept = [w.detach().clone() for w in self.weights]
        with torch.no_grad():
            torch._foreach_copy_(self.weights, self.mean)
            yield
            torch._foreach_copy_(self.weights, kept)

    @torch.no_grad()
    def finish(self) -> None:
        """Give the model its best weights."""
        for weight, best in zip(self.weights, self.best, strict=bool(self.best)):
            weight.copy_(best)

    def save(self, path: Path | str, seconds: float) -> None:
        """Write everything a resume needs, all or nothing."""
        tensors = {}
        for i, weight in enumerate(self.weights):
            tensors |= {f"weight.{i}": weight, f"mean.{i}": self.mean[i], f"best.{i}": self.best[i]}
            for name, value in self.optimizer.state[weight].items():
                tensors[f"{self.kind}.{i}.{name}"] = value
        seen = {"records": [asdict(r) for r in self.history.records], "best": self.history.best}
        notes = {"step": str(self.step), "seconds": repr(seconds), "history": json.dumps(seen)}
        notes["optimizer"] = self.kind
        with replacing(path) as part:
            write_tensors(part, {k: v.detach().clone().cpu() for k, v in tensors.items()}, notes)

    def resume(self, path: Path | str) -> float:
        """Go on from a checkpoint when it is there; the CPU seconds it had taken."""
        if not Path(path).exists():
            return 0.0
        with safe_open(path, "pt") as stored, torch.no_grad():
            notes = stored.metadata()
            kind = notes.get("optimizer", "adam")
            if kind != self.kind:
                raise ValueError(
                    f"{path} was written with optimizer {kind!r}, this run has {self.kind!r}; "
                    "name that one, or start anew with another checkpoint"
                )
            for i, weight in enumerate(self.weights):
                state = {
                    name.rpartition(".")[2]: stored.get_tensor(name)
                    for name in stored.keys()  # noqa: SIM118
                    if name.startswith(f"{self.kind}.{i}.")
                }
                device = {k: v if k == "step" else v.to(weight.device) for k, v in state.items()}
                self.optimizer.state[weight] = device
                weight.copy_(stored.get_tensor(f"weight.{i}"))
                self.mean[i].copy_(stored.get_tensor(f"mean.{i}"))
                self.best.append(stored.get_tensor(f"best.{i}").to(weight.device))
        seen = json.loads(notes["history"])
        self.history.records[:] = [Record(**record) for record in seen["records"]]
        self.history.best, self.step = seen["best"], int(notes["step"])
        return float(notes["seconds"])
