"""The potentials that ship: `python -m mdlearn.recipes.potentials ethanol` trains, tests and writes one."""

import argparse
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch
from ase import Atoms

from mdlearn.data.fetch import load
from mdlearn.history import History
from mdlearn.potentials.ace import ACE
from mdlearn.potentials.fit import Labelled, errors, fit_potential
from mdlearn.potentials.weights import SHIPPED, exact, save

LIMITS = {
    "ethanol": "One molecule. Hotter than 600 K, broken bonds and clusters are outside of its data.",
    "malonaldehyde": "One molecule and its proton transfer. Rotating the O–H away is outside of its data.",
    "alanine_dipeptide": "One molecule, GFN2-xTB accuracy. Cis peptide bonds are outside of its data.",
}


def main() -> None:
    """Train on the training frames, choose the weights on a twentieth of them, test once."""
    parser = argparse.ArgumentParser(description="Train a potential that ships.")
    parser.add_argument("name", choices=sorted(LIMITS))
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--batch", type=int, default=5)
    parser.add_argument("--rate", type=float, default=1e-2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=Path("runs/recipes"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    train, valid, test = split(load(options.name), seed=options.seed)
    torch.manual_seed(options.seed)
    model = ACE(sorted({int(z) for z in train[0].numbers}), channels=options.channels).to(
        options.device
    )
    start = time.process_time()
    history = fit_potential(
        model,
        Labelled.from_atoms(train, model.cutoff, device=options.device),
        Labelled.from_atoms(valid, model.cutoff, device=options.device),
        epochs=options.epochs,
        batch=options.batch,
        rate=options.rate,
        every=max(200, options.epochs * len(train) // options.batch // 20),
        seed=options.seed,
        checkpoint=options.work / f"{options.name}-potential.safetensors",
    )
    minutes = (time.process_time() - start) / 60
    card = describe(options.name, model.to("cpu"), (train, valid, test), history, minutes)
    if options.device != "cpu":
        card["machine"] = f"{torch.cuda.get_device_name()}, one thread of its host"
    card |= {"epochs": options.epochs, "batch": options.batch, "rate": options.rate}
    card["seed"] = options.seed
    save(exact(model, torch.float32), SHIPPED / f"{options.name}.safetensors", card)


def split(frames: list[Atoms], *, seed: int) -> tuple[list[Atoms], list[Atoms], list[Atoms]]:
    """Training, validation (a twentieth) and the test frames, which are other trajectories."""
    pool = [frame for frame in frames if frame.info["split"] == "train"]
    order = np.random.default_rng(seed).permutation(len(pool))
    held = max(1, len(pool) // 20)
    valid, train = [pool[i] for i in order[:held]], [pool[i] for i in order[held:]]
    return train, valid, [frame for frame in frames if frame.info["split"] == "test"]


def describe(
    name: str,
    model: ACE,
    parts: tuple[list[Atoms], list[Atoms], list[Atoms]],
    history: History,
    minutes: float,
) -> dict[str, object]:
    """The card: data, cost, errors on unseen trajectories by temperature, limits."""
    train, valid, test = parts
    sharp = exact(model, torch.float64)
    warm = sorted({frame.info["temperature"] for frame in test})
    found = {}
    for kelvin in warm:
        mine = [frame for frame in test if frame.info["temperature"] == kelvin]
        seen = errors(sharp, Labelled.from_atoms(mine, model.cutoff, dtype=torch.float64))
        found[f"{kelvin:.0f} K"] = {key: round(value, 3) for key, value in seen.items()}
        found[f"{kelvin:.0f} K"]["frames"] = len(mine)
    return {
        "name": name,
        "settings": model.settings,
        "data": f"data/files/{name}.npz",
        "frames": {"train": len(train), "valid": len(valid), "test": len(test)},
        "errors on unseen trajectories (meV/Å, meV/atom)": found,
        "learning curve (CPU s, validation force MAE meV/Å)": [
            [round(record.seconds), round(record.valid["force_mae"], 2)]
            for record in history.records
        ],
        "CPU minutes": round(minutes, 1),
        "limits": LIMITS[name],
        "recipe": f"python -m mdlearn.recipes.potentials {name}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread",
    }


if __name__ == "__main__":
    main()
