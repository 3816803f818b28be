"""Molecules that between them have every trap: no bonds, salts, stereo, rings, charges, symmetry."""

import numpy as np
from rdkit import Chem

SMILES = [
    "C", "[He]", "[Na+].[Cl-]", "CCO", "C/C=C/C", r"C/C=C\C", "C[C@H](N)C(=O)O", "c1ccccc1",
    "CC(=O)Oc1ccccc1C(=O)O", "C12C3C4C1C5C2C3C45", "O=[N+]([O-])c1ccccc1", "CCN(CC)CC", "C1CC1",
    "[NH4+]", "CC(C)(C)[Si](C)(C)O", "O",
]  # fmt: skip
PEPTIDE = "NCC(=O)" + "N[C@@H](CC(C)C)C(=O)" * 75 + "O"  # 600 heavy atoms and a few

# The bad inputs of the field: what stands there, and a word of the answer.
REFUSED = [
    ("", "empty"), ("   ", "empty"), (None, "NoneType"), (3.5, "float"), (float("nan"), "float"),
    ("C1CC", "not SMILES"), ("C(C)(C)(C)(C)C", "alence"), ("c1cccc1", "kekulize"),
    ("C–C", "no bond"), ("[R1]CC", "SMARTS"), ("InChI=1S/CH4/h1H4", "InChI"),
    ("CCO>>CC=O", "reaction"), (">30", "reaction"), ("aspirin", "not SMILES"),
    ("[C][C][O]", "SELFIES"), ("[C][=C][Branch1][C][O]", "SELFIES"), ("[#6]~[#8]", "SMARTS"),
    ("[#6]", "SMARTS"), ("*CCO", "wildcard"), ("[C,N]C", "SMARTS"), ("CCΟ", "ASCII"),
]  # fmt: skip
DOUBTED = [
    ("CCO.CCN", "several parts"), ("[Na+].[Cl-]", "several parts"), ("[Fe+2]", "metal"),
    ("C[Hg]C", "metal"), ("[CH3]", "radical"), ("[13CH4]", "isotope"), ("O", "no carbon"),
    ("C[Te]C", "without a feature"), ("[He]", "no carbon"), (PEPTIDE, "heavy atoms"),
    ("C1" + "C" * 598 + "C1", "600 heavy atoms"),
]  # fmt: skip


def molecules() -> list[Chem.Mol]:
    return [Chem.MolFromSmiles(text) for text in SMILES]


def renumbered(molecule: Chem.Mol, seed: int) -> Chem.Mol:
    order = np.random.default_rng(seed).permutation(molecule.GetNumAtoms())
    return Chem.RenumberAtoms(molecule, order.tolist())
