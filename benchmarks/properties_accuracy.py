"""How right are the models? Ours against chemprop 2.3.1 on the same scaffold splits, seed by seed.

    python -m benchmarks.rivals.install chemprop
    MDLEARN_DATA=… python -m benchmarks.properties_accuracy --sets freesolv,esol,lipo,bace,bbbp
    MDLEARN_DATA=… python -m benchmarks.properties_accuracy --split random --models blend --sets esol
    MDLEARN_DATA=… python -m benchmarks.properties_accuracy --device cuda --workers 10 --minutes 8

Both sides learn from the same train rows, and both may look at the same validation rows: chemprop
to choose its best epoch, ours to set the width of its intervals. Numbers are judged by RMSE,
classes by 1 − AUROC. Each run is a line of a log: stopped and started again, nothing is done
twice, and `--summary` writes the results of what is there; runs on a processor and runs on a GPU
are never put into one row. After a change of the code start a new file with --log.
"""

import argparse
import math
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import RESULTS, RIVALS, Worker, append, mean, row, stored, table, write
from benchmarks.properties_speed import molecules
from mdlearn.data.scaffolds import same_molecule, split_by_scaffold
from mdlearn.data.splits import Split, split_by_group
from mdlearn.parallel import completed
from mdlearn.properties.estimators import Blend, BoostedTrees, GraphNetwork, KernelMachine
from mdlearn.properties.model import INTERVALS
from mdlearn.uncertainty import coverage

CLASSES = ("bace", "bbbp", "hiv", "clintox")
OURS = {"network": GraphNetwork, "blend": Blend, "trees": BoostedTrees, "kernel": KernelMachine}
RIVAL, PACKAGES = "chemprop", {"chemprop": "2.3.1"}
BAR = 0.92  # of the blend's mean ratio over the sets
LEVEL = 1.05  # the same network should be as good as the rival's
PROMISED, CLOSE = 0.9, 0.03  # share of truths inside an interval; on random splits, within
Run = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train everything that is not in the log yet, print the table, write the results."""
    options = parse(arguments)
    torch.set_num_threads(1)
    if not options.summary:
        measure(options)
    runs = [run for run in stored(options.log) if wanted(run, options)]
    rows = summarized(runs, options)
    print(table(rows))
    print(write("properties_accuracy", rows, PACKAGES, options.results))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Accuracy of the property models.")
    parser.add_argument("--sets", default="freesolv,esol,lipo,bace,bbbp")
    parser.add_argument("--models", default="ours,chemprop", help="ours: network,blend")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--split", default="scaffold", choices=["scaffold", "random"])
    parser.add_argument("--device", default="cpu", help="where networks learn, theirs too")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time")
    parser.add_argument("--minutes", type=float, default=math.inf, help="none starts after these")
    parser.add_argument("--summary", action="store_true", help="train nothing, tell what is there")
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--log", type=Path, default=RESULTS / "properties_accuracy.jsonl")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    options.sets = options.sets.split(",")
    options.models = options.models.replace("ours", "network,blend").split(",")
    if unknown := set(options.models) - {*OURS, RIVAL}:
        parser.error(f"no model {', '.join(unknown)}; there are ours, {', '.join(OURS)}, {RIVAL}")
    return options


def wanted(run: Run, options: argparse.Namespace) -> bool:
    """Whether a run of the log belongs to the question asked."""
    return (
        run["set"] in options.sets
        and run["seed"] < options.seeds
        and run["epochs"] == options.epochs
        and run["split"] == options.split
        and run.get("device", "cpu") == options.device
    )


def measure(options: argparse.Namespace) -> None:
    """Make the runs that the log has not: the largest sets first, so that no long run comes last."""
    done = [{"device": "cpu"} | run for run in stored(options.log)]
    keys = [
        {"set": name, "seed": seed, "model": model, "epochs": options.epochs,
         "split": options.split, "device": options.device}
        for name in sorted(options.sets, key=lambda name: -len(molecules(name)[0]))
        for seed in range(options.seeds)
        for model in options.models
    ]  # fmt: skip
    left = [key for key in keys if not any(key.items() <= run.items() for run in done)]
    until = time.time() + 60 * options.minutes
    function = partial(one, rivals=options.rivals, until=until)
    for number, found in completed(function, left, workers=options.workers):
        if found is not None:
            append(options.log, left[number] | found)
    if rival.cache_info().currsize:
        rival(options.rivals).__exit__()


@cache
def rival(folder: Path) -> Worker:
    """The rival's process beside this one; it ends when its input does."""
    return Worker(RIVAL, folder, module="benchmarks.rivals.drugs")


def one(key: Run, rivals: Path, until: float) -> Run | None:
    """One training and its error on the test rows; none when the time is over."""
    if time.time() > until:
        return None
    torch.set_num_threads(1)
    smiles, labels = molecules(key["set"])
    kind = "classification" if key["set"] in CLASSES else "regression"
    split = parted(smiles, key["split"], key["seed"])
    if key["model"] != RIVAL:
        found = learned(key, kind, np.array(smiles), labels, split)
    else:
        answer = rival(rivals).ask(
            "fit", smiles=smiles, labels=labels[:, None].tolist(), kind=kind, seed=key["seed"],
            parts=[part.tolist() for part in split], epochs=key["epochs"], device=key["device"],
        )  # fmt: skip
        error = miss(kind, labels[split.test], np.array(answer["found"])[:, 0])
        found = {"seconds": answer["seconds"], "error": error}
    return found | ({"gpu": torch.cuda.get_device_name()} if key["device"] == "cuda" else {})


def learned(key: Run, kind: str, X: np.ndarray, labels: np.ndarray, split: Split) -> Run:
    """A model of ours: its error on the test rows, and how often its intervals hold."""
    begin, truth = time.process_time(), labels[split.test]
    settings = {}
    if key["model"] in ("network", "blend"):
        settings = {"epochs": key["epochs"], "device": key["device"]}
    model = OURS[key["model"]](task=kind, seed=key["seed"], holdout=0.0, **settings)
    aside = (X[split.valid], labels[split.valid]) if kind == "regression" else None
    model.fit(X[split.train], labels[split.train], calibration=aside)
    seconds = time.process_time() - begin
    if kind == "classification":
        found = model.predict_proba(X[split.test])[:, 1]
        return {"seconds": seconds, "error": miss(kind, truth, found)}
    covered = {}
    for interval in INTERVALS:
        if len(model.scores_[interval]):
            model.interval = interval
            ends = model.predict_interval(X[split.test])
            covered[f"coverage {interval}"] = coverage(truth, *ends)
    return {"seconds": seconds, "error": miss(kind, truth, model.predict(X[split.test])), **covered}


def parted(smiles: list[str], how: str, seed: int) -> Split:
    """Eight tenths to learn from, one to look at, one for the test; no molecule twice."""
    if how == "scaffold":
        return split_by_scaffold(smiles, seed=seed)
    return split_by_group(same_molecule(smiles), valid=0.1, test=0.1, seed=seed)


def miss(kind: str, truth: np.ndarray, found: np.ndarray) -> float:
    """RMSE, or 1 − AUROC."""
    if kind == "regression":
        return float(np.sqrt(((found - truth) ** 2).mean()))
    from sklearn.metrics import roc_auc_score

    return float(1 - roc_auc_score(truth, found))


def summarized(runs: Sequence[Run], options: argparse.Namespace) -> list[dict[str, object]]:
    """A line for each set and model of ours, and one for the blend over all sets."""
    rows, means = [], {}
    for model in [name for name in OURS if name in options.models]:
        for name in options.sets:
            mine = {run["seed"]: run for run in runs if (run["set"], run["model"]) == (name, model)}
            theirs = {
                run["seed"]: run for run in runs if (run["set"], run["model"]) == (name, RIVAL)
            }
            if mine:
                entry = compared(f"{model} on {name}, {options.split} split", name, mine, theirs)
                rows += [entry, *covering(model, name, list(mine.values()))]
                if entry["ratio"] is not None:
                    means[model, name] = entry["ratio"]
    blend = [value for (model, _), value in means.items() if model == "blend"]
    if blend:
        what = f"blend, mean ratio to {RIVAL} over {len(blend)} sets"
        rows.append(row(what, mean(blend)[0], None, unit="ratio", bar=BAR, sets=list(options.sets)))
    return rows


def compared(
    what: str, name: str, mine: dict[int, Run], theirs: dict[int, Run]
) -> dict[str, object]:
    """Ours on one set; the ratio is the mean of the paired ratios, with its standard error."""
    seeds = sorted(set(mine) & set(theirs)) or sorted(mine)
    ours, ours_error = mean([mine[k]["error"] for k in seeds])
    entry = row(
        what, ours, None, unit="1 - AUROC" if name in CLASSES else "RMSE", ours_error=ours_error,
        seeds=len(seeds), seconds=mean([mine[k]["seconds"] for k in seeds])[0],
        gpu=mine[seeds[0]].get("gpu"),
    )  # fmt: skip
    if not set(mine) & set(theirs):
        return entry
    ratios = [mine[k]["error"] / theirs[k]["error"] for k in seeds]
    ratio, error = mean(ratios)
    entry["rival"], entry["rival_error"] = mean([theirs[k]["error"] for k in seeds])
    bar = LEVEL if what.startswith("network") else 1.0 + (error or 0.0)
    return entry | {
        "ratio": ratio, "ratio_error": error, "ratios": ratios, "bar": bar, "holds": ratio <= bar,
        "rival_seconds": mean([theirs[k]["seconds"] for k in seeds])[0],
    }  # fmt: skip


def covering(model: str, name: str, runs: Sequence[Run]) -> list[dict[str, object]]:
    """How far each kind of interval is from the share that it promises."""
    rows, split = [], runs[0]["split"]
    for kind in INTERVALS:
        shares = [run[f"coverage {kind}"] for run in runs if f"coverage {kind}" in run]
        if shares:
            covered, error = mean(shares)
            rows.append(
                row(f"90 % intervals ({kind}) of {model} on {name}, {split} split, from the promise",
                    100 * abs(covered - PROMISED), None, unit="points",
                    bar=100 * CLOSE if split == "random" else None, coverage=covered,
                    coverage_error=error, seeds=len(shares))
            )  # fmt: skip
    return rows


if __name__ == "__main__":
    main()
