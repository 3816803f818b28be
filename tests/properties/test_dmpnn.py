"""Laws of the network: exact on colors, blind to order and batches, equal to a dense one and to chemprop."""

import json
import pickle
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem

from mdlearn.properties.batches import batch, gather_sum, lists
from mdlearn.properties.chemprop import load_chemprop
from mdlearn.properties.colors import verify
from mdlearn.properties.dmpnn import DMPNN, load, predict, save
from mdlearn.properties.fit import fit_network
from mdlearn.properties.graphs import atom_features, bond_features, cached_graphs, graphs
from tests.device_law import OneDevice
from tests.properties.examples import PEPTIDE, molecules, renumbered

HERE = Path(__file__).parent


def network(seed: int = 0, **settings) -> DMPNN:
    torch.manual_seed(seed)
    return DMPNN(**({"width": 24, "hidden": 16} | settings)).double().eval()


def everything(mols, **settings):
    model = network(**settings)
    made = graphs(mols, depth=model.depth)
    return model(batch(made, np.arange(len(mols))).double())


def dense(model: DMPNN, molecule: Chem.Mol) -> torch.Tensor:
    """The equations of the docstring, bond by bond, for one molecule."""
    single = graphs([molecule])
    x = torch.from_numpy(single.atom_table[single.atoms]).double()
    bonds = [
        (int(single.source[k]), int(single.source[k ^ 1]), single.bond_table[single.bonds[k]])
        for k in range(len(single.bonds))
    ]
    start = [model.first(torch.cat([x[v], torch.from_numpy(e).double()])) for v, _, e in bonds]
    hidden = [torch.relu(h) for h in start]
    zero = torch.zeros(24, dtype=torch.float64)
    for _ in range(model.depth - 1):
        heard = [
            sum((hidden[k] for k, (a, b, _) in enumerate(bonds) if b == v and a != w), zero)
            for v, w, _ in bonds
        ]
        hidden = [torch.relu(h + model.message(m)) for h, m in zip(start, heard, strict=True)]
    total = zero
    for v in range(len(x)):
        into = sum((hidden[k] for k, (_, b, _) in enumerate(bonds) if b == v), zero)
        total = total + torch.relu(model.atom(torch.cat([x[v], into])))
    return model.head[1](torch.relu(model.head[0](total / 100)))


def test_the_network_is_the_dense_one_of_the_equations():
    found = everything(molecules())
    wanted = torch.stack([dense(network(), molecule) for molecule in molecules()])
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


def test_colors_change_neither_outputs_nor_gradients():
    made, rows, model = graphs(molecules()), np.arange(16), network()
    found = [model(batch(made, rows, merge=merge).double()) for merge in (True, False)]
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-14)
    weights = list(model.parameters())
    slopes = [torch.autograd.grad(one.square().sum(), weights) for one in found]
    for merged, plain in zip(*slopes, strict=True):
        torch.testing.assert_close(merged, plain, rtol=1e-10, atol=1e-12)
    assert len(batch(made, rows).pairs) < 0.5 * len(batch(made, rows, merge=False).pairs)


def test_the_order_of_atoms_does_not_matter():
    turned = [renumbered(molecule, k) for k, molecule in enumerate(molecules())]
    torch.testing.assert_close(everything(turned), everything(molecules()), rtol=1e-12, atol=1e-14)


def test_the_company_in_a_batch_does_not_matter():
    made, model = graphs(molecules()), network()
    whole = model(batch(made, np.arange(16)).double())
    for rows in ([3], [0, 1, 13], [15, 4, 4, 7], [2, 9]):
        some = model(batch(made, np.array(rows)).double())
        torch.testing.assert_close(some, whole[rows], rtol=1e-13, atol=1e-15)


def test_gradients_are_those_of_finite_differences():
    made, model = graphs(molecules()), network(width=6, hidden=4, activation="tanh")
    rows = batch(made, np.arange(16)).double()
    for weight in (model.first.weight, model.message.weight, model.atom.weight):
        slope = torch.autograd.grad(model(rows).sum(), weight)[0]
        for place in ((0, 3), (4, 1), (5, 2)):
            values = []
            for step in (1e-6, -1e-6):
                with torch.no_grad():
                    weight[place] += step
                    values.append(float(model(rows).sum()))
                    weight[place] -= step
            numerical = (values[0] - values[1]) / 2e-6
            assert float(slope[place]) == pytest.approx(numerical, rel=1e-6, abs=1e-9)


def test_molecules_without_bonds_and_single_ones_can_be_learned():
    for names in (["C"], ["[He]", "O"], ["C", "CC"]):
        made = graphs([Chem.MolFromSmiles(name) for name in names])
        model = DMPNN(width=8, hidden=8)
        fit_network(model, made, torch.ones(len(names), 1), epochs=2)
        assert torch.isfinite(predict(model, made)).all()


def test_a_peptide_of_600_atoms_gives_a_number():
    molecule = Chem.MolFromSmiles(PEPTIDE)
    assert molecule.GetNumAtoms() > 600
    assert torch.isfinite(everything([molecule])).all()


def test_it_gives_the_outputs_of_chemprop_with_its_weights():
    reference = json.loads((HERE / "chemprop.json").read_text())
    mols = [Chem.MolFromSmiles(text) for text in reference["smiles"]]
    for name, wanted in reference["outputs"].items():
        model = load_chemprop(HERE / f"chemprop_{name}.pt")
        found = predict(model, graphs(mols, depth=model.depth)).double()
        torch.testing.assert_close(found, torch.tensor(wanted).double(), rtol=0, atol=1e-6)


def test_reading_a_checkpoint_runs_nothing_that_it_says(tmp_path: Path):
    class Evil:
        def __reduce__(self):
            return subprocess.check_call, (["touch", str(tmp_path / "ran")],)

    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({"state_dict": {}, "x": Evil()}))
    with pytest.raises(ValueError, match="parts that DMPNN has not"):
        load_chemprop(path)
    assert not (tmp_path / "ran").exists()
    (tmp_path / "text.pt").write_text("no archive")
    with pytest.raises(ValueError, match="no archive"):
        load_chemprop(tmp_path / "text.pt")


def test_a_network_is_the_same_after_saving(tmp_path: Path):
    model, made = network().float(), graphs(molecules())
    save(model, tmp_path / "net.safetensors", {"data": "none"})
    torch.testing.assert_close(
        predict(load(tmp_path / "net.safetensors"), made), predict(model, made), rtol=0, atol=0
    )


def test_graphs_come_back_from_the_cache_and_not_for_others(tmp_path: Path):
    made = cached_graphs(molecules(), tmp_path)
    again = cached_graphs(molecules(), tmp_path)
    assert all((getattr(made, name) == getattr(again, name)).all() for name in vars(again))
    cached_graphs(molecules()[:3], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_equal_seeds_give_equal_networks_and_others_do_not():
    made, labels = graphs(molecules()), torch.arange(16.0)[:, None]
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = DMPNN(width=8, hidden=8)
        fit_network(model, made, labels, epochs=3, seed=seed, size=4)
        found.append(predict(model, made))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_missing_labels_do_not_teach():
    made = graphs(molecules())
    labels = torch.arange(32.0).reshape(16, 2)
    labels[::2, 0] = torch.nan
    other = labels.clone()
    found = []
    for one in (labels, other):
        torch.manual_seed(0)
        model = DMPNN(width=8, hidden=8, tasks=2)
        fit_network(model, made, one, epochs=2)
        found.append(predict(model, made))
    assert torch.isfinite(found[0]).all() and torch.equal(found[0], found[1])
    with pytest.raises(ValueError, match="nothing can be learned"):
        fit_network(model, made, torch.full((16, 2), torch.nan), epochs=1)


def test_a_collision_of_hashes_is_found():
    contents = np.array([[1, 2], [1, 2], [3, 4]])
    verify(np.array([0, 0, 1]), contents)
    with pytest.raises(ArithmeticError, match="one hash"):
        verify(np.array([0, 0, 0]), contents)


TRAPS = [
    "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "c1cc[nH]c1", "[13CH4]", "[2H]OC", "[H][H]", "[CH3]", "[CH2]",
    "CS(=O)(=O)N", "c1ccsc1", "c1cc[se]c1", "C[N+](C)(C)C", "C[N-]C", "[Fe+2]", "F[P](F)(F)(F)F", "C=[N+]=[N-]",
    "Cl[Pt@SP1](Cl)(N)N", "c1ccc2[nH]ccc2c1", "[35Cl]C", "ClC", "B1OCCO1", "C#N", "N#Cc1ccncc1",
]  # fmt: skip


def test_every_atom_has_the_features_of_its_own_properties():
    mols = [Chem.MolFromSmiles(text) for text in TRAPS] + molecules()
    for tag in Chem.ChiralType.values.values():  # also those that no SMILES tells
        mols.append(Chem.RWMol(mols[0]))
        mols[-1].GetAtomWithIdx(1).SetChiralTag(tag)
    aromatic = Chem.RWMol(Chem.MolFromSmiles("FC"))  # of an element that SMILES never calls so
    aromatic.GetAtomWithIdx(0).SetIsAromatic(True)
    made = graphs([*mols, aromatic])
    atoms = [atom for molecule in (*mols, aromatic) for atom in molecule.GetAtoms()]
    for kind, a in zip(made.atoms, atoms, strict=True):
        key = (
            a.GetAtomicNum(), a.GetTotalDegree(), a.GetFormalCharge(), int(a.GetChiralTag()),
            a.GetTotalNumHs(), int(a.GetHybridization()), a.GetIsAromatic(), a.GetMass(),
        )  # fmt: skip
        np.testing.assert_array_equal(made.atom_table[kind], atom_features(key))
    bonds = [bond for molecule in (*mols, aromatic) for bond in molecule.GetBonds()]
    for kind, b in zip(made.bonds[::2], bonds, strict=True):
        stereo = int(b.GetStereo()) if b.GetBondTypeAsDouble() == 2 else 0
        key = (b.GetBondTypeAsDouble(), b.GetIsConjugated(), b.IsInRing(), stereo)
        np.testing.assert_array_equal(made.bond_table[kind], bond_features(key))


def test_a_wrong_depth_is_told():
    with pytest.raises(ValueError, match="depth=4"):
        network(depth=4)(batch(graphs(molecules()), np.arange(2)).double())


def test_a_training_step_stays_on_the_device():
    model = DMPNN(width=8, hidden=8).to("meta")
    rows = batch(graphs(molecules()), np.arange(16)).to("meta")
    with OneDevice() as mode:
        model(rows).square().mean().backward()
    assert mode.calls > 10


def test_a_batch_that_moves_stays_the_same():
    rows = batch(graphs(molecules()), np.arange(len(molecules())))
    assert rows.to("cpu") is rows
    moved = rows.to(torch.device("cpu", 0))  # another name of the place, so all is copied
    assert moved is not rows
    for name in ("pairs", "kinds", "sizes"):
        torch.testing.assert_close(getattr(moved, name), getattr(rows, name), rtol=0, atol=0)
    pairs = [(one, two) for a, b in zip(rows.rounds, moved.rounds, strict=True)
             for one, two in zip(a, b, strict=True)]  # fmt: skip
    pairs += [(getattr(rows, k), getattr(moved, k)) for k in ("kind", "incoming", "molecules")]
    for one, two in pairs:
        for a, b in zip(vars(one).values(), vars(two).values(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


def test_the_gather_sum_of_lists():
    values = torch.arange(8.0).reshape(4, 2)
    some = lists(np.array([0, 3, 3]), np.array([2, 0, 1]), 4)
    wanted = torch.stack([values[0] + values[3], torch.zeros(2), values[3]])
    assert torch.equal(gather_sum(values, some), wanted)
