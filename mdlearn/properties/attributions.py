"""Which atoms made the prediction? Six answers, and a test case where the truth is known.

The methods are those of mdlearn.explain, applied to the atoms of a molecule; the network runs in
its plain form, one row per bond, so that every atom has a row of its own.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from rdkit import Chem
from torch import Tensor

from mdlearn.explain import gradient_times_input, integrated_gradients, masking, shapley
from mdlearn.properties.batches import Batch, batch, gather_sum
from mdlearn.properties.dmpnn import DMPNN
from mdlearn.properties.features import descriptors
from mdlearn.properties.graphs import ATOM_FEATURES, Graphs, graphs
from mdlearn.properties.model import PropertyModel

Atoms = Float[np.ndarray, " atoms"]


def attributions(
    model: DMPNN,
    molecule: Chem.Mol,
    method: str = "integrated gradients",
    *,
    task: int = 0,
    extra: Float[Tensor, "1 more"] | None = None,
    seed: int = 0,
) -> Float[np.ndarray, " atoms"]:
    """One number per atom, in units of the prediction: what the atom contributed.

    Args:
        model: A network, in evaluation mode.
        molecule: To be explained.
        method: A name in METHODS.
        task: Which label.
        extra: Further features of the molecule, held fixed.
        seed: Of methods that draw.
    """
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    case = _Case(model.eval(), graphs([molecule], depth=model.depth), task, extra, seed)
    return METHODS[method](case)


class _Case:
    """One molecule and the network as functions of its features."""

    def __init__(
        self, model: DMPNN, single: Graphs, task: int, extra: Tensor | None, seed: int
    ) -> None:
        self.model, self.single, self.task, self.extra, self.seed = model, single, task, extra, seed
        dtype = model.shift.dtype
        rows = batch(single, np.array([0]), merge=False)
        self.rows = Batch(
            **{**vars(rows), "pairs": rows.pairs.to(dtype), "kinds": rows.kinds.to(dtype)}
        )
        self.source = single.source
        self.target = single.source[np.arange(len(single.source)) ^ 1]
        self.atoms = len(single.atoms)

    def of_features(self, pairs: Tensor, kinds: Tensor) -> Tensor:
        """The prediction as a function of the features of bonds and atoms."""
        changed = Batch(**{**vars(self.rows), "pairs": pairs, "kinds": kinds})
        return self.model(changed, self.extra)[:, self.task]

    def of_states(self, states: Tensor) -> Tensor:
        """The prediction as a function of the atoms' hidden states at the readout."""
        model = self.model
        x = gather_sum(states, self.rows.molecules)
        if model.readout != "sum":
            x = x / (100.0 if model.readout == "norm" else self.rows.sizes[:, None])
        x = x if self.extra is None else torch.cat([x, self.extra], 1)
        for k, layer in enumerate(model.head):
            x = layer(x if k == 0 else model.activate(x))
        return (x * model.scale + model.shift)[:, self.task]

    @torch.no_grad()
    def of_masks(self, masks: Bool[np.ndarray, "masks atoms"]) -> Float[np.ndarray, " masks"]:
        """The prediction when only some atoms keep their features and bonds."""
        found = []
        for part in np.array_split(masks, max(1, len(masks) // 128)):
            many = batch(self.single, np.zeros(len(part), int), merge=False)
            atoms = torch.from_numpy(part.reshape(-1, 1)).to(self.rows.kinds.dtype)
            shift = np.repeat(np.arange(len(part)) * self.atoms, len(self.source))
            source = atoms[torch.from_numpy(np.tile(self.source, len(part)) + shift)]
            target = atoms[torch.from_numpy(np.tile(self.target, len(part)) + shift)]
            pairs = many.pairs.to(atoms.dtype).clone()
            pairs[:, :ATOM_FEATURES] *= source
            pairs[:, ATOM_FEATURES:] *= source * target
            changed = Batch(
                **{**vars(many), "pairs": pairs, "kinds": many.kinds.to(atoms.dtype) * atoms}
            )
            extra = None if self.extra is None else self.extra.expand(len(part), -1)
            found.append(self.model(changed, extra)[:, self.task].double().numpy())
        return np.concatenate(found)

    def per_atom(self, pairs: Tensor, kinds: Tensor) -> Atoms:
        """Attributions of features summed on atoms; a directed bond's go to the atom that hears it.

        A bond is two directed ones, so both its ends get a share, each for what it heard.
        """
        total = kinds.sum(1).double().numpy().copy()
        np.add.at(total, self.source, pairs[:, :ATOM_FEATURES].sum(1).double().numpy())
        np.add.at(total, self.target, pairs[:, ATOM_FEATURES:].sum(1).double().numpy())
        return total


def _integrated(case: _Case) -> Atoms:
    return case.per_atom(*integrated_gradients(case.of_features, case.rows.pairs, case.rows.kinds))


def _gradient(case: _Case) -> Atoms:
    return case.per_atom(*gradient_times_input(case.of_features, case.rows.pairs, case.rows.kinds))


def _masked(case: _Case) -> Atoms:
    return masking(case.of_masks, case.atoms)


def _shares(case: _Case) -> Atoms:
    return shapley(case.of_masks, case.atoms, samples=16, seed=case.seed)


def _readout(case: _Case) -> Atoms:
    """Gradient times hidden state at the readout: what attention and CAM pictures show."""
    with torch.no_grad():
        states = case.model.atoms(case.rows)
    return gradient_times_input(case.of_states, states)[0].sum(1).double().numpy()


def _at_random(case: _Case) -> Atoms:
    return np.random.default_rng(case.seed).normal(size=case.atoms)


METHODS: dict[str, Callable[[_Case], Atoms]] = {
    "integrated gradients": _integrated,
    "Shapley": _shares,
    "gradient × input": _gradient,
    "masking": _masked,
    "readout": _readout,
    "random": _at_random,
}


def crippen(molecule: Chem.Mol) -> Float[np.ndarray, " atoms"]:
    """Contributions of the atoms to Crippen's logP, hydrogens folded into their heavy atom.

    Their sum is the logP, by definition: a property whose explanation is known.

    References:
        Wildman & Crippen, J. Chem. Inf. Comput. Sci. 39, 868 (1999), doi:10.1021/ci990307l.
    """
    from rdkit.Chem.rdMolDescriptors import _CalcCrippenContribs

    whole = Chem.AddHs(molecule)
    each = np.array([value for value, _ in _CalcCrippenContribs(whole)])
    total = each[: molecule.GetNumAtoms()].copy()
    for atom in whole.GetAtoms():
        if atom.GetIdx() >= molecule.GetNumAtoms():
            total[atom.GetNeighbors()[0].GetIdx()] += each[atom.GetIdx()]
    return total


def explain(
    model: PropertyModel,
    molecule: Chem.Mol,
    method: str = "integrated gradients",
    *,
    task: int = 0,
) -> Float[np.ndarray, " atoms"]:
    """What each atom gave to the prediction of a fitted model: the mean over its networks.

    Of a blend it explains the networks, not the trees. Descriptors belong to no atom and are held
    fixed, so they get no share.

    Args:
        model: A fitted network, with or without descriptors, or a blend.
        molecule: To be explained.
        method: A name in METHODS.
        task: Which label.

    Raises:
        ValueError: The model has no network.
    """
    parts = [part for part in (model, *getattr(model, "parts_", ())) if hasattr(part, "networks_")]
    if not parts:
        raise ValueError(
            f"{type(model).__name__} has no network whose atoms could be asked; explain a "
            "GraphNetwork, a DescriptorNetwork or a Blend"
        )
    each = []
    for part in parts:
        extra = None
        if part.scaler_ is not None:
            extra = torch.from_numpy(part.scaler_(descriptors([molecule])))
        for seed, network in enumerate(part.networks_):
            each.append(attributions(network, molecule, method, task=task, extra=extra, seed=seed))
    return np.mean(each, axis=0)
