"""Long runs: frames, a log and checkpoints on disk, and a restart that goes on with the same bits.

Memory stays as it is for hours: nothing is kept but the state. `simulate.run` is for short ones.
"""

import csv
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import iread, write
from safetensors import safe_open
from torch import Tensor

from mdlearn.dynamics.integrators import State, Step
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.observables import kinetic, temperatures
from mdlearn.dynamics.simulate import guard, walk
from mdlearn.files import replacing, write_tensors
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.system import to_atoms
from mdlearn.units import fs, ns, ps

CHECKPOINT, LOG = "checkpoint.safetensors", "log.csv"
DAY = 86_400  # seconds
COLUMNS = ["step", "time (ps)", "system", "potential (eV)", "kinetic (eV)", "temperature (K)"]


def record(
    step: Step,
    state: State,
    steps: int,
    folder: Path | str,
    *,
    dt: float,
    every: int = 100,
    checkpoint: int = 1000,
    seed: int | Sequence[int] = 0,
    stop: Callable[[State], str] | None = None,
    report: Callable[[str], None] | None = print,
) -> State:
    """Run into a folder; called again after a kill, it goes on from the last checkpoint.

    Writes `trajectory.xyz` (extended XYZ, Å and eV; `trajectory_000.xyz` and on for a batch), `log.csv`
    and `checkpoint.safetensors`. The neighbor table is made anew at each checkpoint, so a restarted
    run and one that was never stopped give the same bits.

    Args:
        step: From `integrators` or `ensembles`.
        state: Where to start, if there is no checkpoint.
        steps: How many steps in all.
        folder: Made if it is not there.
        dt: Time step, for times in the files.
        every: Write a frame after this many steps.
        checkpoint: Save after this many steps, a multiple of `every`.
        seed: Of the noise; several, one for each system.
        stop: Looks at each frame; a sentence stops the run.
        report: Told at each checkpoint how far and how fast.

    Raises:
        ValueError: A checkpoint of another system or run.
        OSError: The folder cannot be written.
        FloatingPointError: The simulation exploded: names step, atom and force.
    """
    if every < 1 or checkpoint % every:
        raise ValueError(f"checkpoint must be a multiple of every, got {checkpoint} and {every}")
    folder, say = _writable(Path(folder)), report or (lambda text: None)
    files = _files(folder, state.system.systems)
    noise = Source(state.system, seed)
    made = {
        "every": every,
        "checkpoint": checkpoint,
        "seed": list(np.ravel(seed).tolist()),
        "dt": dt,
    }
    if (folder / CHECKPOINT).exists():
        number, state = _resume(folder, state, noise, made)
        say(f"going on from step {number}")
    else:
        number = 0
        guard(state, 0)
        _begin(files, folder / LOG)
        state = _save(folder, state, noise, 0, made, files)
    begun, first, why = time.perf_counter(), number, ""
    while number < steps and not why:
        part = min(checkpoint - number % checkpoint, steps - number)
        for offset, now in walk(step, state, part, noise):
            if (number + offset) % every == 0:
                guard(now, number + offset)
                _write_frame(now, number + offset, dt, files, folder / LOG)
                why = stop(now) if stop else ""
                if why:
                    break
        number, state = number + offset, _save(folder, now, noise, number + offset, made, files)
        speed = (number - first) * dt / ns / (time.perf_counter() - begun) * DAY
        warmth = float(temperatures(state).mean())
        say(
            f"{number}/{steps} steps, {number * dt / ps:.2f} ps, {warmth:.0f} K, {speed:.2f} ns/day"
        )
    if why:
        say(f"stopped at step {number}: {why}")
    return state


def read_log(folder: Path | str) -> dict[str, np.ndarray]:
    """The log as columns."""
    with (Path(folder) / LOG).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    if not rows:
        raise ValueError(f"the log in {Path(folder).name}/ has no frames yet")
    names = [name for name, value in rows[0].items() if value is not None]  # no cell, no volume
    return {name: np.array([float(row[name]) for row in rows]) for name in names}


def export_dcd(trajectory: Path | str, target: Path | str) -> int:
    """Copy a trajectory to a DCD file, frame by frame, through MDTraj; returns the number of frames.

    Raises:
        ImportError: MDTraj is not installed.
    """
    try:
        from mdtraj.formats import DCDTrajectoryFile
    except ImportError as error:
        raise ImportError("DCD files are written by MDTraj: pip install mdtraj") from error
    count = 0
    with DCDTrajectoryFile(str(target), "w", force_overwrite=True) as stream:
        for frame in iread(trajectory, index=":"):
            cell = frame.cell.cellpar() if frame.pbc.any() else None
            lengths, angles = (None, None) if cell is None else (cell[None, :3], cell[None, 3:])
            stream.write(frame.positions[None].astype(np.float32), lengths, angles)
            count += 1
    return count


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / ".test") as part:
            part.touch()
        (folder / ".test").unlink()
    except OSError as error:
        raise OSError(
            f"cannot write a trajectory into {folder.name}/: {error.strerror}; choose another folder"
        ) from error
    return folder


def _files(folder: Path, systems: int) -> list[Path]:
    if systems == 1:
        return [folder / "trajectory.xyz"]
    return [folder / f"trajectory_{number:03d}.xyz" for number in range(systems)]


def _begin(files: Sequence[Path], log: Path) -> None:
    for file in files:
        file.write_text("")
    with log.open("w", newline="") as stream:
        csv.writer(stream).writerow([*COLUMNS, "volume (Å³)"])


def _write_frame(state: State, number: int, dt: float, files: Sequence[Path], log: Path) -> None:
    """A frame of each system to its file, a line of each to the log."""
    rows = [state.energies, kinetic(state), temperatures(state)]
    if state.system.cell is not None:
        rows.append(state.system.volumes())
    host = torch.stack(rows).double().cpu().tolist()
    velocities = state.velocities.detach().double().cpu().numpy()
    index = state.system.index.cpu().numpy()
    for one, (frame, file) in enumerate(zip(to_atoms(state.system), files, strict=True)):
        frame.set_velocities(velocities[index == one])
        frame.info.update(step=number, time_fs=number * dt / fs, temperature=host[2][one])
        frame.calc = SinglePointCalculator(frame, energy=host[0][one])
        write(file, frame, format="extxyz", append=True)
    with log.open("a", newline="") as stream:
        lines = csv.writer(stream)
        for one in range(state.system.systems):
            values = [f"{row[one]:.10g}" for row in host]
            lines.writerow([number, f"{number * dt / ps:.6g}", one, *values])


def _save(
    folder: Path, state: State, noise: Source, number: int, made: dict, files: Sequence[Path]
) -> State:
    """Write a checkpoint; returns the state with a fresh neighbor table."""
    system = state.system
    half = system.pairs is not None
    fresh = table(system, system.cutoff, skin=min(system.reach - system.cutoff, 1e3), half=half)
    state = replace(state, system=fresh)
    tensors = {name: value for name, value in vars(state).items() if isinstance(value, Tensor)}
    tensors |= {"positions": fresh.positions, "numbers": fresh.numbers} | noise.state()
    if fresh.cell is not None:
        tensors["cell"] = fresh.cell
    tensors = {name: value.detach().cpu() for name, value in tensors.items()}
    sizes = {path.name: path.stat().st_size for path in [*files, folder / LOG]}
    notes = {"step": str(number), "run": json.dumps(made), "sizes": json.dumps(sizes)}
    with replacing(folder / CHECKPOINT) as part:
        write_tensors(part, tensors, notes)
    return state


def _resume(folder: Path, state: State, noise: Source, made: dict) -> tuple[int, State]:
    """The step and state of the checkpoint; files are cut to where they were then."""
    with safe_open(folder / CHECKPOINT, "pt") as stored:
        notes = stored.metadata()
        found = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    if not torch.equal(found["numbers"], state.system.numbers.cpu()):
        raise ValueError(f"the checkpoint in {folder.name}/ is of other atoms; use another folder")
    if json.loads(notes["run"]) != made:
        raise ValueError(
            f"the checkpoint in {folder.name}/ is of a run with {notes['run']}, now it is "
            f"{json.dumps(made)}; use the same settings, or another folder"
        )
    for name, size in json.loads(notes["sizes"]).items():
        os.truncate(folder / name, size)
    noise.restore(found)
    device, old = state.system.positions.device, state.system
    found = {name: value.to(device) for name, value in found.items()}
    system = replace(old, positions=found["positions"], cell=found.get("cell"))
    skin = min(old.reach - old.cutoff, 1e3)
    system = table(system, old.cutoff, skin=skin, half=old.pairs is not None)
    state = State(
        system,
        found["velocities"],
        found["forces"],
        found["energies"],
        found["masses"],
        found.get("virial"),
    )
    return int(notes["step"]), state
