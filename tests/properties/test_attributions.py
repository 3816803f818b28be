"""Attributions add up, see only what is there, and find what a network that is known does."""

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem.Crippen import MolLogP

from mdlearn.properties.attributions import METHODS, attributions, crippen, explain
from mdlearn.properties.batches import batch
from mdlearn.properties.dmpnn import DMPNN, predict
from mdlearn.properties.estimators import Blend, BoostedTrees, GraphNetwork
from mdlearn.properties.features import descriptors
from mdlearn.properties.graphs import ATOM_FEATURES, graphs

ASPIRIN = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
SMALL = Chem.MolFromSmiles("CC(N)=O")


def network(**settings) -> DMPNN:
    torch.manual_seed(0)
    return DMPNN(width=16, hidden=16, **settings).double().eval()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_one_number_per_atom(method):
    found = attributions(network(), ASPIRIN, method)
    assert found.shape == (13,) and np.isfinite(found).all() and found.std() > 0
    np.testing.assert_array_equal(found, attributions(network(), ASPIRIN, method))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "random"])
def test_atoms_that_are_alike_get_alike_shares(method):
    benzene = Chem.MolFromSmiles("c1ccccc1")
    found = attributions(network(), benzene, method)
    tolerance = 0.5 if method == "Shapley" else 1e-9  # benzene has 2^6 coalitions: exact too
    np.testing.assert_allclose(found, found.mean(), rtol=min(tolerance, 1e-9), atol=1e-15)


def test_integrated_gradients_and_shapley_add_up():
    model = network(activation="tanh")
    whole = float(predict(model, graphs([SMALL]), extra=None)[0, 0])
    assert attributions(model, SMALL, "Shapley").sum() == pytest.approx(
        whole - empty(model, 4), rel=1e-6
    )
    found = attributions(model, SMALL, "integrated gradients").sum()
    assert found == pytest.approx(whole - empty(model, 4), rel=0.02)


def empty(model: DMPNN, atoms: int) -> float:
    """The prediction for atoms without any features: biases only."""
    with torch.no_grad():
        x = torch.tanh(model.atom.bias)[None] * atoms / 100
        return float(model.head[1](torch.tanh(model.head[0](x))))


def test_an_atom_is_explained_by_what_it_is_and_hears():
    model = network(depth=1, layers=0, readout="sum", activation="tanh")  # a sum over atoms
    with torch.no_grad():
        model.first.weight *= 10  # what is heard matters,
        model.first.weight[:, :ATOM_FEATURES] = 0  # and tells nothing of where it comes from
    single = graphs([SMALL], depth=1)
    found = attributions(model, SMALL)
    with torch.no_grad():
        rows = model.atoms(batch(single, np.array([0]), merge=False).double())
        none = torch.tanh(model.atom.bias)
        terms = (rows - none) @ model.head[0].weight[0]
    np.testing.assert_allclose(found, terms.numpy(), rtol=0.01, atol=1e-3)  # a rule of twenty steps


def test_contributions_of_crippen_sum_to_his_logp():
    for molecule in (ASPIRIN, SMALL, Chem.MolFromSmiles("C")):
        assert crippen(molecule).sum() == pytest.approx(MolLogP(molecule))


def test_a_fitted_model_is_explained_by_the_mean_of_its_networks():
    X, y = ["CC(N)=O", "CCO", "CCN", "CCC"], [0.0, 1.0, 2.0, 3.0]
    model = GraphNetwork(epochs=1, width=8, members=2, holdout=0.0).fit(X, y)
    wanted = np.mean([attributions(one, SMALL) for one in model.networks_], axis=0)
    np.testing.assert_allclose(explain(model, SMALL), wanted)
    blend = Blend(epochs=1, holdout=0.0).fit(X, y)
    plain, other = blend.parts_[:2]
    extra = torch.from_numpy(other.scaler_(descriptors([SMALL])))
    each = [attributions(plain.networks_[0], SMALL)]
    each.append(attributions(other.networks_[0], SMALL, extra=extra))
    np.testing.assert_allclose(explain(blend, SMALL), np.mean(each, axis=0))


def test_trees_and_unknown_methods_are_refused():
    trees = BoostedTrees(iterations=1, holdout=0.0).fit(["CCO", "CCN"], [0.0, 1.0])
    with pytest.raises(ValueError, match="BoostedTrees has no network"):
        explain(trees, SMALL)
    with pytest.raises(ValueError, match="integrated gradients, Shapley"):
        attributions(network(), SMALL, "attention")
