"""What is a GPU worth? Dynamics, training, folding and property models on the GPU and on one core beside it.

    python -m benchmarks.accelerator

Needs an NVIDIA GPU; says so and ends where there is none. A GPU's time is wall time from the first
launch to the last result, a core's are CPU seconds of one thread of the same machine; both are medians
of a few rounds after a warm-up. Chapter 22 shows this table.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median

import torch
from ase.build import molecule

from benchmarks.common import RESULTS, row, table, write
from mdlearn.data.fetch import load
from mdlearn.dynamics.capture import captured
from mdlearn.dynamics.compiling import compiled
from mdlearn.dynamics.integrators import langevin, start, verlet
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.simulate import walk
from mdlearn.lessons.ch21 import liquid
from mdlearn.optimizer import Soap
from mdlearn.potentials.ace import ACE
from mdlearn.potentials.fit import Labelled, force_loss, prepare
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import System, from_atoms
from mdlearn.potentials.weights import exact
from mdlearn.potentials.weights import load as load_potential
from mdlearn.units import fs, gram_per_cm3, ps

DENSITY = 1.374 * gram_per_cm3 / 39.948  # atoms/Å³
ROUNDS = 3
Rows = Iterator[dict[str, object]]


def cost(work: Callable[[int], object], device: str, seconds: float) -> float:
    """Seconds of one step of `work(steps)`: the median of a few rounds, each of about so long."""
    times, steps = [], 2
    clock = time.perf_counter if device == "cuda" else time.process_time
    for _ in range(ROUNDS + 2):
        begun = clock()
        work(steps)
        if device == "cuda":
            torch.cuda.synchronize()
        times.append((clock() - begun) / steps)
        steps = max(1, round(seconds / times[-1]))
    return median(times[2:])


def moving(step: Callable, state: object) -> Callable[[int], None]:
    """So many steps of dynamics, neighbor tables included, each call going on from the last."""
    kept, noise = [state], Source(state.system, 0)

    def advance(steps: int) -> None:
        for _, now in walk(step, kept[0], steps, noise):
            kept[0] = now

    return advance


def dynamics(
    what: str, system: System, potential: object, make: Callable, seconds: float, temperature: float
) -> Rows:
    """One system on the core, on the GPU, and on the GPU as a captured graph."""
    measured = {}
    for device, kind in (("cpu", "core"), ("cuda", "GPU"), ("cuda", "GPU, captured")):
        model = potential.to(device) if hasattr(potential, "to") else potential
        if isinstance(model, LennardJones):
            model = compiled(model, device=device, report=None)
        step = make(model)
        state = start(model, system.to(device), temperature=temperature, skin=1.0)
        step = captured(step) if "captured" in kind else step
        measured[kind] = 1000 * cost(moving(step, state), device, seconds)
    for kind in ("GPU", "GPU, captured"):
        yield row(
            f"{what}, {kind} against one core", measured[kind], measured["core"],
            unit="ms a step", speed=True,
        )  # fmt: skip


def argon(sides: Sequence[int], seconds: float) -> Rows:
    """Boxes of liquid argon."""
    for side in sides:
        atoms = liquid(side, DENSITY)
        yield from dynamics(
            f"argon, {len(atoms)} atoms, NVE, compiled, float32",
            from_atoms(atoms, dtype=torch.float32), LennardJones(cutoff=8.5, ending="shift"),
            partial(verlet, dt=2 * fs), seconds, 190.0,
        )  # fmt: skip


def ethanol(counts: Sequence[int], seconds: float) -> Rows:
    """Replicas of a molecule with the shipped potential."""
    for count in counts:
        yield from dynamics(
            f"ethanol, learned potential, {count} replicas, Langevin, float32",
            from_atoms([molecule("CH3CH2OH")] * count, dtype=torch.float32),
            exact(load_potential("ethanol"), torch.float32),
            partial(langevin, dt=0.5 * fs, temperature=300.0, friction=1 / ps), seconds, 300.0,
        )  # fmt: skip


def training(batches: Sequence[int], seconds: float) -> Rows:
    """A step of training on ethanol's forces, the optimizer with it."""
    frames = [frame for frame in load("ethanol") if frame.info["split"] == "train"]
    for batch in batches:
        measured = {}
        for device in ("cpu", "cuda"):
            torch.manual_seed(0)
            model = ACE([1, 6, 8]).to(device)
            data = Labelled.from_atoms(frames, model.cutoff, device=device)
            loss = force_loss(data, scale=prepare(model, data))
            optimizer = Soap(model.parameters())
            rows = torch.randint(len(frames), (batch,), generator=torch.Generator().manual_seed(0))

            def descend(steps, model=model, loss=loss, optimizer=optimizer, rows=rows):
                for _ in range(steps):
                    optimizer.zero_grad()
                    loss(model, rows).backward()
                    optimizer.step()

            measured[device] = 1000 * cost(descend, device, seconds)
        yield row(
            f"training on ethanol, {batch} frames a step, GPU against one core",
            measured["cuda"], measured["cpu"], unit="ms a step", speed=True,
        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure everything in turn, print the table, write the results."""
    parser = argparse.ArgumentParser(description="Time a GPU against one core.")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one timing")
    parser.add_argument("--sides", default="6,14,30", help="lattice cells of argon")
    parser.add_argument("--replicas", default="1,64,1024", help="of ethanol")
    parser.add_argument("--batches", default="5,100", help="frames of a training step")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        raise SystemExit("no NVIDIA GPU here: nothing was measured, and results stay as they are")
    torch.set_num_threads(1)
    sides, replicas, batches = (
        [int(one) for one in text.split(",") if one]
        for text in (options.sides, options.replicas, options.batches)
    )
    rows = []
    seconds = options.seconds
    for one in chain(ethanol(replicas, seconds), argon(sides, seconds), training(batches, seconds)):
        rows.append({**one, "device": torch.cuda.get_device_name()})
        print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    print(table(rows))
    print(write("accelerator", rows, {}, options.results))


if __name__ == "__main__":
    main()
