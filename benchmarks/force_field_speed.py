"""How fast is an energy with forces? Ours against MACE and PaiNN of the usual small size, on one thread.

    python -m benchmarks.rivals.install
    python -m benchmarks.force_field_speed

Untrained weights, float32, neighbor tables given, no compilation by hand. Each model lives in a process
of its own environment; they take turns, round after round, and are timed in CPU seconds.
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import write as write_frames

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write

NAMES = {"mace": "MACE 32x0e+32x1o", "painn": "PaiNN-64"}
TITLES = {"molecules": "32 molecules of 3BPA", "silicon": "periodic Si 216"}
BARS = {("molecules", "mace"): 3.4, ("silicon", "mace"): 4.1}
BARS |= {("molecules", "painn"): 1.9, ("silicon", "painn"): 1.9}
BPA = "Nc1ncccc1OCc1ccccc1"  # 3-(benzyloxy)pyridin-2-amine


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all models on all systems in turn, print the table, write the results."""
    parser = argparse.ArgumentParser(description="Time energies and forces, ours and rivals'.")
    parser.add_argument("--models", default="ours,mace,painn", help="ours, and rivals")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="what to evaluate")
    parser.add_argument("--rounds", type=int, default=5, help="the median is over these")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of one timing")
    parser.add_argument("--rivals", type=Path, default=RIVALS, help="folder of environments")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    models, systems = options.models.split(","), options.systems.split(",")
    times: dict[tuple[str, str], list[float]] = {}
    packages: dict[str, str] = {}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        files = {name: str(Path(folder) / f"{number}.xyz") for number, name in enumerate(systems)}
        for name, file in files.items():
            write_frames(file, SYSTEMS[name]())
        workers = [stack.enter_context(Worker(model, options.rivals)) for model in models]
        for worker in workers:
            packages |= worker.ask("packages")
        for turn in range(options.rounds + 1):  # the first is a warm-up
            for name, file in files.items():
                for worker in workers:
                    seen = worker.ask("clock", file=file, seconds=options.seconds)["ms"]
                    if turn:
                        times.setdefault((name, worker.model), []).append(seen)
                        print(f"round {turn}, {name}, {worker.model}: {seen:.2f} ms", flush=True)
    rows = compare(times, systems, models)
    print(table(rows))
    print(write("force_field_speed", rows, packages, options.results))


def compare(
    times: dict[tuple[str, str], list[float]], systems: Sequence[str], models: Sequence[str]
) -> list[dict[str, object]]:
    """A row for each system and rival; ours alone when there is none."""
    rows = []
    for name in systems:
        mine = times[name, "ours"]
        base = f"energy and forces, {TITLES[name]}"
        more = {"ours_range": [min(mine), max(mine)], "rounds": len(mine)}
        for rival in [model for model in models if model != "ours"]:
            theirs = times[name, rival]
            rows.append(
                row(
                    f"{base}, against {NAMES[rival]}",
                    median(mine),
                    median(theirs),
                    unit="CPU ms",
                    bar=BARS.get((name, rival)),
                    speed=True,
                    **more | {"rival_range": [min(theirs), max(theirs)]},
                )
            )
        if len(models) == 1:
            rows.append(row(base, median(mine), None, unit="CPU ms", speed=True, **more))
    return rows


def molecules(count: int = 32) -> list[Atoms]:
    """Conformers of 3BPA (27 atoms), as RDKit embeds them."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles(BPA))
    AllChem.EmbedMultipleConfs(molecule, count, randomSeed=7)
    numbers = [atom.GetAtomicNum() for atom in molecule.GetAtoms()]
    return [Atoms(numbers, conformer.GetPositions()) for conformer in molecule.GetConformers()]


def silicon() -> list[Atoms]:
    """A periodic box of 216 silicon atoms, shaken."""
    crystal = bulk("Si", cubic=True) * (3, 3, 3)
    crystal.positions += np.random.default_rng(0).normal(0, 0.05, crystal.positions.shape)
    return [crystal]


SYSTEMS = {"molecules": molecules, "silicon": silicon}


if __name__ == "__main__":
    main()
