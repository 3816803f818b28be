"""On a GPU training, folding and property models give the numbers of the processor."""

from dataclasses import replace

import numpy as np
import torch
from rdkit import Chem

from mdlearn.data.fetch import load
from mdlearn.potentials.ace import ACE
from mdlearn.potentials.fit import Labelled, errors, fit_potential
from mdlearn.properties.dmpnn import DMPNN, predict
from mdlearn.properties.fit import fit_network
from mdlearn.properties.graphs import graphs
from mdlearn.structure.alignments import load_family
from mdlearn.structure.couplings import pseudolikelihood
from mdlearn.structure.energy import make_field, terms
from mdlearn.structure.fold import fold
from mdlearn.structure.proteins import Protein
from tests.structure.test_fold import believed, native  # noqa: F401  # a fixture

GPU = "cuda"


def test_a_short_training_is_the_same() -> None:
    frames = load("ethanol")[:60]
    seen = {}
    for device in ("cpu", GPU):
        torch.manual_seed(0)
        model = ACE([1, 6, 8], channels=8).to(device)
        parts = [
            Labelled.from_atoms(part, model.cutoff, device=device)
            for part in (frames[:50], frames[50:])
        ]
        history = fit_potential(model, *parts, epochs=4, every=10, report=None)
        seen[device] = history.records[0].valid["force_mae"], errors(model, parts[1])
    assert abs(seen["cpu"][0] / seen[GPU][0] - 1) < 0.01  # float32, ten steps in
    assert seen[GPU][1]["force_mae"] < 0.8 * seen[GPU][0]


def test_the_energy_of_a_fold_is_the_same(native: Protein) -> None:  # noqa: F811
    field = make_field(*believed(native))
    backbone = torch.from_numpy(native.backbone[:, :3])[None].float()
    here = terms(field, backbone).total(1.0)
    there = terms(field.to(GPU), backbone.to(GPU)).total(1.0)
    torch.testing.assert_close(there.cpu(), here, rtol=1e-4, atol=1e-2)


def test_couplings_are_the_same() -> None:
    alignment = load_family("dhfr")[0].take(range(300))
    few = replace(alignment, rows=alignment.rows[:, :60])
    here, there = (pseudolikelihood(few, steps=20, device=device) for device in ("cpu", GPU))
    np.testing.assert_allclose(there.couplings, here.couplings, atol=1e-4)


def test_a_chain_folds_on_the_gpu(native: Protein) -> None:  # noqa: F811
    made = fold(native.sequence, *believed(native), replicas=4, steps=400, device=GPU)
    gap = np.linalg.norm(made.model.backbone[1:, 0] - made.model.backbone[:-1, 2], axis=-1)
    assert np.all(np.abs(gap - 1.33) < 0.25)  # peptide bonds
    assert len(made.energies) == 4


def test_a_property_network_is_the_same() -> None:
    mols = [Chem.MolFromSmiles(s) for s in ("CCO", "c1ccccc1O", "CC(=O)N", "CCCl", "O")] * 8
    made, labels = graphs(mols), torch.linspace(-1, 1, 40).unsqueeze(1)
    found = {}
    for device in ("cpu", GPU):
        torch.manual_seed(0)
        model = DMPNN(width=24, hidden=16).to(device)
        fit_network(model, made, labels, epochs=3, size=8)
        found[device] = torch.as_tensor(predict(model, made)).cpu()
    torch.testing.assert_close(found[GPU], found["cpu"], rtol=1e-3, atol=1e-3)
