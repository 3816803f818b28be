"""Molecules that between them have every trap: no bonds, salts, stereo, rings, charges, symmetry."""

import numpy as np
from rdkit import Chem

SMILES = [
    "C", "[He]", "[Na+].[Cl-]", "CCO", "C/C=C/C", r"C/C=C\C", "C[C@H](N)C(=O)O", "c1ccccc1",
    "CC(=O)Oc1ccccc1C(=O)O", "C12C3C4C1C5C2C3C45", "O=[N+]([O-])c1ccccc1", "CCN(CC)CC", "C1CC1",
    "[NH4+]", "CC(C)(C)[Si](C)(C)O", "O",
]  # fmt: skip
PEPTIDE = "NCC(=O)" + "N[C@@H](CC(C)C)C(=O)" * 75 + "O"  # 600 heavy atoms and a few


def molecules() -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(text) for text in SMILES]


def renumbered(molecule: Chem.Mol, seed: int) -> Chem.Mol:
    order = np.random.default_rng(seed).permutation(molecule.GetNumAtoms())
    return Chem.RenumberAtoms(molecule, order.tolist())
