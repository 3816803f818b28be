"""The process that finds couplings: a line of JSON in, a line of JSON out (benchmarks/common.py).

`pydca` runs in its own environment, through its own classes, and imports nothing of ours; `ours` runs
through these same lines. Both get an aligned FASTA file and give a score for each pair of columns.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np


def ours(path: str) -> np.ndarray:
    """Mean field, zero-sum gauge, average product correction."""
    from mdlearn.structure.alignments import read_alignment
    from mdlearn.structure.couplings import direct_contacts

    return direct_contacts(read_alignment(path))


def pydca(path: str) -> np.ndarray:
    """The same method by pydca: its Frobenius norms, corrected, at its own settings."""
    from pydca.meanfield_dca.meanfield_dca import MeanFieldDCA

    found = MeanFieldDCA(path, "protein", pseudocount=0.5, seqid=0.8).compute_sorted_FN_APC()
    size = 1 + max(j for (_, j), _ in found)
    scores = np.zeros((size, size))
    for (i, j), score in found:
        scores[i, j] = scores[j, i] = score
    return scores


METHODS = {"ours": ours, "pydca": pydca}


def couple(model: str, *, path: str) -> dict[str, Any]:
    """Scores of all pairs of columns, and the CPU seconds from the file to them."""
    start = time.process_time()
    scores = METHODS[model](path)
    return {"scores": scores.tolist(), "seconds": time.process_time() - start}


def packages(model: str) -> dict[str, str]:
    """Versions of what this environment has."""
    return {name: version(name) for name in ("pydca", "numba")} if model == "pydca" else {}


def main() -> None:
    """Answer until the input ends; whatever a package prints goes to the error stream."""
    tasks = {"couple": couple, "packages": packages}
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = tasks[request.pop("task")](sys.argv[1], **request)
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
