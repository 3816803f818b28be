"""Are energies, forces and averages those of others? NIST's configurations and states, OpenMM's forces.

    python -m benchmarks.rivals.install openmm
    python -m benchmarks.dynamics_truths --nist FOLDER

The folder holds two files of the NIST Standard Reference Simulation Website, which do not ship; the
repository usnistgov/feasst has them (plugin/configuration/test/data), and the published energies.
Differences, so that a ratio has no meaning; all in float64, but for the averages over dynamics.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from ase import Atoms

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write
from benchmarks.dynamics_speed import ARGON, CUTOFF, DENSITY
from mdlearn.dynamics.integrators import langevin, start
from mdlearn.dynamics.observables import pressures
from mdlearn.dynamics.simulate import run
from mdlearn.dynamics.statistics import blocking
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials import neighbors
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import evaluate, from_atoms
from mdlearn.units import fs, kB, ps

NIST = {  # file, cutoff → energy, long-range correction, how far both are rounded
    ("lj_sample_config_periodic4.xyz", 3.0): (-16.790, -0.54517, 5e-4),
    ("lj_sample_config_periodic4.xyz", 4.0): (-17.060, -0.23008, 5e-4),
    ("lj_triclinic_sample_config_periodic3.xyz", 3.0): (-505.78567945, -29.37186431, 1e-8),
}
STATES = {  # temperature, density → energy of an atom, pressure, as quoted by public code
    (0.85, 0.776): (-5.5121, 0.0068),
    (0.85, 0.860): (-6.0305, 1.2660),
    (0.90, 0.820): (-5.7456, 0.8239),
}


def configuration(file: Path) -> Atoms:
    """A file of NIST: count; a flag, three lengths, three tilts; number and place of each atom."""
    lines = file.read_text().splitlines()
    x, y, z, *tilts = [float(word) for word in lines[1].split()[1:]]
    xy, xz, yz = tilts or (0.0, 0.0, 0.0)
    places = [[float(word) for word in line.split()[1:4]] for line in lines[2 : 2 + int(lines[0])]]
    return Atoms(f"Ar{len(places)}", places, cell=[[x, 0, 0], [xy, y, 0], [xz, yz, z]], pbc=True)


def against_nist(folder: Path) -> list[dict]:
    """Energies in units of ε; the second row of each is the correction for what the cutoff takes."""
    rows = []
    for (file, cutoff), (energy, beyond, rounded) in NIST.items():
        system = from_atoms(configuration(folder / file))
        bare, whole = (
            float(evaluate(LennardJones(1.0, 1.0, cutoff, "cut", tail=tail), system).energies)
            for tail in (False, True)
        )
        name = f"NIST {file.removesuffix('.xyz')}, cutoff {cutoff:g}σ"
        for what, ours, theirs in (
            ("energy", bare, energy),
            ("long-range correction", whole - bare, beyond),
        ):
            rows.append(
                row(
                    f"{name}, {what}, difference", abs(ours - theirs), None, unit="ε",
                    bar=rounded, published=theirs,
                )
            )  # fmt: skip
    return rows


def at_states(steps: int) -> list[dict]:
    """Energy and pressure of liquids, two boxes of 256 atoms each, in units of Lennard-Jones.

    Monte Carlo of NIST, https://mmlapps.nist.gov/srs/LJ_PURE/mc.htm, as public code quotes it;
    cutoff 3σ with the long-range correction. The bar is four standard errors.
    """
    sigma, epsilon, points = 3.405, 0.0104, [*STATES, *STATES]
    potential = LennardJones(sigma, epsilon, cutoff=3 * sigma, ending="cut", tail=True)
    boxes = [liquid(4, density / sigma**3, seed=k) for k, (_, density) in enumerate(points)]
    bath = torch.tensor([heat * epsilon / kB for heat, _ in points])
    state = start(potential, from_atoms(boxes, dtype=torch.float32), temperature=2 * bath, seed=1)
    melt, step = (langevin(potential, 4 * fs, heat, 2 / ps) for heat in (2.5 * bath, bath))
    for way, part in ((melt, steps // 20), (step, steps // 8)):
        state = run(way, state, part, every=part, seed=2).last
    seen: dict[str, list[torch.Tensor]] = {"energy": [], "pressure": []}
    for part in range(steps // 20):
        state = run(step, state, 20, every=20, seed=3 + part).last
        seen["energy"].append(state.energies / 256 / epsilon)
        seen["pressure"].append(pressures(potential, state) * sigma**3 / epsilon)
    rows = []
    for one, (point, published) in enumerate(STATES.items()):
        for (what, values), theirs in zip(seen.items(), published, strict=True):
            mean = blocking(torch.stack(values)[:, [one, one + 3]])
            error = mean.error if math.isfinite(mean.error) else None  # too few steps for one
            rows.append(
                row(
                    f"liquid at T* {point[0]}, ρ* {point[1]}, {what} against NIST, difference",
                    abs(mean.value - theirs), None, unit="reduced",
                    bar=None if error is None else 4 * error, seen=mean.value, seen_error=error,
                    published=theirs, steps=steps,
                )
            )  # fmt: skip
    return rows


def against_openmm(rivals: Path) -> list[dict]:
    """Forces on 864 atoms of liquid argon."""
    atoms = liquid(6, DENSITY)
    with Worker("openmm", rivals, module="benchmarks.rivals.liquids") as worker:
        told = worker.ask(
            "forces",
            positions=atoms.positions.tolist(),
            side=float(atoms.cell[0, 0]),
            settings={"sigma": ARGON.sigma, "epsilon": ARGON.epsilon, "cutoff": CUTOFF, "mass": 39.948},
        )  # fmt: skip
    system = neighbors.table(from_atoms(atoms), CUTOFF, half=True)
    away = np.abs(np.array(told["forces"]) - evaluate(ARGON, system).forces.numpy()).max()
    return [
        row(
            "largest difference of forces, argon, 864 atoms, against openmm", float(away), None,
            unit="eV/Å", bar=1e-12,
        )
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print the table, write the results."""
    parser = argparse.ArgumentParser(description="Energies and forces against those of others.")
    parser.add_argument("--models", default="ours,openmm", help="ours, and rivals")
    parser.add_argument("--nist", type=Path, help="folder of the reference configurations")
    parser.add_argument("--steps", type=int, default=20_000, help="at each state; 0 for none")
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = against_nist(options.nist) if options.nist else []
    rows += at_states(options.steps) if options.steps else []
    if "openmm" in options.models.split(","):
        rows += against_openmm(options.rivals)
    if not rows:
        parser.error("nothing to compare with: name --nist or --steps, or openmm among --models")
    print(table(rows))
    print(write("dynamics_truths", rows, {}, options.results))


if __name__ == "__main__":
    main()
