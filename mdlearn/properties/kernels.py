"""A support vector machine on descriptors: smooth where trees have steps, kept as plain arrays."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from rdkit import Chem

from mdlearn.properties.features import Scaler, descriptors
from mdlearn.properties.model import PropertyModel

MOST = 5000  # molecules; the work grows with their square
BAG = 0.8  # share of the molecules that each of several members learns from
TUBE = 0.05  # errors up to this share of the labels' spread cost nothing


@dataclass(frozen=True)
class Kernel:
    r"""$f(x) = b + \sum_i w_i \exp(-\gamma |x - x_i|^2)$, far from all points the constant b.

    Attributes:
        points: Support vectors.
        weight: Of each, in units of the label.
        start: The constant b.
        gamma: One over the square of a length.
    """

    points: Float[np.ndarray, "points columns"]
    weight: Float[np.ndarray, " points"]
    start: float
    gamma: float

    def __call__(self, x: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
        """The sum for each row."""
        squares = (self.points**2).sum(1)
        found = [np.zeros(0)]
        for k in range(0, len(x), 512):
            part = x[k : k + 512].astype(float)
            apart = (part**2).sum(1)[:, None] + squares - 2 * part @ self.points.T
            found.append(np.exp(-self.gamma * np.maximum(apart, 0.0)) @ self.weight)
        return self.start + np.concatenate(found)


def fit_kernel(
    x: Float[np.ndarray, "rows columns"], y: Float[np.ndarray, " rows"], *, penalty: float
) -> Kernel:
    """Support vector regression with a wide Gaussian: half the usual width in squared distance.

    References:
        Drucker et al., NeurIPS 9 (1996); Smola & Schölkopf, Stat. Comput. 14, 199 (2004),
        doi:10.1023/B:STCO.0000035301.49549.88.
    """
    from sklearn.svm import SVR

    x = x.astype(float)
    middle, spread = float(y.mean()), float(y.std())
    if spread < 1e-8 or not x.shape[1]:  # nothing to tell apart, or nothing to tell it by
        return Kernel(np.zeros((0, x.shape[1])), np.zeros(0), middle, 1.0)
    gamma = 0.25 / (x.shape[1] * float(x.var()))
    made = SVR(C=penalty, epsilon=TUBE, gamma=gamma).fit(x, (y - middle) / spread)
    return Kernel(
        points=made.support_vectors_,
        weight=spread * made.dual_coef_[0],
        start=middle + spread * float(made.intercept_[0]),
        gamma=gamma,
    )


class KernelMachine(PropertyModel):
    """A support vector machine on RDKit's descriptors: the smooth one, good beyond what was seen.

    Of more than 5,000 molecules it learns from a random 5,000.

    Args:
        task: "regression" or "classification".
        penalty: Of an error; more follows the labels closer.
        members: More than one: machines that each learn from another four fifths.
        interval, holdout, errors, seed: As for `GraphNetwork`.
    """

    def __init__(
        self,
        task: str = "regression",
        penalty: float = 10.0,
        members: int = 1,
        interval: str = "distance",
        holdout: float = 0.1,
        errors: str = "nan",
        seed: int = 0,
    ) -> None:
        self.task, self.penalty, self.members = task, penalty, members
        self.interval, self.holdout, self.errors, self.seed = interval, holdout, errors, seed

    def learn(self, mols: list[Chem.Mol], labels: np.ndarray) -> None:
        """Fit to these molecules and labels."""
        table = descriptors(mols)
        self.scaler_ = Scaler.of(table)
        x, rng = self.scaler_(table), np.random.default_rng(self.seed)
        share = 1.0 if self.members == 1 else BAG

        def one(column: np.ndarray) -> Kernel:
            known = np.flatnonzero(~np.isnan(column))
            if not len(known):
                return fit_kernel(x[:1], np.zeros(1), penalty=self.penalty)
            count = min(MOST, math.ceil(share * len(known)))
            some = np.sort(rng.permutation(known)[:count])
            return fit_kernel(x[some], column[some], penalty=self.penalty)

        self.kernels_ = [[one(column) for column in labels.T] for _ in range(self.members)]

    def member_values(self, mols: list[Chem.Mol]) -> np.ndarray:
        """What each member predicts: (members, molecules, tasks)."""
        x = self.scaler_(descriptors(mols))
        found = np.stack([np.stack([k(x) for k in member], axis=1) for member in self.kernels_])
        return np.clip(found, 0.0, 1.0) if self.task == "classification" else found
