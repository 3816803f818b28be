"""More that the pages show in 3D: proteins and drugs."""

from dataclasses import replace

import numpy as np
from rdkit import Chem

from docs.site.films import FLIP, Film, small, written
from mdlearn.data.tables import load_table
from mdlearn.lessons.ch41 import CUBANE, CUNEANE
from mdlearn.properties.attributions import crippen
from mdlearn.structure.alignments import focus, load_family
from mdlearn.structure.attention import SmallFold
from mdlearn.structure.fold import folding
from mdlearn.structure.lone import predict_lone
from mdlearn.structure.predict import beliefs
from mdlearn.structure.proteins import Protein, complete, load_chains, write_structure
from mdlearn.structure.scores import superpose, tm_score
from mdlearn.structure.secondary import SecondaryStructure
from mdlearn.structure.weights import load
from mdlearn.view.molecules import conformer
from mdlearn.view.picture import pose, still
from mdlearn.view.tube import trace

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
STEPS, EVERY = 300, 6  # of folding


def chain() -> Film:
    """The longest chain of the test set."""
    longest = max(load_chains("test"), key=len)
    alt = f"{longest.name}: {len(longest)} residues as a ribbon, blue at the first, red at the last"
    return ribbon(longest, alt)


def crystal() -> Film:
    """Dihydrofolate reductase as its crystal has it."""
    _, protein = load_family("dhfr")
    return ribbon(protein, f"Dihydrofolate reductase, the crystal 3QL0, {len(protein)} residues")


def fold() -> Film:
    """A chain that folds until it obeys the distances read from its relatives, beside its crystal."""
    alignment, protein = load_family("dhfr")
    family, residues = focus(alignment, protein)
    native = _in_pose(protein.take(range(residues[0], residues[-1] + 1)))
    states, pairs, _, _ = beliefs(family, residues - residues[0], native.sequence)
    looks = list(folding(pairs, states, replicas=8, steps=STEPS, every=EVERY, seed=0))
    best = int(looks[-1].energies.argmin())
    chains = [complete(look.backbone[best].numpy().astype(float)) for look in looks]
    laid = [superpose(x[:, 1], native.ca, x.reshape(-1, 3)).reshape(x.shape) for x in chains]
    model = replace(native, name="model", backbone=laid[-1])
    likeness = tm_score(model.ca, native.ca)
    alt = (
        f"A chain of {len(native)} residues folds beside its crystal (gray): "
        f"TM-score {likeness:.2f} at the end"
    )
    film = ribbon(model, alt, turn=False)
    return replace(
        film,
        frames=np.array([x[:, :4].reshape(-1, 3) for x in laid]),
        times=tuple(f"step {look.step}" for look in looks),
        beside=_text(native),
    )


def lone() -> Film:
    """What the small network makes of one sequence, beside the crystal: little."""
    reader = load(SecondaryStructure, "secondary_structure")
    native = _in_pose(min(load_chains("test"), key=lambda chain: abs(len(chain) - 80)))
    model, _ = predict_lone(load(SmallFold, "small_fold"), reader, native.sequence)
    places = superpose(model.ca, native.ca, model.backbone.reshape(-1, 3))
    model = replace(native, name="model", backbone=places.reshape(model.backbone.shape))
    alt = (
        f"{native.name} by the small network from its sequence alone, and its crystal (gray): "
        f"TM-score {tm_score(model.ca, native.ca):.2f}"
    )
    return replace(ribbon(model, alt, turn=False), beside=_text(native))


def ribbon(protein: Protein, alt: str, *, turn: bool = True) -> Film:
    """A chain as a ribbon, colored by place."""
    protein = _in_pose(protein) if turn else protein
    picture = still([trace(protein.backbone)], style="tube")
    return Film(_text(protein), alt, picture, "cartoon", colors="chain")


def _in_pose(protein: Protein) -> Protein:
    atoms = trace(protein.backbone)
    middle = atoms.positions.mean(0)
    return replace(protein, backbone=(protein.backbone - middle) @ pose(atoms).T * FLIP)


def _text(protein: Protein) -> str:
    """In PDB format, without CB atoms, which a ribbon does not need."""
    backbone = protein.backbone.copy()
    backbone[:, 4] = np.nan
    return written(lambda path: write_structure(replace(protein, backbone=backbone), path))


def twins() -> Film:
    """Two molecules that message passing cannot tell apart."""
    left, right = (conformer(Chem.MolFromSmiles(smiles)) for smiles in (CUBANE, CUNEANE))
    left.translate(-left.positions.mean(0) - [2.6, 0, 0])
    right.translate(-right.positions.mean(0) + [2.6, 0, 0])
    return small(
        left + right, "Cubane and cuneane: one network of messages gives both the same answer"
    )


def aspirin() -> Film:
    """Contributions to logP, the truth that explanations are held to."""
    mol = Chem.MolFromSmiles(ASPIRIN)
    alt = "Aspirin, colored by what each atom adds to logP: red for more, blue for less"
    atoms = conformer(mol, hydrogens=False)
    return small(atoms, alt, values=crippen(mol), label="contribution to logP (log units)")


def best() -> Film:
    """The most active molecule of the series that chapter 44 screens."""
    table = load_table("chembl2321810")
    activity = table.column("pIC50")
    k = int(np.argmax(activity))
    alt = f"The most active of {len(activity):,} molecules: pIC50 {activity[k]:.1f}"
    return small(conformer(Chem.MolFromSmiles(table.smiles[k])), alt)
