"""What a model's own expectation means: `python -m mdlearn.recipes.confidence`.

Reads the folds of families that their network never saw, as `benchmarks.structure_families` logged
them, and writes the straight line from expected to true lDDT that `structure/confidence.py` uses.
"""

import argparse
import json
from datetime import date
from pathlib import Path

import numpy as np

from mdlearn.files import replacing
from mdlearn.structure.confidence import CALIBRATION, smooth


def main() -> None:
    """Fit over residues, bootstrap over proteins, write."""
    parser = argparse.ArgumentParser(description="Calibrate the confidence of folds.")
    parser.add_argument("--log", type=Path, default=Path("runs/structure_families"))
    options = parser.parse_args()
    found = [json.loads(path.read_text()) for path in sorted(options.log.glob("PF*.json"))]
    if len(found) < 10:
        raise ValueError(
            f"{options.log} has {len(found)} families; run benchmarks.structure_families"
        )
    said = [smooth(np.array(f["expected per residue"])) for f in found]
    true = [np.array(f["lDDT per residue"]) for f in found]
    slope, level = np.polyfit(np.concatenate(said), np.concatenate(true), 1)
    means = np.array([[s.mean() for s in said], [t.mean() for t in true]])
    rng, count = np.random.default_rng(0), len(found)
    again = [np.corrcoef(means[:, rng.integers(0, count, count)])[0, 1] for _ in range(2000)]
    card = {
        "slope": round(float(slope), 4),
        "level": round(float(level), 4),
        "families, never seen by their network": count,
        "residues": sum(map(len, said)),
        "correlation per residue": round(
            float(np.corrcoef(np.concatenate(said), np.concatenate(true))[0, 1]), 3
        ),
        "correlation per protein": round(float(np.corrcoef(means)[0, 1]), 3),
        "its 95 % interval, bootstrap over proteins": np.quantile(again, [0.025, 0.975])
        .round(3)
        .tolist(),
        "limits": "CA-lDDT of small soluble domains with deep alignments.",
        "recipe": "python -m mdlearn.recipes.confidence",
        "date": date.today().isoformat(),
    }
    with replacing(CALIBRATION) as part:
        part.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(card, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
