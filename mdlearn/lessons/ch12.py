"""Exercises of chapter 12, train a force field: each is tested by what must hold, not by a number."""

from collections.abc import Callable, Sequence

import numpy as np
from ase import Atoms
from ase.build import molecule

from mdlearn.lesson import Exercise, Wrong

STEP = 1e-3  # Å

# ωB97X/6-31G* of `stretched(LENGTHS)`: [frame.get_potential_energy() for each, with DFT().calculator()]
LENGTHS = (0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0)  # Å
ENERGIES = (
    -4216.3763, -4216.9864, -4217.3103, -4217.4304, -4217.4060, -4217.2801, -4217.0841,
    -4216.5673, -4215.9750, -4215.3705, -4214.2328, -4213.2433, -4212.4046,
)  # eV # fmt: skip


def stretched(lengths: Sequence[float]) -> list[Atoms]:
    """Ethanol with its hydrogen pulled away from the oxygen to these distances (Å), all else at rest."""
    rest = molecule("CH3CH2OH")
    oxygen, hydrogen = 2, 3
    frames = []
    for length in lengths:
        frame = rest.copy()
        frame.set_distance(oxygen, hydrogen, length, fix=0)
        frames.append(frame)
    return frames


def spring(positions: np.ndarray) -> float:
    """Energy (eV) of three atoms on two springs, one of them anharmonic."""
    a, b = np.linalg.norm(np.diff(positions, axis=0), axis=1) - 1.0
    return float(8.0 * a**2 - 5.0 * a**3 + 3.0 * b**2)


def spring_forces(positions: np.ndarray) -> np.ndarray:
    """The forces of `spring` (eV/Å), by hand."""
    bonds = np.diff(positions, axis=0)
    lengths = np.linalg.norm(bonds, axis=1)
    a, b = lengths - 1.0
    slopes = np.array([16.0 * a - 15.0 * a**2, 6.0 * b])
    pulls = (slopes / lengths)[:, None] * bonds
    return np.array([pulls[0], pulls[1] - pulls[0], -pulls[1]])


def numerical_force(answer: Callable[..., np.ndarray]) -> str:
    """A function that makes forces from energies alone, by central differences."""
    start = np.array([[0.0, 0.1, 0.0], [1.2, 0.0, 0.3], [1.5, 1.1, -0.2]])
    given, true = start.copy(), spring_forces(start)
    got = _array(answer(spring, given, STEP), true.shape, "one force vector for each atom")
    if not np.array_equal(given, start):
        raise Wrong("your function leaves an atom displaced; move a copy, or move it back")
    if _near(got, -true):
        raise Wrong("the size is right and the sign is wrong: a force points downhill, F = −dE/dx")
    if _near(got, 2 * true) or _near(got, -2 * true):
        raise Wrong("twice too large, the ½ is missing: the two points lie two steps apart")
    if _near(got, 1000 * true) or _near(got, -1000 * true):
        raise Wrong("a thousand times too large: energies in eV over steps in Å give eV/Å, not meV")
    if _near(got, true, 0.05) and not _near(got, true):
        raise Wrong(
            "nearly, but the error is that of a one-sided difference; step to both sides, "
            "(E(x + h) − E(x − h)) / 2h, and the error falls with h²"
        )
    if not _near(got, true):
        raise Wrong("these are not −dE/dx; move one coordinate at a time and put it back")
    return "minus the slope, from energies alone; autograd gives the same in one pass"


def force_error(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """A function that gives the mean absolute error of force components in meV/Å."""
    rng = np.random.default_rng(0)
    reference = rng.normal(0.2, 1.0, (7, 3))
    miss = rng.normal(0.03, 0.05, (7, 3))
    got = float(answer(reference + miss, reference))
    true = 1000 * np.abs(miss).mean()
    told = {
        true / 1000: "that is in eV/Å; a thousand meV are one eV",
        1000
        * abs(
            miss.mean()
        ): "errors of opposite sign cancel in your mean; take the size of each first",
        1000
        * np.sqrt(
            (miss**2).mean()
        ): "that is the root of the mean square, the RMSE; asked is the MAE",
        1000 * np.linalg.norm(miss, axis=1).mean(): (
            "that is the mean length of the error vectors; the convention is the mean over components"
        ),
        1000 * np.abs(miss).sum(): "that is a sum; divide by the number of components",
    }
    for value, sentence in told.items():
        if _near(got, value) or _near(-got, value):
            raise Wrong(sentence)
    if not _near(got, true):
        raise Wrong("that is not the mean of |predicted − reference| over all components, in meV/Å")
    if not _near(float(answer(reference, reference + miss)), true):
        raise Wrong("swap prediction and reference: an error must not change")
    return "the number that papers quote, in their unit"


def honest_split(answer: Callable[..., tuple[Sequence[int], Sequence[int]]]) -> str:
    """A function that divides frames into train and test without a leak."""
    rng = np.random.default_rng(1)
    for groups in (4, 10):
        trajectories = rng.permutation(np.repeat(np.arange(groups) + 300, 12))
        train, test = (np.asarray(rows, dtype=int) for rows in answer(trajectories))
        if not len(train) or not len(test):
            raise Wrong(f"one part is empty: got {len(train)} frames to train, {len(test)} to test")
        both = np.intersect1d(train, test)
        if len(both):
            raise Wrong(f"frame {both[0]} is in both parts: the test would ask what was taught")
        shared = np.intersect1d(trajectories[train], trajectories[test])
        if len(shared):
            raise Wrong(
                f"a leak: trajectory {shared[0]} is in both parts, and frames of one trajectory are "
                "near copies; give whole trajectories to one part"
            )
        if len(train) + len(test) < len(trajectories):
            raise Wrong("some frames are in neither part; labels are too dear to be thrown away")
        if len(test) > len(train):
            raise Wrong("more frames to test than to train; keep the larger part for training")
    return "no trajectory is in both parts, so the test asks about new ones"


def break_even(answer: Callable[[int, float, float, float], float]) -> str:
    """A function: after how many steps of dynamics a learned potential has paid for its labels."""
    for labels, dear, training, cheap in ((1000, 6.0, 60.0, 0.004), (50, 10.0, 900.0, 4.0)):
        got = float(answer(labels, dear, training, cheap))
        true = (labels * dear + training) / (dear - cheap)
        told = {
            labels: "labelling is not the only cost: there is the training, and each step of the model",
            labels * dear / (dear - cheap): "the training has a price too",
            (labels * dear + training) / dear: "each step of the model costs something too",
            (labels * dear + training) / cheap: (
                "that is how many steps of the model cost as much; asked is when the reference "
                "would have cost as much as everything together"
            ),
        }
        for value, sentence in told.items():
            if _near(got, value, 1e-9):
                raise Wrong(sentence)
        if not _near(got, true):
            raise Wrong(
                "set both bills equal: steps × reference = labels × reference + training + steps × model"
            )
    return "from there on every further step is nearly free"


def _array(value: object, shape: tuple[int, ...], what: str) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.shape != shape:
        raise Wrong(f"the answer has the shape {value.shape}, wanted is {shape}: {what}")
    return value


def _near(a: np.ndarray | float, b: np.ndarray | float, tolerance: float = 1e-4) -> bool:
    """Equal within a ratio to the largest value."""
    return bool(np.abs(np.subtract(a, b)).max() <= tolerance * max(np.abs(b).max(), 1e-12))


EXERCISES = {
    "12.1": Exercise(
        numerical_force,
        (
            "What do you learn about a slope if you may only ask for heights?",
            "Move one coordinate of one atom by +h and by −h, and ask for the energy both times.",
            "F = −(E(x + h) − E(x − h)) / 2h. Loop over `np.ndindex(positions.shape)`.",
        ),
    ),
    "12.2": Exercise(
        force_error,
        (
            "Which errors must not cancel, and in which unit do papers quote them?",
            "Three steps: the difference, its absolute value, the mean over everything.",
            "Forces come in eV/Å; multiply by 1000.",
        ),
    ),
    "12.3": Exercise(
        honest_split,
        (
            "Frames of one trajectory are nearly copies of each other. What must therefore stay together?",
            "Choose trajectories, not frames: `names = np.unique(trajectories)`.",
            "`held = names[: len(names) // 4]`, then `np.isin(trajectories, held)` says who is tested.",
        ),
    ),
    "12.4": Exercise(
        break_even,
        (
            "A bill has a fixed part and a part for each step. Which of the two has which?",
            "Write both bills: all steps by the reference; or labels, training and all steps by the model.",
            "steps · reference = labels · reference + training + steps · model; solve for steps.",
        ),
    ),
}
