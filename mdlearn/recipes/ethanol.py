"""Ethanol, ωB97X/6-31G* and GFN2-xTB: 1,000 frames at 300–600 K to train on, 120 of other trajectories to test."""

from functools import partial

from ase import Atoms
from ase.build import molecule
from ase.optimize import BFGS

from mdlearn.potentials.labels import GFN2
from mdlearn.recipes.labelled_sets import CHEAP, DEAR, Trajectory, main
from mdlearn.recipes.sampling import sample


def trajectories() -> list[Trajectory]:
    """Five trajectories at each temperature to train on; two more at 300 and 600 K to test."""
    start = molecule("CH3CH2OH")
    start.calc = GFN2().calculator()
    BFGS(start, logfile=None).run(fmax=0.02)
    start.calc = None
    runs: list[Trajectory] = []
    for temperature in (300, 400, 500, 600):
        for number in range(5):
            runs.append(
                partial(_walk, start, temperature, 50, 1000 * temperature + number, 60, "train")
            )
    for temperature, count in ((300, 40), (600, 20)):
        for number in range(2):
            seed = 1000 * temperature + 100 + number
            runs.append(partial(_walk, start, temperature, count, seed, 100, "test"))
    return runs


def _walk(
    start: Atoms, temperature: int, count: int, seed: int, stride: int, split: str
) -> list[Atoms]:
    calculator = GFN2(accuracy=1.0).calculator()
    kept = sample(
        start, calculator, temperature=float(temperature), frames=count, seed=seed, stride=stride
    )
    for frame in kept:
        frame.info["split"] = split
    return kept


if __name__ == "__main__":
    main("ethanol", trajectories, [DEAR, CHEAP])
