"""The curves of chapter 14: what a labelling budget in CPU seconds buys, spent in four ways.

    python -m mdlearn.recipes.price_of_data --frames 200 --budgets 60 120 240 480 --seeds 3

Every way starts from the same few labels of a seed, chosen by chance, and buys more in rounds until
the next budget is spent; a label costs what its calculation took. All networks train equally long,
counted in steps, so a busy machine does not change the result. A run is written down as soon as it
is done, and a killed recipe goes on where it was.
"""

import argparse
import hashlib
import json
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from jaxtyping import Real

from mdlearn.data.fetch import load
from mdlearn.files import replacing
from mdlearn.potentials.committee import (
    Committee,
    disagreement,
    distances,
    farthest,
    most_disputed,
)
from mdlearn.potentials.fit import Labelled, errors
from mdlearn.potentials.system import from_atoms
from mdlearn.recipes.grid import finished
from mdlearn.recipes.learning_curves import learn

RESULT = Path(__file__).parents[1] / "data" / "files" / "price_of_data_malonaldehyde.json"
WAYS = ("random", "committee", "farthest", "difference")
FRAMES = 200  # of the set, the first in its random order: labels that come later change nothing
BETWEEN = 450  # K; windows at this temperature are kept for the test on the way of the proton
MEMBERS, QUICK = 3, 200  # of the committee that chooses: how many, trained for how many steps


@dataclass(frozen=True)
class Job:
    """One way to spend, from the first labels to the last budget.

    Attributes:
        way: One of `WAYS`.
        seed: Of the first labels, the first weights and the batches.
        budgets: What is spent on labels by the end of each round (CPU s), rising.
        steps: Length of each training in optimizer steps.
        quick: The same for a member of a committee that chooses.
        frames: How many frames of the set are used.
    """

    way: str
    seed: int
    budgets: tuple[float, ...]
    steps: int
    quick: int
    frames: int


@dataclass(frozen=True)
class Parts:
    """The set, divided by trajectories.

    Attributes:
        pool: Geometries whose labels may be bought: windows at 300 and 600 K.
        way: Test frames all along the transfer: windows at 450 K.
        free: Test frames of free dynamics, as in equilibrium.
    """

    pool: list[Atoms]
    way: list[Atoms]
    free: list[Atoms]


@cache
def parts(frames: int = FRAMES, method: str = "dft") -> Parts:
    """The first frames of malonaldehyde with the labels of a method; `difference` is DFT − xTB."""
    if method == "difference":
        both = [parts(frames, one) for one in ("dft", "xtb")]
        return Parts(*(difference(*pair) for pair in zip(*map(_lists, both), strict=True)))
    found = load("malonaldehyde", method=method, frames=range(frames), report=None)
    held = [frame.info["temperature"] == BETWEEN for frame in found]
    test = [frame.info["split"] == "test" for frame in found]
    rows = list(zip(found, held, test, strict=True))
    return Parts(
        [frame for frame, between, tested in rows if not between and not tested],
        [frame for frame, between, tested in rows if between and not tested],
        [frame for frame, _, tested in rows if tested],
    )


def _lists(one: Parts) -> tuple[list[Atoms], list[Atoms], list[Atoms]]:
    return one.pool, one.way, one.free


def difference(dear: Sequence[Atoms], cheap: Sequence[Atoms]) -> list[Atoms]:
    """What a cheap method lacks: frames labelled with dear − cheap, which cost both.

    References:
        Ramakrishnan et al., J. Chem. Theory Comput. 11, 2087 (2015), doi:10.1021/acs.jctc.5b00099.
    """
    frames = []
    for a, b in zip(dear, cheap, strict=True):
        frame = a.copy()
        frame.info["seconds"] = a.info["seconds"] + b.info["seconds"]
        energy = a.get_potential_energy() - b.get_potential_energy()
        forces = a.get_forces() - b.get_forces()
        frame.calc = SinglePointCalculator(frame, energy=energy, forces=forces)
        frames.append(frame)
    return frames


def buy(order: Iterable[int], prices: Real[np.ndarray, " frames"], money: float) -> list[int]:
    """Rows in this order, as many as the money pays (CPU s); the first that is too dear ends it."""
    bought = []
    for row in order:
        money -= prices[row]
        if money < 0:
            break
        bought.append(int(row))
    return bought


def team(frames: Sequence[Atoms], *, seed: int, steps: int = QUICK) -> Committee:
    """A quick committee, trained alike on these frames from other first weights."""
    seeds = [1000 * (seed + 1) + member for member in range(MEMBERS)]
    return Committee([learn("equivariant", frames, seed=one, steps=steps)[0] for one in seeds])


def ranked(
    way: str, pool: Sequence[Atoms], known: Sequence[int], *, seed: int, steps: int = QUICK
) -> list[int]:
    """The rows of the pool that have no label yet, the first to buy first.

    Args:
        way: `random`; `committee`, where a committee trained on the known disagrees most; `farthest`,
            each the farthest from all before it. The difference method buys by chance.
        pool: All geometries; only the labels of the known ones are used.
        known: Rows that have labels.
        seed: Of the chance, and of the committee.
        steps: Training of each member of the committee.
    """
    rest = np.setdiff1d(np.arange(len(pool)), known)
    if way == "farthest":
        return farthest(distances(from_atoms(pool)), known, len(rest))
    if way == "committee":
        committee = team([pool[row] for row in known], seed=seed, steps=steps)
        frames = Labelled.from_atoms([pool[row] for row in rest], committee.members[0].cutoff)
        scores = disagreement(committee, frames, batch=20)  # small, to save memory
        return rest[most_disputed(scores, len(rest)).numpy()].tolist()
    order = np.random.default_rng(seed).permutation(len(pool))
    return order[np.isin(order, rest)].tolist()


def run(job: Job) -> dict[str, object]:
    """Spend round by round; after each, train a potential and test it.

    Returns:
        The job, and for each budget the labels bought, what they and the choosing cost so far
        (CPU s), and the errors on both tests (meV/Å, meV/atom).
    """
    torch.set_num_threads(1)
    mine = parts(job.frames, "difference" if job.way == "difference" else "dft")
    prices = np.array([frame.info["seconds"] for frame in mine.pool])
    known: list[int] = []
    rounds, choosing = [], 0.0
    for number, budget in enumerate(job.budgets):
        start = time.process_time()
        way = job.way if known else "random"
        order = ranked(way, mine.pool, known, seed=job.seed, steps=job.quick)
        choosing += time.process_time() - start
        known += buy(order, prices, budget - prices[known].sum())
        if number or job.way in ("random", "difference"):  # the first labels are common to all
            bought = [mine.pool[row] for row in known]
            potential, _ = learn("equivariant", bought, seed=job.seed, steps=job.steps)
            seen = {name: tested(potential, getattr(mine, name)) for name in ("free", "way")}
            rounds.append(
                {
                    "budget": budget,
                    "labels": len(known),
                    "spent": round(float(prices[known].sum()), 1),
                    "choosing": round(choosing, 1),
                    **seen,
                }
            )
    return asdict(job) | {"rounds": rounds, "rows": known}


def tested(potential: torch.nn.Module, frames: Sequence[Atoms]) -> dict[str, float]:
    """Errors on these frames (meV/Å, meV/atom)."""
    seen = errors(potential, Labelled.from_atoms(frames, potential.cutoff))
    return {name: round(value, 3) for name, value in seen.items()}


def fingerprint(frames: int) -> str:
    """A hash of the geometries and labels in use."""
    one = parts(frames, "difference")
    whole = [frame for part in _lists(one) for frame in part]
    content = b"".join(f.positions.tobytes() + f.get_forces().tobytes() for f in whole)
    return hashlib.sha256(content).hexdigest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the runs that are not yet written down, then write the result."""
    parser = argparse.ArgumentParser(description="What a labelling budget buys, in four ways.")
    parser.add_argument("--frames", type=int, default=FRAMES, help="of the set, the first ones")
    parser.add_argument("--budgets", type=float, nargs="+", default=[60, 120, 240, 480])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--steps", type=int, default=600, help="of each training")
    parser.add_argument("--quick", type=int, default=QUICK, help="steps of a committee's member")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--workers", type=int, default=1, help="processes, one thread each")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--work", type=Path, default=Path("runs/recipes"))
    options = parser.parse_args(arguments)
    data = fingerprint(options.frames)
    log = options.work / f"price_of_data-{data[:12]}.jsonl"
    jobs = [
        Job(way, seed, tuple(options.budgets), options.steps, options.quick, options.frames)
        for seed in range(options.seeds)
        for way in options.ways
    ]
    rows = finished(jobs, run, log, workers=options.workers)
    ship(options, data, rows)


def ship(options: argparse.Namespace, data: str, rows: Sequence[dict[str, object]]) -> None:
    """Write the result: how it was made, and every run."""
    used, cheap = parts(options.frames), parts(options.frames, "xtb")
    words = f"--frames {options.frames} --budgets {' '.join(f'{b:g}' for b in options.budgets)}"
    result = {
        "what": "force error against the price of labels, malonaldehyde ωB97X/6-31G* and GFN2-xTB",
        "ways": options.ways,
        "budgets (CPU s)": options.budgets,
        "seeds": options.seeds,
        "steps of a training": options.steps,
        "committee": {"members": MEMBERS, "steps of a training": options.quick},
        "frames used": options.frames,
        "frames": {"pool": len(used.pool), "way": len(used.way), "free": len(used.free)},
        "mean price of a label (CPU s)": {
            name: round(float(np.mean([frame.info["seconds"] for frame in one.pool])), 4)
            for name, one in (("dft", used), ("xtb", cheap))
        },
        "data": {"file": "malonaldehyde.npz", "sha256 of the frames used": data},
        "recipe": f"python -m mdlearn.recipes.price_of_data {words} --seeds {options.seeds} "
        f"--steps {options.steps} --quick {options.quick}",
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, one thread a run",
        "runs": list(rows),
    }
    with replacing(options.out) as part:
        part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
