"""Alanine dipeptide over its whole Ramachandran map, GFN2-xTB: 3,072 frames to train on, 160 to test."""

from functools import partial

import numpy as np
from ase import Atoms
from ase.optimize import BFGS
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolTransforms

from mdlearn.potentials.labels import GFN2
from mdlearn.recipes.labelled_sets import CHEAP, Trajectory, main
from mdlearn.recipes.sampling import restrained, sample, torsion

SMILES = "CC(=O)N[C@@H](C)C(=O)NC"  # N-acetyl-L-alanine N'-methylamide
PHI, PSI = (1, 3, 4, 6), (3, 4, 6, 8)  # C–N–Cα–C and N–Cα–C–N
WINDOWS = 8  # along each torsion
STIFFNESS = 0.5  # eV/rad²
MINIMA = {"C7eq": (-83.0, 70.0), "C7ax": (60.0, -60.0), "C5": (-155.0, 160.0)}  # degrees


def built(phi: float, psi: float) -> Atoms:
    """A rough geometry with these torsions (degrees), both peptide bonds trans."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=1)
    conformer = molecule.GetConformer()
    angles = [(0, 1, 3, 4, 180.0), (4, 6, 8, 9, 180.0), (*PHI, phi), (*PSI, psi)]
    for *atoms, degrees in angles:
        rdMolTransforms.SetDihedralDeg(conformer, *atoms, degrees)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(
        molecule, rdForceFieldHelpers.MMFFGetMoleculeProperties(molecule)
    )
    for *atoms, degrees in angles:
        field.MMFFAddTorsionConstraint(*atoms, False, degrees - 2, degrees + 2, 100.0)
    field.Minimize(maxIts=2000)
    return Atoms([atom.GetSymbol() for atom in molecule.GetAtoms()], conformer.GetPositions())


def trajectories() -> list[Trajectory]:
    """Windows on a grid of both torsions to train on; free and other restrained dynamics to test."""
    runs: list[Trajectory] = []
    spacing = 360.0 / WINDOWS
    for i in range(WINDOWS):
        for j in range(WINDOWS):
            target = (-180 + (i + 0.5) * spacing, -180 + (j + 0.5) * spacing)
            runs.append(partial(_window, target, 48, 450.0, seed=100 * i + j, split="train"))
    for number, place in enumerate(MINIMA.values()):
        runs.append(partial(_free, place, 20, seed=5000 + number))
    targets = np.random.default_rng(0).uniform(-180, 180, (20, 2))
    for number, target in enumerate(targets):
        runs.append(partial(_window, tuple(target), 5, 300.0, seed=6000 + number, split="test"))
    return runs


def _window(
    target: tuple[float, float], count: int, temperature: float, *, seed: int, split: str
) -> list[Atoms]:
    springs = [
        (torsion(atoms), float(np.radians(angle)), STIFFNESS)
        for atoms, angle in zip((PHI, PSI), target, strict=True)
    ]
    bias = restrained(GFN2(accuracy=1.0).calculator(), springs, period=2 * np.pi)
    start = built(*target)
    start.calc = bias
    BFGS(start, logfile=None).run(fmax=0.1, steps=60)
    kept = _sample(start, bias, count, temperature=temperature, seed=seed)
    return _mark(kept, split, target)


def _free(place: tuple[float, float], count: int, *, seed: int) -> list[Atoms]:
    free = GFN2(accuracy=1.0).calculator()
    start = built(*place)
    start.calc = free
    BFGS(start, logfile=None).run(fmax=0.05, steps=200)
    kept = _sample(start, free, count, temperature=300.0, seed=seed, stride=60)
    return _mark(kept, "test", place, stiffness=0.0)


def _sample(
    start: Atoms, calculator: object, count: int, *, temperature: float, seed: int, stride: int = 20
) -> list[Atoms]:
    return sample(
        start,
        calculator,
        temperature=temperature,
        frames=count,
        seed=seed,
        stride=stride,
        equilibration=300,
        timestep=1.0,
        observe=_torsions,
    )


def _torsions(positions: np.ndarray) -> list[float]:
    """φ and ψ (radians)."""
    return [torsion(atoms)(positions)[0] for atoms in (PHI, PSI)]


def _mark(
    kept: list[Atoms], split: str, target: tuple[float, float], *, stiffness: float = STIFFNESS
) -> list[Atoms]:
    """Note the window (degrees, eV/rad²); a stiffness of zero marks free dynamics."""
    for frame in kept:
        frame.info.update(
            split=split, window_phi=target[0], window_psi=target[1], stiffness=stiffness
        )
    return kept


if __name__ == "__main__":
    main("alanine_dipeptide", trajectories, [CHEAP])
