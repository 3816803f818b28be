"""Geometries for labelling: thermostatted GFN2-xTB dynamics, equilibrated, with its temperature measured."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.mixing import SumCalculator
from ase.geometry import get_dihedrals, get_dihedrals_derivatives
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

LOOKS = 4  # between two frames that are kept


def sample(
    atoms: Atoms,
    calculator: Calculator,
    *,
    temperature: float,
    frames: int,
    seed: int,
    stride: int = 60,
    equilibration: int = 3000,
    timestep: float = 0.5,
    observe: Callable[[np.ndarray], Sequence[float]] | None = None,
) -> list[Atoms]:
    """Frames of a Langevin trajectory after equilibration.

    Args:
        atoms: Where to start; relax it first.
        calculator: Energy and forces, with any bias added.
        temperature: Of the bath (K).
        frames: How many frames to keep.
        seed: Of velocities and noise.
        stride: Steps between frames.
        equilibration: Steps that are thrown away.
        timestep: Length of a step (fs).
        observe: Numbers of the positions (Å) to note between frames.

    Returns:
        Copies with `temperature` (of the bath) and `kinetic_temperature` (measured, K) in `info`; with
        `observe` also `step` and `observed`, its numbers at LOOKS times up to the frame.
    """
    walker = atoms.copy()
    walker.calc = calculator
    rng = np.random.default_rng(seed)
    MaxwellBoltzmannDistribution(walker, temperature_K=temperature, rng=rng)
    dynamics = Langevin(
        walker,
        timestep * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        fixcm=False,
        rng=rng,
    )
    dynamics.run(equilibration)
    kept = []
    for number in range(1, frames + 1):
        observed: list[float] = []
        for _ in range(LOOKS if observe else 1):
            dynamics.run(stride // LOOKS if observe else stride)
            observed.extend(observe(walker.positions) if observe else ())
        frame = Atoms(walker.numbers, walker.positions - walker.get_center_of_mass())
        kinetic = walker.get_kinetic_energy() / (1.5 * len(walker) * units.kB)
        frame.info = {
            "temperature": temperature,
            "seed": seed,
            "kinetic_temperature": float(kinetic),
        }
        if observe:
            frame.info |= {"step": number * stride, "observed": np.array(observed)}
        kept.append(frame)
    return kept


Variable = Callable[[np.ndarray], tuple[float, np.ndarray]]  # positions → value, gradient


def transfer(donor: int, proton: int, acceptor: int) -> Variable:
    """Where a proton sits between two atoms: |donor–proton| − |acceptor–proton| (Å), 0 half way."""

    def variable(positions: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.zeros_like(positions)
        value = 0.0
        for atom, sign in ((donor, 1.0), (acceptor, -1.0)):
            arrow = positions[proton] - positions[atom]
            distance = np.linalg.norm(arrow)
            value += sign * distance
            gradient[proton] += sign * arrow / distance
            gradient[atom] -= sign * arrow / distance
        return value, gradient

    return variable


def torsion(atoms: Sequence[int]) -> Variable:
    """The dihedral angle of four atoms (radians)."""

    def variable(positions: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, c, d = positions[list(atoms)]
        bonds = (b - a)[None], (c - b)[None], (d - c)[None]
        gradient = np.zeros_like(positions)
        gradient[list(atoms)] = np.radians(get_dihedrals_derivatives(*bonds)[0])
        return float(np.radians(get_dihedrals(*bonds)[0])), gradient

    return variable


class Restraint(Calculator):
    """Springs that hold variables near targets: E = ½ k Σ (value − target)², angles taken the short way.

    Args:
        springs: Variable, target, stiffness (eV per Å² or per rad²) of each.
        period: 2π for angles, `None` for distances.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(
        self, springs: Sequence[tuple[Variable, float, float]], *, period: float | None = None
    ) -> None:
        super().__init__()
        self.springs, self.period = list(springs), period

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy and forces of the springs."""
        super().calculate(atoms, properties, system_changes)
        energy, forces = 0.0, np.zeros((len(self.atoms), 3))
        for variable, target, stiffness in self.springs:
            value, gradient = variable(self.atoms.positions)
            off = value - target
            if self.period:
                off -= self.period * np.round(off / self.period)
            energy += 0.5 * stiffness * off**2
            forces -= stiffness * off * gradient
        self.results = {"energy": energy, "forces": forces}


def restrained(
    calculator: Calculator,
    springs: Sequence[tuple[Variable, float, float]],
    *,
    period: float | None = None,
) -> Calculator:
    """A calculator with springs added."""
    return SumCalculator([calculator, Restraint(springs, period=period)])
