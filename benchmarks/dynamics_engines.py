"""How fast is a step of dynamics against other engines? Ours, eager and compiled; OpenMM and jax-md.

    python -m benchmarks.rivals.install openmm jaxmd
    python -m benchmarks.dynamics_engines

The liquid argon of `dynamics_speed`, constant energy, one thread, ours in float32. Each rival runs in
a process of its own, in its own environment (`rivals/liquids.py`); all take turns, round after round.
Costs are CPU seconds of a step, the median of the rounds.
"""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write
from benchmarks.dynamics_speed import ARGON, CUTOFF, DENSITY, DT, KELVIN, Runner, ours
from mdlearn.dynamics.compiling import compiled
from mdlearn.dynamics.integrators import verlet
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials.system import from_atoms
from mdlearn.units import fs

BARS = {"openmm": (0.42, 0.78), "jaxmd": (1.7, 3.1)}  # eager, compiled


class Rival:
    """Another engine with a box of argon, which takes turns with ours."""

    def __init__(self, worker: Worker, side: int) -> None:
        box = liquid(side, DENSITY)
        settings = {
            "sigma": ARGON.sigma, "epsilon": ARGON.epsilon, "cutoff": CUTOFF, "kelvin": KELVIN,
            "dt": DT / fs, "mass": float(box.get_masses()[0]),
        }  # fmt: skip
        self.worker, self.times = worker, []
        self.version = worker.ask(
            "start", positions=box.positions.tolist(), side=float(box.cell[0, 0]), settings=settings
        )["version"]

    def turn(self, seconds: float) -> None:
        """One timing of about so many CPU seconds; the first is a warm-up."""
        self.times.append(self.worker.ask("turn", seconds=seconds)["cost"])

    cost = Runner.cost


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all engines in turn, print the table, write the results."""
    parser = argparse.ArgumentParser(description="Time engines of dynamics.")
    parser.add_argument("--models", default="ours,compiled,openmm,jaxmd", help="ours, and rivals")
    parser.add_argument("--sides", default="6", help="lattice cells along a side; 6 are 864 atoms")
    parser.add_argument("--rounds", type=int, default=5, help="the median is over these")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of one timing")
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    models, rows, packages = options.models.split(","), [], {}
    for side in map(int, options.sides.split(",")):
        box, step_of = from_atoms(liquid(side, DENSITY)), partial(verlet, dt=DT)
        mine = {"eager": ours(box, ARGON, step_of, torch.float32)}
        if "compiled" in models:
            mine["compiled"] = ours(box, compiled(ARGON), step_of, torch.float32)
        with ExitStack() as stack:
            start = partial(Worker, rivals=options.rivals, module="benchmarks.rivals.liquids")
            names = [name for name in models if name in BARS]
            rivals = {name: Rival(stack.enter_context(start(name)), side) for name in names}
            for _ in range(options.rounds + 1):
                for runner in (*mine.values(), *rivals.values()):
                    runner.turn(options.seconds)
        rows += compared(f"argon, {4 * side**3} atoms, NVE", mine, rivals)
        packages |= {name: rival.version for name, rival in rivals.items()}
    print(table(rows))
    print(write("dynamics_engines", rows, packages, options.results))


def compared(what: str, mine: dict[str, Runner], rivals: dict[str, Rival]) -> list[dict]:
    """Each of ours against each rival, or alone."""
    rows = []
    for number, (kind, runner) in enumerate(mine.items()):
        cost = 1000 * runner.cost
        for name, rival in rivals.items():
            rows.append(
                row(
                    f"{what}, {kind}, against {name}", cost, 1000 * rival.cost,
                    unit="CPU ms a step", bar=BARS[name][number], speed=True,
                )
            )  # fmt: skip
        if not rivals:
            rows.append(row(f"{what}, {kind}", cost, None, unit="CPU ms a step", speed=True))
    return rows


if __name__ == "__main__":
    main()
