"""Do forces belong to energies? Once by asking a calculator, once from labeled frames alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from jaxtyping import Float

from mdlearn.data.fingerprints import nearest, pair_distances
from mdlearn.data.read import labels_of
from mdlearn.units import bohr, hartree, kcal_per_mol, kJ_per_mol

FACTORS = {  # (energy's change) over (forces' work) → what it tells
    -1.0: "the sign of the forces is flipped: they may be a gradient",
    0.5: "the forces are twice too large: a pair counted twice?",
    2.0: "the forces are half of what they should be: a ½ too many?",
    1 / hartree: "energies in hartree beside forces in eV/Å?",
    1 / kcal_per_mol: "energies in kcal/mol beside forces in eV/Å?",
    1 / kJ_per_mol: "energies in kJ/mol beside forces in eV/Å?",
    hartree: "energies in eV beside forces in hartree/Å?",
    hartree / bohr: "energies in eV beside forces in hartree/bohr?",
    kcal_per_mol: "energies in eV beside forces in kcal/mol/Å?",
    1 / bohr: "energies and forces in hartree and hartree/bohr, or forces per bohr?",
    bohr: "positions in bohr beside forces per Å?",
}


def explain_factor(factor: float) -> str:
    """What a ratio of energy's change to forces' work other than one may mean, in plain words."""
    for known, text in FACTORS.items():
        for sign, extra in ((1, ""), (-1, ", and the sign is flipped")):
            if known > 0 and abs(factor / (sign * known) - 1) < 0.12:
                return text + extra
    return FACTORS[-1.0] if factor < 0 else "energies and forces do not belong together"


@dataclass(frozen=True)
class Consistency:
    """Forces beside the central differences of the energy.

    Attributes:
        worst: Largest difference of a component (eV/Å).
        rms: Root mean square of the differences (eV/Å).
        atom: The atom of the largest difference.
        factor: Differences of the energy over forces, a ratio: 1 when they belong together.
        tolerance: Largest difference that passes (eV/Å).
    """

    worst: float
    rms: float
    atom: int
    factor: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether forces are minus the gradient of the energy."""
        return self.worst <= self.tolerance

    def __str__(self) -> str:
        size = f"largest difference {1000 * self.worst:.2g} meV/Å (atom {self.atom})"
        if self.ok:
            return f"forces are minus the gradient of the energy: {size}"
        why = "" if abs(self.factor - 1) < 0.01 else f"; {explain_factor(self.factor)}"
        return (
            f"forces are NOT minus the gradient of the energy: {size}, "
            f"the energy changes {self.factor:.3g} times as much as forces say{why}"
        )


def check_consistency(
    calculator: Calculator, atoms: Atoms, *, step: float = 1e-3, tolerance: float = 1e-3
) -> Consistency:
    r"""Compare forces with central differences of the energy, every component.

    $$F_{ia} \stackrel{?}{=} -\frac{E(x_{ia} + h) - E(x_{ia} - h)}{2h}$$

    The error of the difference falls as h², that of rounding and of a loose self-consistent
    field grows as 1/h.

    Args:
        calculator: Any ASE calculator; a potential through `PotentialCalculator`.
        atoms: Where to ask, away from a minimum.
        step: Displacement h (Å).
        tolerance: Largest difference that passes (eV/Å).
    """
    atoms = atoms.copy()
    atoms.calc = calculator
    told = np.array(atoms.get_forces(), float)
    measured = np.zeros_like(told)
    for i in range(len(atoms)):
        for axis in range(3):
            for sign in (1, -1):
                atoms.positions[i, axis] += sign * step
                measured[i, axis] -= sign * atoms.get_potential_energy() / (2 * step)
                atoms.positions[i, axis] -= sign * step
    difference = np.abs(measured - told)
    norm = (told**2).sum()
    factor = float((measured * told).sum() / norm) if norm > 0 else float("nan")
    return Consistency(
        worst=float(difference.max()),
        rms=float(np.sqrt((difference**2).mean())),
        atom=int(difference.max(1).argmax()),
        factor=factor,
        tolerance=tolerance,
    )


@dataclass(frozen=True)
class Agreement:
    """Changes of the energy between near frames, against the work of the forces.

    Attributes:
        factor: Change of the energy over work, a ratio: 1 when they belong together.
        correlation: Of the two, −1 to 1; near 0 the frames are too far apart to tell.
        pairs: How many pairs of frames were compared, a count.
    """

    factor: float
    correlation: float
    pairs: int

    @property
    def telling(self) -> bool:
        """Whether the frames are near enough to judge."""
        return self.pairs >= 5 and abs(self.correlation) > 0.7

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the forces."""
        return not self.telling or 0.75 < self.factor < 1.33


def agreement(frames: Sequence[Atoms], *, pairs: int = 200) -> Agreement:
    r"""Do the forces of labeled frames explain how the energy changes from one to a near one?

    $$E_b - E_a \approx -\tfrac12 (F_a + F_b) \cdot (x_b - x_a)$$

    for frame b turned onto frame a. The rule of trapezoids errs with the cube of the distance, so
    the nearest pairs are taken, and only the ratio over all of them is judged.

    Args:
        frames: With energies and forces; those with the atoms of the first, in its order, count.
        pairs: How many of the nearest pairs to use, a count.
    """
    alike = [f for f in frames if np.array_equal(f.numbers, frames[0].numbers) and len(f) > 1]
    alike = [frame for frame in alike if not frame.pbc.any()]
    if len(alike) < 2:
        return Agreement(float("nan"), 0.0, 0)
    distance, other = nearest(np.array([pair_distances(frame) for frame in alike]))
    couples = {(min(i, j), max(i, j)): distance[i, 0] for i, j in enumerate(other[:, 0].tolist())}
    near = sorted((c for c in couples if couples[c] > 1e-4), key=lambda c: couples[c])[:pairs]
    if not near:
        return Agreement(float("nan"), 0.0, 0)
    work = np.array([_work(alike[i], alike[j]) for i, j in near])
    energies = np.array([labels_of(frame)[0] for frame in alike])
    change = np.array([energies[j] - energies[i] for i, j in near])
    size = np.sqrt((work**2).sum() * (change**2).sum())
    if size == 0:
        return Agreement(float("nan"), 0.0, len(near))
    # the geometric slope: errors sit in both, and a plain fit would lean toward zero
    correlation = float((work * change).sum() / size)
    slope = float(np.sign(correlation) * np.sqrt((change**2).sum() / (work**2).sum()))
    return Agreement(slope, correlation, len(near))


def _work(a: Atoms, b: Atoms) -> float:
    """Minus the work of the forces from frame a to frame b (eV)."""
    start = a.positions - a.positions.mean(0)
    end = b.positions - b.positions.mean(0)
    turn = rotation_onto(end, start)
    force = 0.5 * (labels_of(a)[1] + labels_of(b)[1] @ turn.T)
    return float(-(force * (end @ turn.T - start)).sum())


def rotation_onto(
    moving: Float[np.ndarray, "atoms 3"], fixed: Float[np.ndarray, "atoms 3"]
) -> Float[np.ndarray, "3 3"]:
    """Rotation R that brings `moving @ R.T` nearest to `fixed`, both centered.

    References:
        Kabsch, Acta Cryst. A 32, 922 (1976), doi:10.1107/S0567739476001873.
    """
    u, _, v = np.linalg.svd(fixed.T @ moving)
    return u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v
