r"""How good is a potential after a minute, or five, of one core? Ours against MACE and PaiNN.

    python -m benchmarks.rivals.install
    python -m benchmarks.force_field_training --data ethanol --budget 60
    python -m benchmarks.force_field_training --data ethanol --budget 300 \
        --models ours,mace,painn,painn+soap --rates ours=0.01 mace=0.04 painn=0.01 painn+soap=0.01
    python -m benchmarks.force_field_training --data rmd17like
    python -m benchmarks.force_field_training --data 3bpa --budget 3600 --seeds 1 --models ours

Every model goes through the same lines: `mdlearn.train` with its schedule run by CPU seconds, the same
loss, batches of 5, the same frames. A rival has Adam (AMSGrad, as in MACE's own script; SchNetPack's is
AdamW), and once more, without a bar, our optimizer. Three learning rates of each are tried at a short budget and judged
on validation frames; then each seed has its own split, and the test frames (other trajectories) are
looked at. Each run is kept in a file of JSON lines: killed and started again, nothing is done twice.
After a change of the code start a new file with --log.
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from ase import Atoms

from benchmarks.common import RESULTS, RIVALS, Worker, append, mean, row, stored, table, write
from mdlearn.data.fetch import load

RATES = {  # with an optimizer, after the plus, that is not the usual one of the model
    "ours": "0.005,0.01,0.02",
    "mace": "0.01,0.02,0.04",
    "painn": "0.005,0.01,0.02",
    "mace+soap": "0.01,0.02,0.04",
    "painn+soap": "0.005,0.01,0.02",
}
USUAL = {"ours": "soap", "mace": "adam", "painn": "adam"}
NAMES = {"mace": "MACE 32x0e+32x1o", "painn": "PaiNN-64"}
NAMES |= {f"{model}+soap": f"{name} with our optimizer" for model, name in NAMES.items()}
BARS = {  # of the ratio of force errors, by set, training frames and budget
    ("ethanol", 950, 60): {"mace": 0.35, "painn": 0.55},
    ("ethanol", 950, 300): {"mace": 0.42, "painn": 0.52},
    ("rmd17like", 50, 60): {"ours": 45.0},  # meV/Å
}
Frames = list[Atoms]
Run = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A set, how it is used, and what is said about it in the results."""

    train: int
    models: str
    score: str
    title: str


KINDS = {
    "ethanol": Kind(
        950, "ours,mace,painn,mace+soap,painn+soap", "force_mae", "ethanol, unseen trajectories"
    ),
    "rmd17like": Kind(50, "ours", "force_mae", "ethanol from few frames, unseen trajectories"),
    "3bpa": Kind(
        450, "ours", "force_rmse", "3BPA trained at 300 K, mixed-T file (not the published test)"
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Choose learning rates, train all models with all seeds, print the table, write the results."""
    options = parse(arguments)
    pool, test = frames(options.data)
    log, runs = options.log, stored(options.log)
    common = {"data": options.data, "train": options.train, "hold": options.valid}
    packages: dict[str, str] = {}

    def score(name: str, rate: float, budget: float, seed: int) -> Run:
        model, _, optimizer = name.partition("+")
        key = {**common, "model": model, "optimizer": optimizer or USUAL[model], "rate": rate}
        key |= {"budget": budget, "seed": seed}
        key["frames"] = fingerprint(pool, test)
        key |= {} if options.device == "cpu" else {"device": options.device}
        done = [run for run in runs if key.items() <= run.items()]
        if not done:
            parts = split(pool, test, options.train, options.valid, seed)
            answer, versions = train(parts, model, key, options.rivals)
            done = [key | answer | {"versions": versions, "date": date.today().isoformat()}]
            runs.append(done[0])
            append(log, done[0])
        packages.update(done[0]["versions"])
        print(describe(done[0]), flush=True)
        return done[0]

    rates = {}
    for model, tried in options.rates.items():
        scan = [score(model, rate, options.scan, 0) for rate in tried]
        rates[model] = best(scan)["rate"]
        print(f"{model}: learning rate {rates[model]} of {tried}, by validation")
    final = {model: [] for model in rates}
    for seed in range(options.seeds):
        for model, rate in rates.items():
            final[model].append(score(model, rate, options.budget, seed))
    rows = compare(final, options)
    print(table(rows))
    print(write("force_field_training", rows, packages, options.results))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; what is not told depends on the set."""
    parser = argparse.ArgumentParser(description="Train potentials at equal cost.")
    parser.add_argument("--data", choices=KINDS, default="ethanol")
    parser.add_argument("--budget", type=float, default=60, help="CPU seconds of a training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, help="training frames")
    parser.add_argument("--valid", type=int, default=50, help="validation frames")
    parser.add_argument("--models", help="ours, and rivals")
    parser.add_argument("--rates", nargs="*", default=[], metavar="MODEL=RATE,RATE")
    parser.add_argument("--device", default="cpu", help="cpu or cuda; one thread drives a GPU")
    parser.add_argument("--scan", type=float, default=60, help="CPU seconds of a trial of a rate")
    parser.add_argument("--rivals", type=Path, default=RIVALS, help="folder of environments")
    parser.add_argument("--log", type=Path, default=RESULTS / "force_field_training.jsonl")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    kind = KINDS[options.data]
    options.train = options.train or kind.train
    told = RATES | dict(word.split("=") for word in options.rates)
    options.rates = {
        model: [float(rate) for rate in told[model].split(",")]
        for model in (options.models or kind.models).split(",")
    }
    return options


def frames(data: str) -> tuple[Frames, Frames]:
    """What may be trained on, and the test frames."""
    if data == "3bpa":
        return load("3bpa", part="train_300K"), load("3bpa", part="train_mixedT")
    everything = load("ethanol")
    pool = [frame for frame in everything if frame.info["split"] == "train"]
    return pool, [frame for frame in everything if frame.info["split"] == "test"]


def split(pool: Frames, test: Frames, train: int, valid: int, seed: int) -> dict[str, Frames]:
    """Training and validation frames, drawn anew for each seed; the test stays."""
    if train + valid > len(pool):
        raise ValueError(
            f"{train} training and {valid} validation frames were asked of {len(pool)}; "
            "lower --train or --valid"
        )
    chosen = [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))]
    return {"train": chosen[:train], "valid": chosen[train : train + valid], "test": test}


def arrays(parts: dict[str, Frames]) -> Iterator[tuple[str, np.ndarray]]:
    """Frames of one molecule as named arrays (Å, eV, eV/Å)."""
    yield "numbers", next(iter(parts.values()))[0].numbers
    for part, chosen in parts.items():
        yield f"{part}_positions", np.stack([frame.positions for frame in chosen])
        yield f"{part}_energies", np.array([frame.get_potential_energy() for frame in chosen])
        yield f"{part}_forces", np.stack([frame.get_forces() for frame in chosen])


def fingerprint(pool: Frames, test: Frames) -> str:
    """Changes when the frames or their labels do."""
    content = b"".join(values.tobytes() for _, values in arrays({"pool": pool, "test": test}))
    return hashlib.sha256(content).hexdigest()[:12]


def train(
    parts: dict[str, Frames], model: str, told: Run, rivals: Path
) -> tuple[Run, dict[str, str]]:
    """One training in a process of its own: `told` says how, and names a device if not the CPU."""
    names = ("optimizer", "rate", "budget", "seed", "device")
    told = {name: told[name] for name in names if name in told}
    with TemporaryDirectory() as folder, Worker(model, rivals) as worker:
        file = Path(folder) / "frames.npz"
        np.savez(file, **dict(arrays(parts)))
        answer = worker.ask("train", data=str(file), **told)
        return answer, worker.ask("packages")


def best(scan: Sequence[Run]) -> Run:
    """The run with the lowest validation error of the forces; a run that failed is none."""
    alive = [run for run in scan if "failure" not in run]
    if not alive:
        raise ValueError(f"all learning rates failed: {scan[0]['failure']}; try lower --rates")
    return min(alive, key=lambda run: run["valid"]["force_mae"])


def describe(run: Run) -> str:
    """A run in one line."""
    head = f"{run['model']:6} {run['optimizer']} {run['rate']:<6g} {run['budget']:g} s seed {run['seed']}: "
    if "failure" in run:
        return head + run["failure"]
    valid, test = run["valid"], run["test"]
    return head + (
        f"forces {valid['force_mae']:.1f} meV/Å on validation, {test['force_mae']:.1f} on test "
        f"(rmse {test['force_rmse']:.1f}), energies {test['energy_mae']:.2f} meV/atom, "
        f"{run['steps']} steps of {run['ms_per_step']:.1f} ms"
    )


def compare(final: dict[str, list[Run]], options: argparse.Namespace) -> list[dict[str, object]]:
    """Rows of the results: our test errors against each rival's, means over the seeds."""
    kind = KINDS[options.data]
    bars = BARS.get((options.data, options.train, int(options.budget)), {})
    beside = "" if options.device == "cpu" else " of the thread that drives a GPU"
    rows = []
    for quantity, unit in ((kind.score, "meV/Å"), ("energy_mae", "meV/atom")):
        title = (
            f"{quantity.replace('_', ' ')} after {options.budget:g} CPU s{beside}, {kind.title}, "
            f"{options.train} training frames"
        )
        values = {  # a run that came to nothing has no test
            model: [run["test"][quantity] for run in runs if "test" in run]
            for model, runs in final.items()
        }
        ours, error = mean(values["ours"])
        more = {"ours_error": error, "ours_rate": final["ours"][0]["rate"], "seeds": options.seeds}
        more["finished"] = {model: len(found) for model, found in values.items()}
        judged = bars if quantity == kind.score else {}
        rows.append(row(title, ours, None, unit=unit, bar=judged.get("ours"), **more))
        for rival in [model for model in final if model != "ours"]:
            theirs, spread = mean(values[rival])
            told = more | {"rival_error": spread, "rival_rate": final[rival][0]["rate"]}
            what = f"{title}, against {NAMES[rival]}"
            rows.append(row(what, ours, theirs, unit=unit, bar=judged.get(rival), **told))
    return rows


if __name__ == "__main__":
    main()
