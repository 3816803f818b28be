"""How fast is a step of dynamics? Ours, eager and compiled, against ASE and vesin, on one thread.

    python -m benchmarks.dynamics_speed

Liquid argon (σ 3.405 Å, cutoff 8.5 Å, 1.374 g/cm³, 2 fs), analytic forces, ours in float32 with its
energy drift printed and float64 beside it, ASE in float64 as it is. All run in one process and take
turns, round after round; costs are CPU seconds, the median of the rounds.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import torch
from ase.build import molecule
from ase.calculators.lj import LennardJones as TheirLennardJones
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from ase.units import fs as ase_fs

from benchmarks.common import RESULTS, row, table, write
from mdlearn.dynamics.compiling import compiled
from mdlearn.dynamics.integrators import langevin, start, verlet
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.simulate import run, walk
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials import neighbors
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import from_atoms
from mdlearn.potentials.weights import exact
from mdlearn.potentials.weights import load as load_potential
from mdlearn.units import fs, gram_per_cm3, ps

DENSITY = 1.374 * gram_per_cm3 / 39.948  # atoms/Å³
KELVIN, DT, CUTOFF, SKIN = 94.4, 2 * fs, 8.5, 0.8
ARGON = LennardJones(cutoff=CUTOFF, ending="shift")


@dataclass
class Runner:
    """Something that takes so many steps and tells the CPU seconds of one."""

    advance: Callable[[int], object]
    steps: int
    times: list[float]

    def turn(self, seconds: float) -> None:
        """One timing of about so many CPU seconds; the first is a warm-up."""
        begun = time.process_time()
        self.advance(self.steps)
        cost = (time.process_time() - begun) / self.steps
        self.times.append(cost)
        self.steps = max(1, round(seconds / cost))

    @property
    def cost(self) -> float:
        """Median of the timings after the warm-up (CPU s a step)."""
        return median(self.times[1:])


def ours(system, potential, step_of, dtype) -> Runner:
    """Our engine, melted a little, ready to go on."""
    state = start(potential, system.to(dtype), temperature=2 * KELVIN, skin=SKIN)
    state = run(langevin(potential, DT, KELVIN, 2 / ps), state, 60, every=60).last
    noise, step, kept = Source(state.system, 0), step_of(potential), [state]

    def advance(steps: int) -> None:
        for _, state in walk(step, kept[0], steps, noise):
            kept[0] = state

    return Runner(advance, 20, [])


def theirs(atoms, bath: bool) -> Runner:
    """ASE with its own Lennard-Jones potential."""
    atoms = atoms.copy()
    atoms.calc = TheirLennardJones(
        sigma=ARGON.sigma, epsilon=ARGON.epsilon, rc=CUTOFF, smooth=False
    )
    rng = np.random.default_rng(0)
    atoms.set_momenta(
        rng.normal(0, np.sqrt(atoms.get_masses()[:, None] * KELVIN * 8.617e-5), (len(atoms), 3))
    )
    if bath:
        dynamics = Langevin(
            atoms, 2 * ase_fs, temperature_K=KELVIN, friction=0.001 / ase_fs, rng=rng
        )
    else:
        dynamics = VelocityVerlet(atoms, 2 * ase_fs)
    return Runner(dynamics.run, 1, [])


def drift(dtype: torch.dtype, steps: int) -> float:
    """Energy gained in constant-energy dynamics (meV/atom/ps), of 108 atoms."""
    state = start(
        ARGON, from_atoms(liquid(3, DENSITY), dtype=dtype), temperature=2 * KELVIN, skin=0.2
    )
    path = run(verlet(ARGON, DT), state, steps, every=max(1, steps // 50))
    total = (path.energies + path.kinetic).double()[:, 0] / 108 * 1000
    slope = np.polyfit(np.arange(len(total)) * path.every * DT / ps, total.numpy(), 1)[0]
    return abs(float(slope))


def argon(models: Sequence[str], seconds: float, rounds: int, quick: bool) -> list[dict]:
    """One box in constant-energy dynamics, and 64 boxes in a heat bath."""
    rows = []
    single, batch = (
        liquid(3 if quick else 6, DENSITY),
        [liquid(3, DENSITY, seed=k) for k in range(2 if quick else 64)],
    )
    cases = {
        f"argon, {len(single)} atoms, NVE": ([single], partial(verlet, dt=DT), (22, 40)),
        f"argon, {len(batch)} replicas × 108 atoms, Langevin": (
            batch,
            partial(langevin, dt=DT, temperature=KELVIN, friction=1 / ps),
            (22, 45),
        ),
    }
    for what, (frames, step_of, bars) in cases.items():
        system = from_atoms(frames)
        runners = {"eager": ours(system, ARGON, step_of, torch.float32)}
        runners["eager, float64"] = ours(system, ARGON, step_of, torch.float64)
        if "compiled" in models:
            runners["compiled"] = ours(system, compiled(ARGON), step_of, torch.float32)
        if "ase" in models:
            runners["ase"] = theirs(frames[0], bath=len(frames) > 1)
        for _ in range(rounds + 2):
            for runner in runners.values():
                runner.turn(seconds)
        rival = 1000 * runners["ase"].cost * len(frames) if "ase" in models else None
        more = {"drift in float32 (meV/atom/ps)": drift(torch.float32, 100 if quick else 2000)}
        more["drift in float64 (meV/atom/ps)"] = drift(torch.float64, 100 if quick else 2000)
        for name, bar in (("eager", bars[0]), ("compiled", bars[1]), ("eager, float64", None)):
            if name in runners:
                mine = 1000 * runners[name].cost
                against = ", against ASE" if rival else ""
                rows.append(
                    row(
                        f"{what}, {name}{against}",
                        mine,
                        rival,
                        unit="CPU ms a step",
                        bar=bar if rival else None,
                        speed=True,
                        **more,
                    )
                )
    return rows


def scaling(sides: Sequence[int], seconds: float, rounds: int) -> list[dict]:
    """Cost of a step against the number of atoms."""
    rows = []
    for side in sides:
        runner = ours(
            from_atoms(liquid(side, DENSITY)), ARGON, partial(verlet, dt=DT), torch.float32
        )
        for _ in range(rounds + 2):
            runner.turn(seconds)
        count = 4 * side**3
        rows.append(
            row(
                f"argon, {count} atoms, NVE, eager, per atom",
                1e6 * runner.cost / count,
                None,
                unit="CPU µs a step",
                speed=True,
            )
        )
    return rows


def ethanol(count: int, seconds: float, rounds: int) -> list[dict]:
    """The shipped potential: molecules in a batch against one after another."""
    potential = exact(load_potential("ethanol"), torch.float32)
    runners = {}
    for name, copies in (("batch", count), ("alone", 1)):
        system = from_atoms([molecule("CH3CH2OH")] * copies, dtype=torch.float32)
        state, step = start(potential, system, temperature=300), verlet(potential, 0.5 * fs)
        runners[name] = Runner(lambda n, s=state, step=step: run(step, s, n, every=n), 2, [])
    for _ in range(rounds + 2):
        for runner in runners.values():
            runner.turn(seconds)
    batch, alone = 1000 * runners["batch"].cost, 1000 * runners["alone"].cost
    what = f"ethanol, learned potential, {count} replicas in a batch against one after another"
    return [
        row(what, batch, count * alone, unit="CPU ms a step", bar=2, speed=True),
        row(
            "ethanol, learned potential, one molecule",
            alone,
            None,
            unit="CPU ms a step",
            speed=True,
        ),
    ]


def lists(models: Sequence[str], atoms: int, seconds: float, rounds: int) -> list[dict]:
    """Building a half list of random atoms, 5 Å, against vesin's."""
    side = (atoms / 0.05) ** (1 / 3)
    places = np.random.default_rng(0).uniform(0, side, (atoms, 3))
    from ase import Atoms

    system = from_atoms(Atoms(f"Ar{atoms}", places, cell=[side] * 3, pbc=True))

    def tabulate(n: int) -> None:
        for _ in range(n):  # none is kept, as with the rival
            neighbors.table(system, 5.0, half=True)

    runners = {"ours": Runner(tabulate, 1, [])}
    if "vesin" in models:
        from vesin import NeighborList

        theirs = NeighborList(cutoff=5.0, full_list=False)
        cell = np.eye(3) * side

        def build(n: int) -> None:
            for _ in range(n):
                theirs.compute(points=places, box=cell, periodic=True, quantities="ijS")

        runners["vesin"] = Runner(build, 1, [])
    for _ in range(rounds + 2):
        for runner in runners.values():
            runner.turn(seconds)
    rival = 1000 * runners["vesin"].cost if "vesin" in models else None
    against = ", against vesin" if rival else ""
    return [
        row(
            f"half list of {atoms} atoms, 5 Å, orthorhombic{against}",
            1000 * runners["ours"].cost,
            rival,
            unit="CPU ms",
            bar=1.1 if rival else None,
        )
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Time everything in turn, print the table, write the results."""
    parser = argparse.ArgumentParser(description="Time dynamics, ours and rivals'.")
    parser.add_argument("--models", default="ours,compiled,ase,vesin", help="ours, and rivals")
    parser.add_argument("--cases", default="argon,scaling,ethanol,lists", help="what to time")
    parser.add_argument("--rounds", type=int, default=5, help="the median is over these")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of one timing")
    parser.add_argument("--sides", default="3,6,12,29", help="lattice cells of the scaling curve")
    parser.add_argument("--quick", action="store_true", help="small systems, to see that it runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    models = options.models.split(",")
    sides = [2] if options.quick else [int(side) for side in options.sides.split(",")]
    clock = (options.seconds, options.rounds)
    cases = {
        "argon": lambda: argon(models, *clock, options.quick),
        "scaling": lambda: scaling([max(side, 3) for side in sides], *clock),
        "ethanol": lambda: ethanol(2 if options.quick else 64, *clock),
        "lists": lambda: lists(models, 500 if options.quick else 10_000, *clock),
    }
    rows = [entry for name in options.cases.split(",") for entry in cases[name]()]
    packages = {name: version(name) for name in ("ase", "vesin") if name in models}
    print(table(rows))
    print(write("dynamics_speed", rows, packages, options.results))


if __name__ == "__main__":
    main()
