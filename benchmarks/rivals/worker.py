"""One model in its own environment: takes a line of JSON, answers with one, until its input ends.

Started by `benchmarks.common.Worker`. Ours and the rivals run through these same lines.
"""

import json
import os
import sys
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from torch import nn

from benchmarks.rivals.models import CUTOFF, MODELS
from mdlearn.potentials.fit import Labelled, errors, fit_potential, force_loss
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.system import System, evaluate, from_atoms

PACKAGES = ("torch", "mace-torch", "e3nn", "schnetpack")


def packages(model: str) -> dict[str, Any]:
    """Versions of what this environment has."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # belongs to another rival
    return found


def train(
    model: str,
    *,
    data: str,
    rate: float,
    budget: float,
    seed: int,
    optimizer: str,
    device: str = "cpu",
    every: int = 500,
) -> dict[str, Any]:
    """Train on the data's training frames for a budget of CPU seconds; errors on the other parts.

    What compiles on first use (MACE has TorchScript inside) does so before the clock starts.
    """
    parts = labelled(data, device)
    train, valid = parts["train"], parts["valid"]
    torch.manual_seed(seed)
    potential = build(model, train.system).to(device)
    loss = force_loss(train, scale=1.0)
    for start in range(0, 25, 5):
        loss(potential, torch.arange(start, start + 5) % len(train)).backward()
    start = time.process_time()
    try:
        history = fit_potential(
            potential,
            train,
            valid,
            budget=budget,
            rate=rate,
            seed=seed,
            optimizer=optimizer,
            every=every,
            report=None,
        )
    except FloatingPointError as error:
        return {"failure": str(error)}
    last = history.records[-1]
    return {
        "valid": errors(potential, valid),
        "test": errors(potential, parts["test"]),
        "curve": [[round(r.seconds, 1), r.valid["force_mae"]] for r in history.records],
        "steps": last.step,
        "ms_per_step": 1e3 * last.seconds / last.step,
        "epochs": last.step * 5 / len(train),
        "parameters": sum(weight.numel() for weight in potential.parameters()),
        "seconds": time.process_time() - start,
    }


def clock(model: str, *, file: str, seconds: float) -> dict[str, Any]:
    """CPU time of energy and forces for all frames of a file at once (ms), neighbors known."""
    potential, system = prepared(model, file)
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds or calls < 2:
        evaluate(potential, system)
        calls += 1
    return {"ms": 1e3 * spent / calls, "calls": calls}


@cache
def prepared(model: str, file: str) -> tuple[nn.Module, System]:
    """An untrained model and the frames of a file with their neighbor table."""
    system = table(from_atoms(read(file, ":"), dtype=torch.float32), CUTOFF)
    torch.manual_seed(0)
    return build(model, system), system


def build(model: str, system: System) -> nn.Module:
    """A fresh model for the elements and the usual number of neighbors of these atoms."""
    elements = sorted(set(system.numbers.tolist()))
    return MODELS[model](elements, float(system.mask.sum(1).double().mean()))


def labelled(data: str, device: str = "cpu") -> dict[str, Labelled]:
    """Parts of an npz file: arrays `<part>_positions`, `_energies`, `_forces`; one list of numbers."""
    with np.load(data, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    found = {}
    for part in ("train", "valid", "test"):
        values = [arrays[f"{part}_{name}"] for name in ("positions", "energies", "forces")]
        frames = []
        for positions, energy, forces in zip(*values, strict=True):
            frame = Atoms(arrays["numbers"], positions)
            frame.calc = SinglePointCalculator(frame, energy=float(energy), forces=forces)
            frames.append(frame)
        found[part] = Labelled.from_atoms(frames, CUTOFF, device=device)
    return found


def main() -> None:
    """Answer until the input ends; whatever a package prints goes to the error stream."""
    torch.set_num_threads(1)
    tasks = {"packages": packages, "train": train, "clock": clock}
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = tasks[request.pop("task")](sys.argv[1], **request)
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
