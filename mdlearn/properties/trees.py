"""Trees as flat arrays: what scikit-learn has learned, kept without its objects.

Arrays go to a file and back without pickle, do not depend on a version of scikit-learn, and give
its predictions.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Trees:
    """Many decision trees, their nodes one after the other.

    Attributes:
        feature: Column that a node asks about; of a leaf, any.
        threshold: A value up to it goes left.
        missing_left: Where NaN goes.
        left: Next node; of a leaf, itself.
        right: Next node.
        value: What a leaf says, one number per output.
        root: First node of each tree.
        start: Added to the sum, one number per output.
        scale: Factor of the sum over trees, a ratio.
    """

    feature: Int[np.ndarray, " nodes"]
    threshold: Float[np.ndarray, " nodes"]
    missing_left: Bool[np.ndarray, " nodes"]
    left: Int[np.ndarray, " nodes"]
    right: Int[np.ndarray, " nodes"]
    value: Float[np.ndarray, "nodes outputs"]
    root: Int[np.ndarray, " trees"]
    start: Float[np.ndarray, " outputs"]
    scale: float = 1.0

    def leaves(self, x: Float[np.ndarray, "rows columns"]) -> Int[np.ndarray, "rows trees"]:
        """The leaf of each tree that a row falls into."""
        node = np.broadcast_to(self.root, (len(x), len(self.root))).copy()
        rows = np.arange(len(x))[:, None]
        while True:
            asked = x[rows, self.feature[node]]
            goes_left = np.where(
                np.isnan(asked), self.missing_left[node], asked <= self.threshold[node]
            )
            following = np.where(goes_left, self.left[node], self.right[node])
            if (following == node).all():
                return node
            node = following

    def members(
        self, x: Float[np.ndarray, "rows columns"]
    ) -> Float[np.ndarray, "rows trees outputs"]:
        """What each tree says."""
        return self.value[self.leaves(x)]

    def __call__(self, x: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows outputs"]:
        """The sum over the trees."""
        parts = [self.members(x[k : k + 256]).sum(1) for k in range(0, len(x), 256)]
        total = np.concatenate([np.zeros((0, len(self.start))), *parts])
        return self.start + self.scale * total


def of_forest(model: object) -> Trees:
    """A fitted random forest of scikit-learn: means of the leaves; of classes, their shares."""
    parts = []
    for one in model.estimators_:
        tree = one.tree_
        leaf = tree.children_left < 0
        value = tree.value[:, :, 0] if tree.value.shape[2] == 1 else tree.value[:, :, 1]
        parts.append((tree.feature, tree.threshold, np.ones(len(leaf), bool),
                      tree.children_left, tree.children_right, value, leaf))  # fmt: skip
    outputs = parts[0][5].shape[1]
    return _joined(parts, np.zeros(outputs), 1.0 / len(parts))


def of_boosting(model: object) -> Trees:
    """A fitted histogram gradient boosting of scikit-learn with one output (logits of classes)."""
    parts = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        parts.append((nodes["feature_idx"].astype(int), nodes["num_threshold"],
                      nodes["missing_go_to_left"].astype(bool), nodes["left"].astype(int),
                      nodes["right"].astype(int), nodes["value"][:, None], leaf))  # fmt: skip
    return _joined(parts, np.asarray(model._baseline_prediction, float).reshape(-1), 1.0)


def _joined(parts: list[tuple], start: np.ndarray, scale: float) -> Trees:
    sizes = [len(part[0]) for part in parts]
    root = np.cumsum([0, *sizes[:-1]])
    left, right = [], []
    for offset, (_, _, _, to_left, to_right, _, leaf) in zip(root, parts, strict=True):
        own = np.arange(len(leaf))
        left.append(np.where(leaf, own, to_left) + offset)
        right.append(np.where(leaf, own, to_right) + offset)
    threshold = np.concatenate([part[1] for part in parts]).astype(float)
    return Trees(
        feature=np.maximum(np.concatenate([part[0] for part in parts]), 0).astype(np.int64),
        threshold=threshold,
        missing_left=np.concatenate([part[2] for part in parts]),
        left=np.concatenate(left).astype(np.int64),
        right=np.concatenate(right).astype(np.int64),
        value=np.concatenate([part[5] for part in parts]).astype(float),
        root=root,
        start=start.astype(float),
        scale=scale,
    )
