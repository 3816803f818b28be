"""Units of the package: eV, Å, amu, e, K; time is Å·√(amu/eV), so F = ma has no factor.

A number with a unit enters as `0.5 * fs` and leaves as `t / ps`. The constants are ASE's (CODATA 2014).
"""

from ase import units as _ase

fs: float = _ase.fs  # one femtosecond, in Å·√(amu/eV)
ps: float = 1000.0 * fs
ns: float = 1000.0 * ps
kB: float = _ase.kB  # Boltzmann constant (eV/K)
meV: float = 1e-3
hartree: float = _ase.Hartree  # eV
bohr: float = _ase.Bohr  # Å
kcal_per_mol: float = _ase.kcal / _ase.mol  # eV
kJ_per_mol: float = _ase.kJ / _ase.mol  # eV
bar: float = 1e5 * _ase.Pascal  # eV/Å³
gram_per_cm3: float = _ase._Nav * 1e-24  # amu/Å³
per_cm: float = _ase.invcm  # energy of a wavenumber of 1 cm⁻¹ (eV)
speed_of_light: float = _ase._c * 1e10 * 1e-15 / fs  # Å per time unit
