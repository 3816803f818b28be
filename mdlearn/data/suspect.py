"""Doubt the units of labeled frames: bonds, forces and total energies have known sizes."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from jaxtyping import Float

from mdlearn.data.read import labels_of
from mdlearn.units import bohr, hartree, kcal_per_mol, kJ_per_mol

# Total energies of free atoms (hartree), all electrons, to within what density functionals
# differ by; H–Ar, after the Hartree–Fock limits of Clementi & Roetti,
# At. Data Nucl. Data Tables 14, 177 (1974), doi:10.1016/S0092-640X(74)80016-1, plus correlation.
ATOMIC = np.array(
    [
        *(0.0, -0.5, -2.9, -7.48, -14.66, -24.65, -37.84, -54.58, -75.06, -99.72, -128.9),
        *(-162.2, -200.0, -242.3, -289.3, -341.2, -398.1, -460.1, -527.5),
    ]
)
ENERGY_UNITS = {
    "hartree": 1 / hartree,
    "kcal/mol": 1 / kcal_per_mol,
    "kJ/mol": 1 / kJ_per_mol,
    "meV": 1000.0,
    "eV multiplied by 27.2 once more": hartree,
}
NOBLE = (2, 10, 18, 36, 54, 86)
SMALL, LARGE = 0.08, 8.0  # eV/Å; forces of thermal motion between 100 K and 3000 K lie between


def suspect_units(frames: Sequence[Atoms]) -> list[str]:
    """Warnings, in plain words, where magnitudes speak against eV, Å and eV/Å.

    Distances are compared with covalent radii, forces with those of thermal motion, energies with
    the total energies of free atoms in other units. No warning is no proof.

    Args:
        frames: With energies and forces.
    """
    return [*suspect_lengths(frames), *_forces(frames), *_energies(frames)]


def suspect_lengths(frames: Sequence[Atoms]) -> list[str]:
    """A warning where neighbors are too far apart or too close for Å; labels are not needed."""
    ratios = [ratio for frame in frames[:50] for ratio in bond_ratios(frame)]
    if not ratios:
        return []
    ratio = float(np.median(ratios))
    for unit, factor in (("bohr", 1 / bohr), ("nm", 0.1), ("pm", 100.0)):
        if 0.8 * factor < ratio < 1.25 * factor:
            return [
                f"atoms are {ratio:.2g} bond lengths from their nearest neighbor: "
                f"positions in {unit}? They must be in Å"
            ]
    return []


def bond_ratios(atoms: Atoms) -> Float[np.ndarray, " atoms"] | list[float]:
    """Distance of each atom to its nearest neighbor, over the sum of their covalent radii."""
    if len(atoms) < 2 or np.isin(atoms.numbers, NOBLE).any():
        return []
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    np.fill_diagonal(distances, np.inf)
    radii = covalent_radii[atoms.numbers]
    return (distances / (radii[:, None] + radii)).min(1)


def _forces(frames: Sequence[Atoms]) -> list[str]:
    rms = [np.sqrt(np.mean(labels_of(f)[1] ** 2)) for f in frames if len(f) > 1]
    if not rms:
        return []
    typical = float(np.median(rms))
    if typical > LARGE:
        return [
            f"forces are {typical:.3g} in the root mean square, thermal ones are about 1 eV/Å: "
            f"in kcal/mol/Å (then {typical * kcal_per_mol:.2g} eV/Å), "
            f"kJ/mol/Å ({typical * kJ_per_mol:.2g}) or meV/Å ({typical / 1000:.2g})?"
        ]
    if typical < SMALL:
        return [
            f"forces are {typical:.3g} in the root mean square, thermal ones are about 1 eV/Å: "
            f"in hartree/bohr (then {typical * hartree / bohr:.2g} eV/Å)? "
            "Right only near minima or at low temperature"
        ]
    return []


def _energies(frames: Sequence[Atoms]) -> list[str]:
    ratios = [
        labels_of(frame)[0] / (ATOMIC[frame.numbers].sum() * hartree)
        for frame in frames
        if frame.numbers.max() < len(ATOMIC)
    ]
    if not ratios:
        return []
    ratio = float(np.median(ratios))
    for unit, factor in ENERGY_UNITS.items():
        if abs(ratio / factor - 1) < 0.03:
            return [
                f"energies are {ratio:.4g} times the total energy of the free atoms in eV: "
                f"in {unit}? They must be in eV"
            ]
    if ratio < -0.1:
        return ["energies are positive and large: is their sign right?"]
    return []
