"""The Ramachandran map of alanine dipeptide by the shipped potential: a long run in 64 windows.

    python -m mdlearn.recipes.ramachandran

Windows, springs and temperature are those of the GFN2-xTB dynamics that made the training set.
Hydrogen weighs four times as much here: that changes no free energy and allows a step twice as long.
"""

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import torch
from ase import Atoms

from mdlearn.data.fetch import load
from mdlearn.dynamics.bias import torsion
from mdlearn.dynamics.integrators import langevin, start, with_masses
from mdlearn.dynamics.surfaces import Grid, grid_sampling
from mdlearn.files import replacing
from mdlearn.potentials.system import Potential, from_atoms
from mdlearn.potentials.weights import SHIPPED
from mdlearn.potentials.weights import load as load_potential
from mdlearn.recipes.alanine_dipeptide import PHI, PSI, STIFFNESS
from mdlearn.units import fs, ps

RESULT = Path("runs/recipes/ramachandran.json")
STEP, EVERY, PIECE = 2.0, 20, 500  # fs; steps between samples; steps kept in memory at once
HYDROGEN = 4.0  # amu
TEMPERATURE = 450.0  # K


def main(arguments: Sequence[str] | None = None) -> None:
    """Sample, then write how it was done and the angles."""
    parser = argparse.ArgumentParser(description="Umbrella sampling with the shipped potential.")
    parser.add_argument("--steps", type=int, default=10_000, help=f"of each window, {STEP} fs each")
    parser.add_argument("--settle", type=int, default=1000, help="steps before")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    frames = last_frames(load("alanine_dipeptide", report=None))
    potential, begun = load_potential("alanine_dipeptide", dtype=torch.float32), time.process_time()
    grid = sample(potential, frames, options)
    weights = (SHIPPED / "alanine_dipeptide.safetensors").read_bytes()
    card = {
        "name": "ramachandran",
        "what": "φ and ψ (rad) of alanine dipeptide in windows, shipped potential",
        "windows": len(grid.centers),
        "samples of each window": len(grid.angles),
        "time between samples (fs)": STEP * EVERY,
        "thrown away before (ps)": STEP * options.settle / 1000,
        "temperature (K)": TEMPERATURE,
        "springs (eV/rad²)": STIFFNESS,
        "mass of hydrogen (amu)": HYDROGEN,
        "weights": {"name": "alanine_dipeptide", "sha256": hashlib.sha256(weights).hexdigest()},
        "seed": options.seed,
        "CPU minutes": round((time.process_time() - begun) / 60, 1),
        "recipe": f"python -m mdlearn.recipes.ramachandran --steps {options.steps}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread",
    }
    card["centers (rad)"] = grid.centers.numpy().round(6).tolist()
    card["angles (mrad)"] = (1000 * grid.angles).round().int().tolist()
    with replacing(options.out) as part:
        part.write_text(json.dumps(card, ensure_ascii=False) + "\n", encoding="utf-8")


def last_frames(frames: Sequence[Atoms]) -> list[Atoms]:
    """The last training frame of each window."""
    last: dict[tuple[float, float], Atoms] = {}
    for frame in sorted(frames, key=lambda one: one.info["step"]):
        if frame.info["split"] == "train":
            last[float(frame.info["window_phi"]), float(frame.info["window_psi"])] = frame
    return [last[center] for center in sorted(last)]


def reference(frames: Sequence[Atoms]) -> Grid:
    """What the GFN2-xTB dynamics in the windows of the training set saw, every 5 fs."""
    train = [frame for frame in frames if frame.info["split"] == "train"]
    windows: dict[tuple[float, float], list[np.ndarray]] = {}
    for frame in sorted(train, key=lambda one: one.info["step"]):
        center = float(frame.info["window_phi"]), float(frame.info["window_psi"])
        windows.setdefault(center, []).append(np.reshape(frame.info["observed"], (-1, 2)))
    angles = np.stack([np.concatenate(windows[center]) for center in sorted(windows)], 1)
    centers = torch.tensor(np.radians(sorted(windows)))
    return Grid(torch.tensor(angles), centers, STIFFNESS, TEMPERATURE)


def sample(potential: Potential, frames: Sequence[Atoms], options: argparse.Namespace) -> Grid:
    """Umbrella sampling piece by piece."""
    centers = [[frame.info["window_phi"], frame.info["window_psi"]] for frame in frames]
    system = from_atoms(list(frames), dtype=torch.float32)
    state = start(potential, system, temperature=TEMPERATURE, seed=options.seed)
    state, parts = with_masses(state, {1: HYDROGEN}), []
    for number in range(options.steps // PIECE):
        grid, state = grid_sampling(
            potential,
            lambda both: langevin(both, STEP * fs, TEMPERATURE, 5 / ps),
            state,
            [torsion(*PHI), torsion(*PSI)],
            torch.tensor(np.radians(centers)),
            TEMPERATURE,
            stiffness=STIFFNESS,
            steps=PIECE,
            every=EVERY,
            settle=0 if parts else options.settle,
            seed=options.seed + 1000 * number + 1,
        )
        parts.append(grid.angles)
        print(f"{(number + 1) * PIECE}/{options.steps} steps of {len(frames)} windows")
    return Grid(torch.cat(parts), grid.centers, STIFFNESS, TEMPERATURE)


if __name__ == "__main__":
    main()
