"""Couplings of the shipped families beside a public package for them: precision and CPU seconds.

    python -m benchmarks.structure_couplings

Both start from the same aligned file (rows with more than half gaps left out) and end at a score for
each pair of columns, one after the other, on one thread; what compiles on first use did so before, on
sixty sequences. The package is pydca (Zerihun et al., Bioinformatics 36, 2264 (2020)), its mean field.
"""

import argparse
import os
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.common import RESULTS, RIVALS, Worker, row, table, write
from mdlearn.structure.alignments import Alignment, focus, load_family
from mdlearn.structure.scores import contact_precision, distances
from mdlearn.structure.sequences import decode

CUTS = {"L/5 beyond 24": (24, 0.2), "L/2 beyond 12": (12, 0.5), "L beyond 6": (6, 1.0)}
SECONDS = 6.0  # wanted for DHFR


def main() -> None:
    """Couple, score, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["dhfr", "s1a", "rhomboid"])
    parser.add_argument("--models", nargs="+", default=["ours", "pydca"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rivals", type=Path, default=RIVALS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    os.environ["NUMBA_NUM_THREADS"] = "1"
    rows: list[dict] = []
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(name, options.rivals, module="benchmarks.rivals.dca"))
            for name in options.models
        }
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        versions = {
            package: version
            for worker in workers.values()
            for package, version in worker.ask("packages").items()
        }
        for name in options.sets:
            rows += one_family(name, workers, options.rounds, folder)
    rows += overall(rows)
    print(table(rows))
    write("structure_couplings", rows, versions, options.results)


def overall(rows: list[dict]) -> list[dict]:
    """Mean precision over all families and cuts, where there is a rival."""
    pairs = [(r["ours"], r["rival"]) for r in rows if r["what"].startswith("precision")]
    if not pairs or any(theirs is None for _, theirs in pairs):
        return []
    ours, theirs = np.mean(pairs, 0).tolist()
    told = row(f"precision, mean of {len(pairs)} families and cuts", ours, theirs, unit="ratio")
    return [told | {"holds": ours >= theirs, "sense": "at least"}]


def one_family(name: str, workers: dict[str, Worker], rounds: int, folder: Path) -> list[dict]:
    """Precision and time of everyone for one family."""
    alignment, native = load_family(name)
    family, residues = focus(alignment, native)
    dense = family.dense()
    path, few = folder / f"{name}.fasta", folder / f"{name}_few.fasta"
    put(dense, path)
    put(dense.take(np.arange(60)), few)
    seconds: dict[str, list[float]] = {model: [] for model in workers}
    scores = {}
    for worker in workers.values():
        worker.ask("couple", path=str(few))
    for _ in range(rounds):
        for model, worker in workers.items():
            found = worker.ask("couple", path=str(path))
            seconds[model].append(found["seconds"])
            scores[model] = np.array(found["scores"])
    true = distances(native.cb)[np.ix_(residues, residues)]
    size = f"{name}: {len(dense):,} sequences × {len(residues)} columns"
    rows = []
    for cut, (apart, share) in CUTS.items():
        precise = {
            model: contact_precision(values, true, residues, separation=apart, share=share)
            for model, values in scores.items()
        }
        told = row(f"precision {cut}, {size}", precise["ours"], precise.get("pydca"), unit="ratio")
        holds = None if "pydca" not in precise else bool(precise["ours"] >= precise["pydca"])
        rows.append(told | {"sense": "at least", "wanted": "the rival's", "holds": holds})
    times = {model: statistics.median(values) for model, values in seconds.items()}
    cost = row(
        f"couplings from the file, {size}",
        times["ours"], times.get("pydca"), unit="CPU s", bar=1.0, speed=True,
    )  # fmt: skip
    if "pydca" not in times:
        cost |= {"bar": None, "holds": None}
    rows.append(cost | {"rounds": rounds})
    if name == "dhfr":
        rows.append(
            row(f"couplings from the file, {name}", times["ours"], None, unit="CPU s", bar=SECONDS)
        )
    return rows


def put(alignment: Alignment, path: Path) -> None:
    """An aligned FASTA file, "-" for a gap or an unknown letter."""
    rows = (decode(row).replace("X", "-") for row in alignment.rows)
    path.write_text("".join(f">s{k}\n{text}\n" for k, text in enumerate(rows)))


if __name__ == "__main__":
    main()
