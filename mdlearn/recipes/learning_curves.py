"""The learning curves of chapter 13: error against labels, the equivariant potential and its twins.

    python -m mdlearn.recipes.learning_curves --sizes 50 100 200 400 900 --seeds 3 --budget 60

Every run has the same CPU seconds: the step of each model is timed first, then steps are counted, so
a busy machine does not change the result. A run is written down as soon as it is done, and a killed
recipe goes on where it was.
"""

import argparse
import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import torch
from ase import Atoms

from mdlearn.data.fetch import fetch, load
from mdlearn.files import replacing
from mdlearn.history import Record
from mdlearn.potentials.ace import ACE
from mdlearn.potentials.fit import Labelled, errors, force_loss, prepare
from mdlearn.recipes.grid import finished
from mdlearn.train import fit

RESULT = Path(__file__).parents[1] / "data" / "files" / "learning_curves_ethanol.json"
MODELS = {
    "equivariant": {},
    "invariant": {"degree": 0, "message_degree": 0},
    "invariant, 3 × wider": {"degree": 0, "message_degree": 0, "channels": 96},
}


@dataclass(frozen=True)
class Job:
    """One training to do.

    Attributes:
        model: Name in `MODELS`.
        frames: Training frames (count).
        seed: Of the choice of frames, the first weights and the batches.
        budget: Training time that is meant (CPU s).
        steps: Optimizer steps that fit into it.
    """

    model: str
    frames: int
    seed: int
    budget: float
    steps: int


def learn(model: str, frames: Sequence[Atoms], *, seed: int, steps: int) -> tuple[ACE, Record]:
    """Train on all of these frames and take the last weights, averaged.

    No frame is held back to choose among weights: with few labels that costs more than it gives.

    Args:
        model: Name in `MODELS`.
        frames: Labelled frames.
        seed: Of the first weights and the batches.
        steps: Length in optimizer steps, of five frames each.

    Returns:
        The potential, and what was seen at the end; the errors are those on the training frames.
    """
    torch.manual_seed(seed)
    potential = ACE([1, 6, 8], **MODELS[model])
    train = Labelled.from_atoms(frames, potential.cutoff)
    scale = prepare(potential, train)
    history = fit(
        potential,
        force_loss(train, scale=scale),
        lambda trained: errors(trained, train),
        size=len(train),
        steps=steps,
        every=10**9,  # one record, at the end
        seed=seed,
        optimizer="adam",  # as the shipped curves were made
        report=None,
    )
    return potential, history.records[-1]


@cache
def pool() -> tuple[list[Atoms], list[Atoms]]:
    """The training pool and the test frames, which are other trajectories."""
    frames = load("ethanol", report=None)
    parts = {"train": [], "test": []}
    for frame in frames:
        parts[frame.info["split"]].append(frame)
    return parts["train"], parts["test"]


def chosen(count: int, seed: int) -> list[Atoms]:
    """The first frames of the pool in the random order of this seed: more labels hold the fewer."""
    train, _ = pool()
    if not 0 < count <= len(train):
        raise ValueError(f"the pool has {len(train)} frames, {count} are wanted; label more first")
    return [train[i] for i in np.random.default_rng(seed).permutation(len(train))[:count]]


def run(job: Job) -> dict[str, object]:
    """Do a job: train, test once, and say what came out (meV/Å, meV/atom, CPU s)."""
    torch.set_num_threads(1)
    frames = chosen(job.frames, job.seed)
    potential, record = learn(job.model, frames, seed=job.seed, steps=job.steps)
    seen = errors(potential, Labelled.from_atoms(pool()[1], potential.cutoff))
    return asdict(job) | {
        "force_mae": round(seen["force_mae"], 3),
        "energy_mae": round(seen["energy_mae"], 4),
        "train_force_mae": round(record.valid["force_mae"], 3),
        "cpu_seconds": round(record.seconds, 1),
    }


def costs(rounds: int = 5, steps: int = 20) -> dict[str, float]:
    """CPU seconds of a training step of each model: the median of rounds in turn, after a warm-up."""
    torch.set_num_threads(1)
    seen = {model: [] for model in MODELS}
    for _ in range(rounds + 1):
        for model, times in seen.items():
            times.append(learn(model, chosen(10, 0), seed=0, steps=steps)[1].seconds / steps)
    return {model: float(np.median(times[1:])) for model, times in seen.items()}


def jobs(options: argparse.Namespace, cost: Mapping[str, float]) -> list[Job]:
    """The grid, and short runs with the fewest frames that a chapter can repeat; seed by seed."""
    grid = [(frames, options.budget) for frames in options.sizes]
    grid.append((min(options.sizes), options.quick))
    return [
        Job(model, frames, seed, budget, round(budget / cost[model]))
        for seed in range(options.seeds)
        for frames, budget in dict.fromkeys(grid)
        for model in options.models
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is asked for and not yet written down, then write the result."""
    parser = argparse.ArgumentParser(description="Learning curves of ethanol.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 100, 200, 400, 900])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--budget", type=float, default=60.0, help="CPU s of a run")
    parser.add_argument("--quick", type=float, default=15.0, help="CPU s of the runs to repeat")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--workers", type=int, default=1, help="processes, one thread each")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--work", type=Path, default=Path("runs/recipes"))
    options = parser.parse_args(arguments)
    data = hashlib.sha256(fetch("ethanol", report=None).read_bytes()).hexdigest()
    log = options.work / f"learning_curves-{data[:12]}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    prices = options.work / "learning_curves-costs.json"
    if not prices.exists():
        with replacing(prices) as part:
            part.write_text(json.dumps(costs(), ensure_ascii=False), encoding="utf-8")
    cost = json.loads(prices.read_text(encoding="utf-8"))
    rows = finished(jobs(options, cost), run, log, workers=options.workers)
    ship(options, data, cost, rows)


def ship(
    options: argparse.Namespace,
    data: str,
    cost: Mapping[str, float],
    rows: Iterable[dict[str, object]],
) -> None:
    """Write the result: how it was made, and every run."""
    train, test = pool()
    result = {
        "what": "test force error against training frames at equal CPU time, ethanol ωB97X/6-31G*",
        "models": {name: MODELS[name] for name in options.models},
        "sizes": options.sizes,
        "seeds": options.seeds,
        "budget (CPU s)": options.budget,
        "quick budget (CPU s)": options.quick,
        "cost of a step (CPU s)": {name: round(cost[name], 5) for name in options.models},
        "frames": {"pool": len(train), "test": len(test)},
        "data": {"file": "ethanol.npz", "sha256": data},
        "weights": "the last, averaged; no frame is held back for validation",
        "recipe": "python -m mdlearn.recipes.learning_curves "
        f"--sizes {' '.join(map(str, options.sizes))} --seeds {options.seeds} "
        f"--budget {options.budget:g} --quick {options.quick:g}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread a run",
        "runs": list(rows),
    }
    with replacing(options.out) as part:
        part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
