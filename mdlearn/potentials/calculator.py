"""A potential as an ASE calculator, and any ASE calculator as a potential."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from jaxtyping import Float
from torch import Tensor

from mdlearn.data.read import charge_of
from mdlearn.potentials.neighbors import refresh, table
from mdlearn.potentials.system import Evaluation, Potential, System, evaluate, from_atoms, to_atoms


class PotentialCalculator(Calculator):
    """A potential of this package for everything that ASE can do: relax, vibrate, run dynamics.

    Args:
        potential: What gives the energy; it has a `cutoff`.
        skin: Keep the neighbor table until an atom has moved half of this (Å).
        dtype: Floating-point numbers of the calculation.
        device: Where it runs.
    """

    implemented_properties: ClassVar[list[str]] = [
        "energy",
        "free_energy",
        "forces",
        "stress",
        "energies",
    ]

    def __init__(
        self,
        potential: Potential,
        *,
        skin: float = 0.5,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.potential, self.skin, self.dtype, self.device = potential, skin, dtype, device
        self.cutoff: float = potential.cutoff
        self.system: System | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Energy (eV), forces (eV/Å), with a cell the stress (eV/Å³), and energies of atoms where known.

        Raises:
            ValueError: An element or a charge that the potential does not know.
        """
        super().calculate(atoms, properties, system_changes)
        check_charge(self.potential, self.atoms)
        plain = Atoms(
            self.atoms.numbers, self.atoms.positions, cell=self.atoms.cell, pbc=self.atoms.pbc
        )
        system = from_atoms(plain, dtype=self.dtype, device=self.device)
        if self.system is None or set(system_changes) - {"positions"}:
            getattr(self.potential, "check", lambda numbers: None)(system.numbers)
            self.system = table(system, self.cutoff, skin=self.skin)
        else:
            self.system = refresh(self.system.at(system.positions))
        periodic = bool(self.atoms.pbc.any())
        seen = evaluate(self.potential, self.system, virial=periodic)
        energy = float(seen.energies[0])
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": seen.forces.cpu().numpy(),
        }
        if periodic:
            stress = -seen.virial[0].cpu().numpy() / self.atoms.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)
        if "energies" in properties:
            self.results["energies"] = self._atoms()

    def _atoms(self) -> Float[np.ndarray, " atoms"]:
        atomic = getattr(self.potential, "atomic", None)
        if atomic is None:
            raise ValueError(
                f"{type(self.potential).__name__} does not split its energy into atoms"
            )
        with torch.no_grad():
            return atomic(self.system).double().cpu().numpy()


def check_charge(potential: Potential, atoms: Atoms) -> None:
    """Refuse a molecule whose charge is not that of the molecules a potential was trained on.

    Raises:
        ValueError: `atoms.info` tells another charge (e); a potential sees elements and positions only.
    """
    known, told = getattr(potential, "charge", None), charge_of(atoms)
    if known is not None and told is not None and told != known:
        raise ValueError(
            f"{atoms.get_chemical_formula()} says charge {told:g}, the potential was trained on charge "
            f"{known:g}; train one on labels of that charge, or use GFN2(charge={told:g}).calculator()"
        )


@dataclass(frozen=True)
class FromASE:
    """Any ASE calculator as a potential: energies and forces are the calculator's own.

    Attributes:
        calculator: For example `GFN2().calculator()`, or an interface to another program.
        cutoff: How far to look for neighbors; the calculator finds its own, so nearly nothing.
    """

    calculator: Calculator
    cutoff: float = 0.1

    def __call__(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV); without a gradient, which `evaluate` takes from `analytic`."""
        return self.analytic(system).energies

    def analytic(self, system: System, *, virial: bool = False) -> Evaluation:
        """Energies and forces, one system after the other; the virial where there is a stress."""
        energies, forces, virials = [], [], []
        for atoms in to_atoms(system):
            atoms.calc = self.calculator
            energies.append(atoms.get_potential_energy())
            forces.append(atoms.get_forces())
            if virial and atoms.pbc.all() and "stress" in self.calculator.implemented_properties:
                virials.append(-atoms.get_stress(voigt=False) * atoms.get_volume())
        like = system.positions
        return Evaluation(
            energies=like.new_tensor(energies),
            forces=like.new_tensor(np.concatenate(forces)),
            virial=like.new_tensor(np.stack(virials)) if virials else None,
        )
