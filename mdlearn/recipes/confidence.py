"""What a model's own expectation means: `python -m mdlearn.recipes.confidence`.

Reads the folds of families that their network never saw, as `benchmarks.structure_families` logged
them, and writes the straight line from expected to true lDDT that `structure/confidence.py` uses. How
good it is, families say that the line was drawn without.
"""

import argparse
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from mdlearn.files import replacing
from mdlearn.structure.confidence import CALIBRATION, smooth


def held_out(said: Sequence[np.ndarray], true: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Calibrated expectations of each family by the line of all other families.

    Args:
        said: Expected lDDT of the residues of each family, before calibration.
        true: Their lDDT.
    """
    found = []
    for k, mine in enumerate(said):
        others = [i for i in range(len(said)) if i != k]
        x, y = (np.concatenate([rows[i] for i in others]) for rows in (said, true))
        slope, level = np.polyfit(x, y, 1)
        found.append(np.clip(level + slope * mine, 0.0, 1.0))
    return found


def judge(
    guesses: Sequence[np.ndarray], true: Sequence[np.ndarray], *, draws: int = 2000, seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """How good expectations are, each with its 95 % interval: a bootstrap over families.

    Args:
        draws: Of the bootstrap (count).
        seed: Of the bootstrap.
    """
    rng = np.random.default_rng(seed)

    def measures(chosen: np.ndarray) -> tuple[float, float, float]:
        a, b = [guesses[i] for i in chosen], [true[i] for i in chosen]
        means = [[x.mean() for x in a], [x.mean() for x in b]]
        every = np.concatenate(a), np.concatenate(b)
        off = float(np.abs(np.subtract(*means)).mean())
        return float(np.corrcoef(*means)[0, 1]), float(np.corrcoef(*every)[0, 1]), off

    everyone = np.arange(len(true))
    again = np.array([measures(rng.choice(everyone, len(true))) for _ in range(draws)])
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    names = ("correlation per protein", "correlation per residue", "mean error per protein")
    return dict(
        zip(names, zip(measures(everyone), low.tolist(), high.tolist(), strict=True), strict=True)
    )


def main() -> None:
    """Fit over residues, judge by families left out, write."""
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
    card = {
        "slope": round(float(slope), 4),
        "level": round(float(level), 4),
        "families, never seen by their network": len(found),
        "residues": sum(map(len, said)),
        "judged by": "each family with the line of all others; intervals by bootstrap over families",
        **{
            name + kind: told
            for name, (value, low, high) in judge(held_out(said, true), true).items()
            for kind, told in (
                ("", round(value, 3)),
                (", 95 % interval", [round(low, 3), round(high, 3)]),
            )
        },
        "limits": "CA-lDDT of small soluble domains with deep alignments.",
        "recipe": "python -m mdlearn.recipes.confidence",
        "date": date.today().isoformat(),
    }
    with replacing(CALIBRATION) as part:
        part.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(card, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
