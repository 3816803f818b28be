"""How fast is a step of dynamics against other engines? OpenMM, jax-md, torch-sim; MACE through ASE.

    python -m benchmarks.rivals.install openmm jaxmd mace
    python -m benchmarks.rivals.install torchsim --python /path/to/python3.12
    python -m benchmarks.dynamics_engines

The liquid argon of `dynamics_speed`, one thread, ours in float32 and its energy drift printed, float64
beside it; one box at constant energy, 64 boxes in a heat bath. Then ethanol with our potential as it
ships, against MACE of the usual small size. Each rival runs in a process of its own, in its own
environment (`rivals/liquids.py`); all take turns, round after round. Costs are CPU seconds of a step,
the median of the rounds.
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import torch
from ase import Atoms
from ase.build import molecule

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write
from benchmarks.dynamics_speed import ARGON, CUTOFF, DENSITY, DT, KELVIN, Runner, drift, ours
from mdlearn.dynamics.compiling import compiled
from mdlearn.dynamics.integrators import State, Step, langevin, start, verlet
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.simulate import walk
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials.system import from_atoms
from mdlearn.potentials.weights import exact
from mdlearn.potentials.weights import load as load_potential
from mdlearn.units import fs

Runners = dict[str, Runner]

ONE = {"openmm": (0.42, 0.78), "jaxmd": (1.7, 3.1), "torchsim": (8.0, 14.0)}  # eager, compiled
MANY = {"torchsim": (7.0, 14.0)}
MOLECULE = {"mace": (4.0, 4.0)}
FRICTION = 0.001  # 1/fs


class Rival:
    """Another engine with its atoms, which takes turns with ours."""

    def __init__(self, worker: Worker, frames: Sequence[Atoms], **settings: object) -> None:
        first, self.worker, self.times = frames[0], worker, []
        told = worker.ask(
            "start",
            positions=[place for frame in frames for place in frame.positions.tolist()],
            side=float(first.cell[0, 0]),
            settings={
                "sigma": ARGON.sigma, "epsilon": ARGON.epsilon, "cutoff": CUTOFF, "kelvin": KELVIN,
                "dt": DT / fs, "mass": float(first.get_masses()[0]), "boxes": len(frames),
                "numbers": first.numbers.tolist(), **settings,
            },
        )  # fmt: skip
        self.version, self.list = told["version"], told["list"]

    def turn(self, seconds: float) -> None:
        """One timing of about so many CPU seconds; the first is a warm-up."""
        self.times.append(self.worker.ask("turn", seconds=seconds)["cost"])

    cost = Runner.cost


def argon(frames: Sequence[Atoms], step_of: Callable[..., Step], models: Sequence[str]) -> Runners:
    """Ours for boxes of argon: as it is, in float64, compiled."""
    system = from_atoms(frames)
    mine = {"eager": ours(system, ARGON, step_of, torch.float32)}
    mine["eager, float64"] = ours(system, ARGON, step_of, torch.float64)
    if "compiled" in models:
        mine["compiled"] = ours(system, compiled(ARGON), step_of, torch.float32)
    return mine


def ethanol(frames: Sequence[Atoms], models: Sequence[str]) -> Runners:
    """Ours for a molecule: the shipped potential, as it is and compiled."""
    potential = exact(load_potential("ethanol"), torch.float32)
    kinds = {"eager": potential}
    if "compiled" in models:
        kinds["compiled"] = compiled(potential)
    mine = {}
    for name, kind in kinds.items():
        kept = [start(potential, from_atoms(frames, dtype=torch.float32), temperature=300)]
        step = verlet(kind, 0.5 * fs)

        def advance(steps: int, kept: list[State] = kept, step: Step = step) -> None:
            for _, now in walk(step, kept[0], steps, Source(kept[0].system, 0)):
                kept[0] = now

        mine[name] = Runner(advance, 2, [])
    return mine


def main(arguments: Sequence[str] | None = None) -> None:
    """Time all engines in turn, print the table, write the results."""
    parser = argparse.ArgumentParser(description="Time engines of dynamics.")
    parser.add_argument(
        "--models", default="ours,compiled,openmm,jaxmd,torchsim,mace", help="ours, and rivals"
    )
    parser.add_argument("--cases", default="one,many,ethanol", help="what to simulate")
    parser.add_argument("--side", type=int, default=6, help="lattice cells; 6 are 864 atoms")
    parser.add_argument("--boxes", type=int, default=64, help="replicas of 108 atoms")
    parser.add_argument("--rounds", type=int, default=5, help="the median is over these")
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU seconds of one timing")
    parser.add_argument("--drift", type=int, default=2000, help="steps over which energy drifts")
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    models, rows, packages = options.models.split(","), [], {}
    bath = partial(langevin, dt=DT, temperature=KELVIN, friction=FRICTION / fs)
    liquids = {
        "one": ([liquid(options.side, DENSITY)], partial(verlet, dt=DT), 0.0, ONE),
        "many": ([liquid(3, DENSITY, seed=k) for k in range(options.boxes)], bath, FRICTION, MANY),
    }
    for case in options.cases.split(","):
        if case == "ethanol":
            frames, step_of, friction, bars = [molecule("CH3CH2OH")], None, 0.0, MOLECULE
            what, mine, more = "ethanol, learned potential, NVE", ethanol(frames, models), {}
        else:
            frames, step_of, friction, bars = liquids[case]
            kind = f"{len(frames)} replicas × 108 atoms, Langevin" if friction else "NVE"
            what = f"argon, {kind}" if friction else f"argon, {len(frames[0])} atoms, NVE"
            mine, more = argon(frames, step_of, models), drifts(options.drift)
        with ExitStack() as stack:
            begin = partial(Worker, rivals=options.rivals, module="benchmarks.rivals.liquids")
            rivals = {
                name: Rival(stack.enter_context(begin(name)), frames, friction=friction)
                for name in models
                if name in bars
            }
            for _ in range(options.rounds + 1):
                for runner in (*mine.values(), *rivals.values()):
                    runner.turn(options.seconds)
        rows += compared(what, mine, rivals, bars, more)
        packages |= {name: rival.version for name, rival in rivals.items()}
    print(table(rows))
    print(write("dynamics_engines", rows, packages, options.results))


def drifts(steps: int) -> dict[str, float]:
    """Energy that constant-energy dynamics of 108 atoms gains."""
    kinds = {"float32": torch.float32, "float64": torch.float64}
    return {f"drift in {name} (meV/atom/ps)": drift(kind, steps) for name, kind in kinds.items()}


def compared(what: str, mine: Runners, rivals: dict[str, Rival], bars: dict, more: dict) -> list:
    """Each of ours against each rival, or alone."""
    rows = []
    for kind, runner in mine.items():
        cost = 1000 * runner.cost
        for name, rival in rivals.items():
            bar = None if "float64" in kind else bars[name][kind == "compiled"]
            extra = more | ({"list": rival.list} if rival.list else {})
            rows.append(
                row(
                    f"{what}, {kind}, against {name}", cost, 1000 * rival.cost,
                    unit="CPU ms a step", bar=bar, speed=True, **extra,
                )
            )  # fmt: skip
        if not rivals:
            rows.append(
                row(f"{what}, {kind}", cost, None, unit="CPU ms a step", speed=True, **more)
            )
    return rows


if __name__ == "__main__":
    main()
