"""Malonaldehyde with its proton transfer: both sides and the way between, ωB97X/6-31G* and GFN2-xTB."""

from functools import partial

from ase import Atoms
from ase.optimize import BFGS

from mdlearn.potentials.labels import GFN2
from mdlearn.recipes.labelled_sets import CHEAP, DEAR, Trajectory, main
from mdlearn.recipes.sampling import restrained, sample, transfer

DONOR, PROTON, ACCEPTOR = 4, 5, 0
WINDOWS = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)  # Å, targets of transfer()
STIFFNESS = 4.0  # eV/Å²


def trajectories() -> list[Trajectory]:
    """Seven windows along the transfer at each temperature to train on; free trajectories to test."""
    bridge, well = ends()
    runs: list[Trajectory] = []
    for temperature, count in ((300, 48), (450, 46), (600, 48)):
        for number, target in enumerate(WINDOWS):
            start = bridge if abs(target) < 0.5 else well
            runs.append(partial(_window, start, target, temperature, count, seed=number))
    for temperature, count, number in ((300, 40, 0), (300, 40, 1), (600, 20, 0)):
        runs.append(partial(_free, well, temperature, count, seed=50 + number))
    return runs


def ends() -> tuple[Atoms, Atoms]:
    """The molecule with its proton half way, and in its well, by GFN2-xTB."""
    planar = [
        (-1.27, -1.95, 0), (-1.23, -0.70, 0), (0, 0, 0), (1.23, -0.70, 0), (1.27, -1.95, 0),
        (0.3, -2.2, 0), (-2.15, -0.1, 0), (0, 1.09, 0), (2.15, -0.1, 0),
    ]  # fmt: skip
    bridge = Atoms("OCCCOHHHH", planar)
    bridge.rattle(0.01, seed=0)
    proton = transfer(DONOR, PROTON, ACCEPTOR)
    bridge.calc = restrained(GFN2().calculator(), [(proton, 0.0, 20.0)])
    BFGS(bridge, logfile=None).run(fmax=0.02, steps=300)
    well = bridge.copy()
    well.positions[PROTON] += 0.1 * (well.positions[DONOR] - well.positions[PROTON])
    well.calc = GFN2().calculator()
    BFGS(well, logfile=None).run(fmax=0.01, steps=300)
    bridge.calc = well.calc = None
    return bridge, well


def _window(start: Atoms, target: float, temperature: int, count: int, *, seed: int) -> list[Atoms]:
    proton = transfer(DONOR, PROTON, ACCEPTOR)
    bias = restrained(GFN2(accuracy=1.0).calculator(), [(proton, target, STIFFNESS)])
    kept = sample(
        start, bias, temperature=float(temperature), frames=count, seed=100 * temperature + seed
    )
    return _mark(kept, "train", target)


def _free(start: Atoms, temperature: int, count: int, *, seed: int) -> list[Atoms]:
    kept = sample(
        start,
        GFN2(accuracy=1.0).calculator(),
        temperature=float(temperature),
        frames=count,
        seed=100 * temperature + seed,
        stride=100,
    )
    return _mark(kept, "test", 0.0)


def _mark(kept: list[Atoms], split: str, target: float) -> list[Atoms]:
    for frame in kept:
        frame.info.update(split=split, window=target)
    return kept


if __name__ == "__main__":
    main("malonaldehyde", trajectories, [DEAR, CHEAP])
