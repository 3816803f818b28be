"""The way of malonaldehyde's proton: a relaxed scan by the shipped potential, DFT energies at its geometries.

python -m mdlearn.recipes.proton_transfer
"""

import argparse
import json
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms

from mdlearn.data.fetch import load
from mdlearn.dynamics.bias import Umbrella, transfer
from mdlearn.dynamics.integrators import start
from mdlearn.dynamics.minimize import minimize
from mdlearn.files import replacing
from mdlearn.potentials.labels import compute
from mdlearn.potentials.system import Potential, from_atoms, to_atoms
from mdlearn.potentials.terms import Sum
from mdlearn.potentials.weights import load as load_potential
from mdlearn.recipes.labelled_sets import CHEAP, DEAR
from mdlearn.recipes.malonaldehyde import ACCEPTOR, DONOR, PROTON

RESULT = Path(__file__).parents[1] / "data" / "files" / "proton_transfer.json"
PLACES = tuple(round(0.15 * step, 2) for step in range(-6, 7))  # Å
SPRING = 100.0  # eV/Å², holds the proton at its place


def main(arguments: Sequence[str] | None = None) -> None:
    """Scan, label, write."""
    parser = argparse.ArgumentParser(description="Proton transfer of malonaldehyde.")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    frames = scan(load_potential("malonaldehyde"), nearest(load("malonaldehyde", report=None)))
    for frame in frames:
        frame.positions = np.round(frame.positions, 5)  # as they are written
    dear, cheap = ([compute(frame, method) for frame in frames] for method in (DEAR, CHEAP))
    result = {
        "what": "energies (eV) on the way of the proton, geometries relaxed by the shipped potential",
        "labels": [repr(DEAR), repr(CHEAP)],
        "numbers": frames[0].numbers.tolist(),
        "positions": [frame.positions.tolist() for frame in frames],
        "dft": [round(label.energy, 6) for label in dear],
        "xtb": [round(label.energy, 6) for label in cheap],
        "largest DFT force across the way (eV/Å)": [
            round(across(frame, label.forces), 4) for frame, label in zip(frames, dear, strict=True)
        ],
        "CPU seconds": {
            DEAR.name: round(sum(label.seconds for label in dear), 1),
            CHEAP.name: round(sum(label.seconds for label in cheap), 2),
        },
        "recipe": "python -m mdlearn.recipes.proton_transfer",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread",
    }
    with replacing(options.out) as part:
        part.write_text(json.dumps(result, ensure_ascii=False) + "\n", encoding="utf-8")


def written(path: Path = RESULT) -> dict[str, Any]:
    """The result of this recipe, its geometries as `frames`."""
    known = json.loads(path.read_text(encoding="utf-8"))
    known["frames"] = [Atoms(known["numbers"], place) for place in known["positions"]]
    return known


def nearest(frames: Sequence[Atoms]) -> list[Atoms]:
    """For each place the training frame whose proton is nearest to it."""
    known = [frame for frame in frames if frame.info["split"] == "train"]
    where = transfer(DONOR, PROTON, ACCEPTOR)(from_atoms(known)).numpy()
    return [known[int(np.abs(where - place).argmin())] for place in PLACES]


def scan(potential: Potential, frames: Sequence[Atoms], *, force: float = 0.003) -> list[Atoms]:
    """The frames with everything but the proton's place relaxed (largest force in eV/Å), all at once."""
    system = from_atoms(list(frames))
    hold = Umbrella(transfer(DONOR, PROTON, ACCEPTOR), torch.tensor(PLACES).double(), SPRING)
    both = Sum([potential, hold])
    rest = minimize(both, start(both, system, temperature=0), force=force, steps=5000)
    return to_atoms(rest.system)


def across(frame: Atoms, forces: np.ndarray) -> float:
    """Largest force on an atom, without its share along the way of the proton (eV/Å)."""
    system = from_atoms(frame)
    positions = system.positions.requires_grad_()
    place = transfer(DONOR, PROTON, ACCEPTOR)(system.at(positions))
    slope = torch.autograd.grad(place.sum(), positions)[0].numpy()
    rest = forces - slope * (forces * slope).sum() / (slope**2).sum()
    return float(np.linalg.norm(rest, axis=1).max())


if __name__ == "__main__":
    main()
