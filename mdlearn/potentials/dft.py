"""PySCF's density-functional theory as an ASE calculator, on one thread."""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from ase import Atoms
from ase.calculators.calculator import CalculationFailed, Calculator, all_changes

from mdlearn.units import bohr, hartree

ORBITAL_BYTES = 400_000_000  # keep the orbitals on the grid in memory up to this size


class PySCF(Calculator):
    """Density-functional theory with density fitting: energy (eV), forces (eV/Å).

    Arguments as for `labels.DFT`.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "forces"]

    def __init__(
        self,
        functional: str,
        basis: str,
        *,
        grid: int = 3,
        tolerance: float = 1e-9,
        charge: int = 0,
        unpaired: int = 0,
    ) -> None:
        super().__init__()
        self.functional, self.basis, self.grid, self.tolerance = functional, basis, grid, tolerance
        self.charge, self.unpaired = charge, unpaired

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Converge the density on a coarse grid, then on the fine one, then differentiate."""
        super().calculate(atoms, properties, system_changes)
        from pyscf import dft, gto, lib

        lib.num_threads(1)
        geometry = list(zip(self.atoms.symbols, self.atoms.positions, strict=True))
        molecule = gto.M(
            atom=geometry,
            basis=self.basis,
            charge=self.charge,
            spin=self.unpaired,
            verbose=0,
        )
        field = dft.KS(molecule).density_fit()
        field._numint = _orbitals_kept()
        field.xc, field.grids.level, field.conv_tol = self.functional, 0, 1e-6
        field.kernel()  # a cheap first guess
        guess, field.grids = field.make_rdm1(), dft.gen_grid.Grids(molecule)
        field.grids.level, field.conv_tol = self.grid, self.tolerance
        energy = field.kernel(dm0=guess)
        if not field.converged:
            raise CalculationFailed(
                f"the self-consistent field of {self.functional}/{self.basis} did not converge "
                f"in {field.max_cycle} cycles"
            )
        gradient = field.nuc_grad_method()
        gradient.grid_response = True
        self.results = {
            "energy": float(energy) * hartree,
            "forces": -gradient.kernel() * (hartree / bohr),
        }


@cache
def without_basis(functional: str, basis: str, symbols: tuple[str, ...]) -> list[str]:
    """Those of these elements for which PySCF has no such basis set.

    Raises:
        ValueError: PySCF has no such functional, or no such basis set at all.
    """
    from pyscf.dft import libxc
    from pyscf.gto.basis import load
    from pyscf.lib.exceptions import BasisNotFoundError

    try:
        libxc.parse_xc(functional)
    except KeyError as error:
        raise ValueError(
            f"no density functional {functional!r}; libxc has names such as wb97x, pbe, b3lyp"
        ) from error
    lacking = []
    for symbol in symbols:
        try:
            load(basis, symbol)
        except (BasisNotFoundError, KeyError) as error:
            if not str(error).startswith("Basis set not found for"):
                raise ValueError(
                    f"no basis set {basis!r}; PySCF has names such as 6-31g*, def2-svp, cc-pvdz"
                ) from error
            lacking.append(symbol)
    return lacking


def _orbitals_kept() -> Any:
    """PySCF's integrator with the orbitals on the grid computed once, not in every cycle: 20 % less time."""
    from pyscf.dft import numint

    class Kept(numint.NumInt):
        grid, blocks = None, ()

        def block_loop(
            self,
            mol: Any,
            grids: Any,
            nao: int | None = None,
            deriv: int = 0,
            *args: Any,
            **options: Any,
        ) -> Any:
            loop = super().block_loop(mol, grids, nao, deriv, *args, **options)
            if deriv > 1 or mol.nao * grids.weights.size * 32 > ORBITAL_BYTES:
                yield from loop
                return
            if self.grid != (id(grids), grids.weights.size, deriv):
                self.grid = (id(grids), grids.weights.size, deriv)
                self.blocks = [(ao.copy(order="K"), *rest) for ao, *rest in loop]
            yield from self.blocks

    return Kept()
