"""Chapter 22, GPU-accelerated dynamics: a stopwatch, the plain sum over all pairs, exercises."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from mdlearn.dynamics.device import OneDevice
from mdlearn.dynamics.integrators import State, Step, start
from mdlearn.dynamics.noise import Source
from mdlearn.dynamics.observables import temperatures
from mdlearn.dynamics.simulate import walk
from mdlearn.lesson import Exercise, Wrong
from mdlearn.lessons.ch21 import liquid
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import from_atoms


def clock(work: Callable[[], object], *, seconds: float = 0.3, rounds: int = 3) -> float:
    """CPU seconds of one call: the median of a few rounds, after a warm-up."""
    work()
    times = []
    for _ in range(rounds):
        begun, calls = time.process_time(), 0
        while calls < 1 or time.process_time() - begun < seconds / rounds:
            work()
            calls += 1
        times.append((time.process_time() - begun) / calls)
    return median(times)


def step_cost(step: Step, state: State, steps: int) -> float:
    """CPU seconds of a step, rebuilding the neighbor list included."""
    begun = time.process_time()
    for _, _last in walk(step, state, steps, Source(state.system, 0)):
        pass
    return (time.process_time() - begun) / steps


def all_pairs(lj: LennardJones, positions: Tensor, length: float) -> tuple[Tensor, Tensor]:
    """Energy and forces of a cubic box, asking every atom about every other."""
    arrows = positions[None] - positions[:, None]
    arrows = arrows - length * torch.round(arrows / length)
    squares = arrows.square().sum(-1)
    squares.fill_diagonal_(lj.cutoff**2)
    energy, slope = lj.curve(squares)
    return 0.5 * energy.sum(), (slope[..., None] * arrows).sum(1)


@dataclass(frozen=True)
class Measured:
    """Times of a step of all replicas, measured once on another machine (ms).

    Attributes:
        device: Whose times.
        date: When.
        replicas: Molecules in the batch.
        times: By kind: "one core", "GPU", "GPU, captured".
    """

    device: str
    date: str
    replicas: list[int]
    times: dict[str, list[float]]


def gpu_results() -> Measured | None:
    """What `benchmarks/accelerator.py` measured of ethanol on a GPU; `None` where it was never run."""
    package = Path(__file__).parents[1]
    for folder in (package.parent / "benchmarks/results", package / "benchmarks"):
        path = folder / "accelerator.json"
        if path.is_file():
            break
    else:
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    times: dict[str, dict[int, float]] = {}
    dates = set()
    for row in result["rows"]:
        found = re.match(
            r"ethanol, learned potential, (\d+) replicas.*, (GPU.*) against", row["what"]
        )
        if found:
            count = int(found[1])
            times.setdefault("one core", {})[count] = row["rival"]
            times.setdefault(found[2], {})[count] = row["ours"]
            dates.add(row["date"])
    counts = sorted(times["one core"])
    columns = {kind: [values[count] for count in counts] for kind, values in times.items()}
    return Measured(result["machine"]["gpu"], max(dates), counts, columns)


def on_device(answer: Callable[[State, float], State]) -> str:
    """A function that scales velocities to a temperature without leaving the device."""
    frames = [liquid(1, 0.02, seed=seed) for seed in (0, 1)]
    state = start(LennardJones(cutoff=2.5), from_atoms(frames), temperature=80, seed=1)
    got = answer(state, 120.0)
    if not isinstance(got, State):
        raise Wrong(
            f"return a State (use replace(state, velocities=...)), got {type(got).__name__}"
        )
    kelvin = temperatures(got)
    if not torch.allclose(kelvin, torch.full_like(kelvin, 120.0), rtol=1e-6):
        raise Wrong(
            f"the two systems should both have 120 K, they have {kelvin[0]:.0f} and {kelvin[1]:.0f} K; "
            "each needs its own factor: scale[state.system.index]"
        )
    far = State(
        **{name: value.to("meta") for name, value in vars(state).items() if value is not None}
    )
    try:
        with OneDevice():
            answer(far, 120.0)
    except (RuntimeError, NotImplementedError) as error:
        told = str(error).splitlines()[0][:90]
        raise Wrong(
            f"right numbers, but the step leaves the device ({told}); no float(), no .item(), no if on "
            "a tensor, no new tensor without device="
        ) from None
    return "pure tensor work: it would run on a GPU without making the host wait"


def whole_speedup(answer: Callable[[float, float], float]) -> str:
    """A function: by how much a program gains when a share of it becomes faster."""
    for share, factor in ((0.8, 10.0), (0.5, 1e9), (0.95, 4.0)):
        got, true = float(answer(share, factor)), 1 / (1 - share + share / factor)
        if isclose(got, 1 + share * (factor - 1), rel_tol=1e-6) or isclose(
            got, share * factor, rel_tol=1e-6
        ):
            raise Wrong("speeds do not average, times do: add up the new times of both parts")
        if isclose(got, 1 / true, rel_tol=1e-6):
            raise Wrong("that is the new time; the speed-up is one over it")
        if not isclose(got, true, rel_tol=1e-6):
            raise Wrong("old time 1; the new one is what stays, 1 − share, plus share / factor")
    return (
        "what is left alone decides: half of a program made infinitely fast gives a factor of two"
    )


def days(answer: Callable[[float, float, float], float]) -> str:
    """A function: days of computing for some nanoseconds at a time step and a rate of steps."""
    for nano, femto, rate in ((100.0, 2.0, 1200.0), (1.0, 0.5, 80.0)):
        got, true = float(answer(nano, femto, rate)), nano * 1e6 / femto / rate / 86400
        if isclose(got, true * 86400, rel_tol=1e-6):
            raise Wrong("that is in seconds; a day has 86,400")
        if isclose(got, true * 24, rel_tol=1e-6):
            raise Wrong("that is in hours")
        if isclose(got * 1000, true, rel_tol=1e-6) or isclose(got / 1000, true, rel_tol=1e-6):
            raise Wrong("a thousand off: a nanosecond has 10⁶ femtoseconds")
        if not isclose(got, true, rel_tol=1e-6):
            raise Wrong("number of steps = time / dt; divide by steps per second, then by 86,400")
    return "ask this before a run, not after"


EXERCISES = {
    "22.1": Exercise(
        on_device,
        (
            "How does the temperature change when all velocities double? And whose number does an atom take?",
            "`temperatures(state)` gives one number for each system, as a tensor: stay with tensors.",
            "`scale = (kelvin / temperatures(state)) ** 0.5`, then `scale[state.system.index, None]`.",
        ),
    ),
    "22.2": Exercise(
        whole_speedup,
        (
            "Only a part of the time becomes shorter. What happens to the rest?",
            "Call the old time 1. What is the new time of each of the two parts?",
            "1 / (1 − share + share / factor)",
        ),
    ),
    "22.3": Exercise(
        days,
        (
            "Mind the units: a nanosecond has a million femtoseconds.",
            "How many steps are in the time?",
            "nano · 10⁶ / femto steps, at `rate` steps a second.",
        ),
    ),
}
