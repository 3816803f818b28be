"""Models of properties that work like scikit-learn's: SMILES in, numbers and intervals out.

`Blend` is the default: two kinds of networks, a kernel machine (kernels.py) and boosted trees.
All answer bad rows with NaN and a reason (`problems_`), give intervals that held on molecules kept
aside, and say how far a molecule is from those they know. store.py keeps a fitted one in a file.
"""

from typing import Any

import numpy as np
import torch
from rdkit import Chem

from mdlearn.properties.dmpnn import DMPNN, predict
from mdlearn.properties.features import Scaler, descriptors, fingerprints
from mdlearn.properties.fit import fit_network
from mdlearn.properties.graphs import graphs
from mdlearn.properties.kernels import KernelMachine
from mdlearn.properties.model import PropertyModel
from mdlearn.properties.trees import Trees, of_boosting, of_forest

CERTAIN = 20.0  # logit of a class that is the only one known


class GraphNetwork(PropertyModel):
    """The directed message-passing network; `members` of them make an ensemble.

    Args:
        task: "regression" or "classification".
        epochs: Passes over the molecules.
        width: Size of hidden states.
        depth: Rounds.
        dropout: Share of hidden values set to zero in training.
        members: Networks, each from other first weights.
        interval: "distance" (wider far from the molecules learned; on scaffold splits it covers a
            little nearer to its promise), "plain" (one width for all) or "spread" (wider where
            members differ).
        holdout: Share of molecules kept aside for intervals, a ratio.
        errors: "nan", "raise" or "drop" for rows that cannot be read.
        seed: Of weights, order and molecules kept aside.
        device: Where the networks learn; fitted ones come back to the processor.
    """

    with_descriptors = False

    def __init__(
        self,
        task: str = "regression",
        epochs: int = 50,
        width: int = 300,
        depth: int = 3,
        dropout: float = 0.0,
        members: int = 1,
        interval: str = "distance",
        holdout: float = 0.1,
        errors: str = "nan",
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.task, self.epochs, self.width, self.depth = task, epochs, width, depth
        self.dropout, self.members, self.interval = dropout, members, interval
        self.holdout, self.errors, self.seed, self.device = holdout, errors, seed, device

    def learn(self, mols: list[Chem.Mol], labels: np.ndarray) -> None:
        """Fit to these molecules and labels."""
        made = graphs(mols, depth=self.depth)
        self.scaler_, extra = None, None
        if self.with_descriptors:
            table = descriptors(mols)
            self.scaler_ = Scaler.of(table)
            extra = torch.from_numpy(self.scaler_(table))
        self.networks_ = []
        for member in range(self.members):
            torch.manual_seed(1000 * self.seed + member)
            model = DMPNN(
                width=self.width, depth=self.depth, dropout=self.dropout, tasks=labels.shape[1],
                extra=0 if extra is None else extra.shape[1],
            ).to(self.device)  # fmt: skip
            fit_network(model, made, torch.from_numpy(labels).float(), extra=extra, task=self.task,
                        epochs=self.epochs, seed=1000 * self.seed + member)  # fmt: skip
            self.networks_.append(model.cpu())

    def member_values(self, mols: list[Chem.Mol]) -> np.ndarray:
        """What each member predicts: (members, molecules, tasks)."""
        made = graphs(mols, depth=self.depth)
        extra = None
        if self.scaler_ is not None:
            extra = torch.from_numpy(self.scaler_(descriptors(mols)))
        found = torch.stack([predict(model, made, extra=extra) for model in self.networks_])
        found = found.sigmoid() if self.task == "classification" else found
        return found.double().numpy()


class DescriptorNetwork(GraphNetwork):
    """The network with RDKit's descriptors joined to its fingerprint; arguments of `GraphNetwork`."""

    with_descriptors = True


class BoostedTrees(PropertyModel):
    """Gradient-boosted trees on RDKit's descriptors: quick, and hard to beat on small sets.

    Args:
        task: "regression" or "classification".
        iterations: Trees.
        rate: Share of each tree that is added, a ratio.
        members: Fits with other random choices of columns.
        interval, holdout, errors, seed: As for `GraphNetwork`.
    """

    def __init__(
        self,
        task: str = "regression",
        iterations: int = 300,
        rate: float = 0.05,
        members: int = 1,
        interval: str = "distance",
        holdout: float = 0.1,
        errors: str = "nan",
        seed: int = 0,
    ) -> None:
        self.task, self.iterations, self.rate, self.members = task, iterations, rate, members
        self.interval, self.holdout, self.errors, self.seed = interval, holdout, errors, seed

    def learn(self, mols: list[Chem.Mol], labels: np.ndarray) -> None:
        """Fit to these molecules and labels."""
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        classes = self.task == "classification"
        kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
        table = descriptors(mols)

        def one(column: np.ndarray, member: int) -> Trees:
            if (only := _only(column)) is not None:
                return _constant(CERTAIN * (2 * only - 1) if classes else only)
            model = kind(
                max_iter=self.iterations, learning_rate=self.rate, max_leaf_nodes=15,
                min_samples_leaf=8, l2_regularization=1.0, max_features=0.3, max_bins=128,
                early_stopping=False, random_state=1000 * self.seed + member,
            )  # fmt: skip
            known = ~np.isnan(column)
            return of_boosting(model.fit(table[known], column[known]))

        self.trees_ = _each_task(labels, self.members, one)

    def member_values(self, mols: list[Chem.Mol]) -> np.ndarray:
        """What each member predicts: (members, molecules, tasks)."""
        table = descriptors(mols)
        found = np.stack([
            np.concatenate([trees(table) for trees in member], axis=1) for member in self.trees_
        ])  # fmt: skip
        return 1 / (1 + np.exp(-found)) if self.task == "classification" else found


class FingerprintForest(PropertyModel):
    """A random forest on ECFP4 counts: the baseline that every paper should have.

    Args:
        task: "regression" or "classification".
        trees: How many; they are the members.
        interval, holdout, errors, seed: As for `GraphNetwork`.
    """

    def __init__(
        self,
        task: str = "regression",
        trees: int = 200,
        interval: str = "distance",
        holdout: float = 0.1,
        errors: str = "nan",
        seed: int = 0,
    ) -> None:
        self.task, self.trees = task, trees
        self.interval, self.holdout, self.errors, self.seed = interval, holdout, errors, seed

    def learn(self, mols: list[Chem.Mol], labels: np.ndarray) -> None:
        """Fit to these molecules and labels."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestRegressor if self.task == "regression" else RandomForestClassifier
        prints = fingerprints(mols)

        def one(column: np.ndarray, member: int) -> Trees:
            if (only := _only(column)) is not None:
                return _constant(only)
            model = kind(self.trees, max_features=0.33, random_state=self.seed)
            known = ~np.isnan(column)
            return of_forest(model.fit(prints[known], column[known]))

        self.trees_ = _each_task(labels, 1, one)

    def member_values(self, mols: list[Chem.Mol]) -> np.ndarray:
        """What each member predicts: (members, molecules, tasks)."""
        prints = fingerprints(mols)
        parts = []
        for trees in self.trees_[0]:
            each = [trees.members(prints[k : k + 256])[..., 0] for k in range(0, len(prints), 256)]
            found = np.concatenate([np.zeros((0, len(trees.root))), *each]).T  # (trees, molecules)
            parts.append(np.broadcast_to(found + trees.start, (self.trees, len(prints))))
        return np.stack(parts, axis=-1)


class Blend(PropertyModel):
    """The default: the mean of a network, one with descriptors, a kernel machine and boosted trees.

    They err in different ways, and their mean errs less than each: the plain network is not led
    astray by a descriptor out of range, the smooth machine goes on where trees stay flat, trees
    find thresholds.

    Args:
        task: "regression" or "classification".
        epochs: Of the networks.
        members: Networks of either kind, and fits of the other two.
        interval, holdout, errors, seed, device: As for `GraphNetwork`.
    """

    def __init__(
        self,
        task: str = "regression",
        epochs: int = 50,
        members: int = 1,
        interval: str = "distance",
        holdout: float = 0.1,
        errors: str = "nan",
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.task, self.epochs, self.members, self.device = task, epochs, members, device
        self.interval, self.holdout, self.errors, self.seed = interval, holdout, errors, seed

    def learn(self, mols: list[Chem.Mol], labels: np.ndarray) -> None:
        """Fit to these molecules and labels."""
        same = {"task": self.task, "members": self.members, "holdout": 0.0, "seed": self.seed}
        learned = {"epochs": self.epochs, "device": self.device}
        self.parts_ = [
            GraphNetwork(**learned, **same),
            DescriptorNetwork(**learned, **same),
            KernelMachine(**same),
            BoostedTrees(**same),
        ]
        for part in self.parts_:
            part.learn(mols, labels)

    def member_values(self, mols: list[Chem.Mol]) -> np.ndarray:
        """What each member predicts: (members, molecules, tasks)."""
        return np.concatenate([part.member_values(mols) for part in self.parts_])


MODELS = {
    "blend": Blend,
    "network": GraphNetwork,
    "network with descriptors": DescriptorNetwork,
    "kernel": KernelMachine,
    "trees": BoostedTrees,
    "forest": FingerprintForest,
}


def _each_task(labels: np.ndarray, members: int, learn: Any) -> list[list[Trees]]:
    """Trees of every member for every task."""
    return [[learn(column, member) for column in labels.T] for member in range(members)]


def _only(column: np.ndarray) -> float | None:
    """The one value that a label has, if there are no two."""
    values = np.unique(column[~np.isnan(column)])
    return None if len(values) > 1 else float(values[0]) if len(values) else 0.0


def _constant(value: float) -> Trees:
    """A single leaf."""
    none, zero = np.zeros(1, int), np.zeros(1)
    return Trees(none, zero, zero == 0, none, none, zero[:, None], none, np.array([value]))
