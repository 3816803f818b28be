"""Exercises of chapter 11, labels and symmetry: counted, and tried on turned and renumbered molecules."""

from collections.abc import Callable
from itertools import permutations
from math import factorial

import numpy as np
from ase.build import molecule
from scipy.spatial.transform import Rotation

from mdlearn.lesson import Exercise, Wrong


def relabelings(answer: float) -> str:
    """In how many ways the equal atoms of C2H6O can be renumbered."""
    got, true = float(answer), factorial(2) * factorial(6)
    told = {
        factorial(6): "the two carbons are equal too",
        factorial(
            9
        ): "that also gives a carbon the name of a hydrogen; only equal atoms may change",
        factorial(6) + factorial(2): (
            "each order of the carbons goes with each order of the hydrogens: multiply"
        ),
        6 * 2: "six hydrogens stand in more than six orders: 6 · 5 · 4 · 3 · 2",
        true - 1: "count the frame itself as well",
    }
    if got in told:
        raise Wrong(told[got])
    if got != true:
        raise Wrong("factorials: n equal atoms stand in n! orders")
    return "each frame would fill the work of a thousand; a symmetric description needs one"


def news(answer: float) -> str:
    """How many of the 28 numbers of a label are not fixed by the laws of shift and turn."""
    got = float(answer)
    told = {
        28: "forces add up to zero, and so do torques: some components are known beforehand",
        27: "the energy counts too, and the laws fix some components of the forces",
        25: "that is the law of shifts; turns fix three components more",
        21: "the energy is news too",
        24: "the forces add up to zero in x, in y and in z; count the torque in the same way",
        26: "each of the two laws is one for x, one for y and one for z",
    }
    if got in told:
        raise Wrong(told[got])
    if got != 22:
        raise Wrong("start from 28 and take away what is known without any calculation")
    return "and 21 of the 22 are forces: that is why one trains on them"


def description(answer: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """A function of numbers and positions that respects shifts, turns and equal atoms."""
    atoms = molecule("CH3CH2OH")
    numbers, places = atoms.numbers, atoms.positions + 0.05 * _noise((9, 3), 0)

    def row(numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        value = np.asarray(answer(numbers.copy(), places.copy()), dtype=float).ravel()
        if value.size == 0 or not np.isfinite(value).all():
            raise Wrong("give an array of finite numbers; a zero distance has no inverse")
        return value

    first = row(numbers, places)
    if not _same(row(numbers, places + np.array([3.0, -1.0, 2.0])), first):
        raise Wrong("shift the molecule and your numbers change: use differences of positions")
    turn = Rotation.random(random_state=1).as_matrix()
    if not _same(row(numbers, places @ turn.T), first):
        raise Wrong("turn the molecule and your numbers change: use lengths, not components")
    order = np.array([1, 0, 2, 8, 3, 4, 5, 6, 7])  # carbons exchanged, hydrogens moved on by one
    if not _same(row(numbers[order], places[order]), first):
        raise Wrong("renumber equal atoms and your numbers change: sort them, or sum over atoms")
    if _same(row(numbers, places + 0.1 * _noise((9, 3), 2)), first):
        raise Wrong("another shape has the same numbers: keep more of the geometry")
    return "it obeys all three laws, and tells shapes apart"


def symmetrized(answer: Callable[..., float]) -> str:
    """A function: the mean of a model's energy over all orders of three atoms."""
    places = _noise((3, 3), 3)
    weights = np.array([1.0, 2.0, 5.0])

    def energy(positions: np.ndarray) -> float:
        """A model that takes its three equal atoms for different ones."""
        twist = positions[0] @ np.cross(positions[1], positions[2])
        return float(weights @ np.linalg.norm(positions, axis=1) + twist)

    everyone = [energy(places[list(order)]) for order in permutations(range(3))]
    given = places.copy()
    got, true = float(answer(energy, given)), float(np.mean(everyone))
    if not np.array_equal(given, places):
        raise Wrong("your function changes the positions it was given; index makes a copy")
    told = {
        float(np.sum(everyone)): "that is the sum; a mean divides by the number of orders",
        energy(places): "that is the model as it was; renumber the atoms and it changes",
        min(everyone): (
            "the smallest is symmetric too, but jumps to another order with a kink; take the mean"
        ),
        max(everyone): (
            "the largest is symmetric too, but jumps to another order with a kink; take the mean"
        ),
    }
    for value, sentence in told.items():
        if _same(got, value):
            raise Wrong(sentence)
    other = float(answer(energy, places[[1, 0, 2]]))
    if not _same(other, got):
        raise Wrong("exchange two atoms and your energy changes: some order is missing")
    if not _same(got, true):
        raise Wrong("symmetric, but not the mean over all orders")
    return "any model becomes symmetric so, for n! times its price; better build the symmetry in"


def _noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def _same(a: np.ndarray | float, b: np.ndarray | float) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-6, atol=1e-8))


EXERCISES = {
    "11.1": Exercise(
        relabelings,
        (
            "Which atoms may change places without making another molecule?",
            "Two carbons, one oxygen, six hydrogens. In how many orders can the carbons stand?",
            "2! · 1! · 6!, and 6! is 720.",
        ),
    ),
    "11.2": Exercise(
        news,
        (
            "28 numbers come from the program. Which of them could you have foretold from the others?",
            "Forces add up to zero: that is one law for each of x, y and z.",
            "The torque is zero: three more. Then 28 − 3 − 3.",
        ),
    ),
    "11.3": Exercise(
        description,
        (
            "Lengths between atoms know neither shift nor turn. What is left is the order.",
            "`i, j = np.triu_indices(len(numbers), 1)`, then the distances, then sort them.",
            "So that kinds of pairs stay apart, multiply each distance by both atomic numbers.",
        ),
    ),
    "11.4": Exercise(
        symmetrized,
        (
            "What does an answer need to be the same in every order? Make it a mean over all orders.",
            "`itertools.permutations(range(len(positions)))` gives all orders.",
            "`positions[list(order)]` are the renumbered atoms; take the mean of their energies.",
        ),
    ),
}
