"""What all models of properties share: reading, checking, intervals, distance.

estimators.py has the models themselves.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float
from rdkit import Chem
from sklearn.base import BaseEstimator

from mdlearn.data.scaffolds import same_molecule
from mdlearn.data.splits import split_by_group
from mdlearn.properties.features import packed, similarity
from mdlearn.properties.fit import TASKS
from mdlearn.properties.molecules import MODES, Molecules, read
from mdlearn.uncertainty import conformal_quantile

INTERVALS = ("plain", "spread", "distance")
ENOUGH = 20  # molecules kept aside, below which no interval is promised
NEIGHBORS = 3


class PropertyModel(BaseEstimator):
    """What all of them share: reading, checking, keeping molecules aside, intervals, distance.

    A child says how to learn (`learn`) and what its members predict (`member_values`).

    Attributes:
        problems_: Rows that the last call could not read.
        tasks_: How many labels.
        known_: Fingerprints of the molecules learned from.
    """

    def learn(self, mols: list[Chem.Mol], labels: Float[np.ndarray, "molecules tasks"]) -> None:
        """Fit to these molecules and labels; a child says how."""
        raise NotImplementedError

    def member_values(self, mols: list[Chem.Mol]) -> Float[np.ndarray, "members molecules tasks"]:
        """What each member predicts (probabilities of classes); a child says how."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.task == "classification" else "regressor"
        tags.input_tags.string = True
        tags.target_tags.required = True
        if self.task == "classification":
            from sklearn.utils import ClassifierTags

            tags.classifier_tags = ClassifierTags(multi_class=False)
        else:
            from sklearn.utils import RegressorTags

            tags.regressor_tags = RegressorTags()
        return tags

    def fit(
        self, X: Iterable[Any], y: Any, *, calibration: tuple[Iterable[Any], Any] | None = None
    ) -> "PropertyModel":
        """Learn from molecules and labels.

        Args:
            X: SMILES or RDKit molecules.
            y: Numbers, one per molecule or one row per molecule; NaN where not measured.
            calibration: Molecules and labels that are not learned from and set the width of the
                intervals; a share `holdout` of X when not told.

        Raises:
            ValueError: Labels that are no numbers or of another length, or nothing to learn from.
        """
        self._check_settings()
        found, labels = self._told(X, y)
        self.flat_, self.tasks_ = np.ndim(y) == 1, labels.shape[1]
        self.classes_ = np.array([0, 1])
        aside = np.zeros(len(found.mols), bool)
        if calibration is None and self.task == "regression" and self.holdout:
            aside = kept_aside(found.mols, self.holdout, self.seed)
        learned = [m for m, out in zip(found.mols, aside, strict=True) if not out]
        self.learn(learned, labels[~aside])
        self.known_ = packed(learned)
        self.scores_ = {kind: np.zeros((0, self.tasks_)) for kind in INTERVALS}
        if calibration is not None and self.task == "regression":
            others, truth = self._told(*calibration)
            self._calibrate(others.mols, truth)
        elif aside.any():
            kept = [m for m, out in zip(found.mols, aside, strict=True) if out]
            self._calibrate(kept, labels[aside])
        self.problems_ = found.problems
        return self

    def predict(self, X: Iterable[Any], return_std: bool = False) -> Any:
        """Predicted labels; classes for classification. With `return_std`, also how members differ.

        Raises:
            ValueError: A standard deviation is wanted of a single network.
        """
        found = self._read(X)
        members = self.member_values(found.mols)  # (members, molecules, tasks)
        mean = members.mean(0)
        mean = np.round(mean) if self.task == "classification" else mean
        if not return_std:
            return self._shaped(found, mean)
        if len(members) < 2:
            raise ValueError("one member has no spread; set members=4, or ask predict_interval")
        return self._shaped(found, mean), self._shaped(found, members.std(0))

    def predict_proba(self, X: Iterable[Any]) -> Float[np.ndarray, "molecules ..."]:
        """Probability of both classes; of several tasks, of the class 1 of each."""
        if self.task != "classification":
            raise ValueError('probabilities need task="classification"')
        found = self._read(X)
        one = self._shaped(found, self.member_values(found.mols).mean(0))
        return np.stack([1 - one, one], axis=1) if one.ndim == 1 else one

    def predict_interval(self, X: Iterable[Any], alpha: float = 0.1) -> tuple[Any, Any]:
        """Lower and upper ends that a truth lies between with probability 1 − α.

        The promise holds for molecules like those kept aside. It weakens for molecules far from
        them; `distance` says how far.
        """
        if self.task != "regression":
            raise ValueError("intervals are for numbers; ask predict_proba for classes")
        if len(self.scores_[self.interval]) < ENOUGH:
            raise ValueError(
                f"{len(self.scores_[self.interval])} molecules were kept aside, {ENOUGH} at least "
                "make an interval; set holdout=0.1 or give calibration="
            )
        found = self._read(X)
        members = self.member_values(found.mols)
        width = self._expected(found.mols, members, self.interval)
        scores = self.scores_[self.interval]
        half = [conformal_quantile(column, alpha) for column in scores.T] * width
        mean = members.mean(0)
        return self._shaped(found, mean - half), self._shaped(found, mean + half)

    def distance(self, X: Iterable[Any]) -> Float[np.ndarray, " molecules"]:
        """How far a molecule is from those learned: 1 − mean Tanimoto to the three nearest, a ratio."""
        found = self._read(X)
        return self._shaped(found, self._far(found.mols), flat=True)

    def nearest(self, smiles: Any, count: int = NEIGHBORS) -> list[tuple[int, float]]:
        """Learned molecules most like one, as (number among those learned, Tanimoto)."""
        mols = read([smiles], errors="raise").mols
        like = similarity(packed(mols), self.known_)[0]
        return [(int(k), float(like[k])) for k in np.argsort(-like, kind="stable")[:count]]

    def score(self, X: Iterable[Any], y: Any) -> float:
        """R² of numbers, share of right classes; over all labels that are there."""
        truth = np.asarray(y, float)
        found = np.asarray(self.predict(X))
        both = ~np.isnan(truth) & ~np.isnan(found)
        if not both.any():
            raise ValueError("no row has both a label and a prediction")
        truth, found = truth[both], found[both]
        if self.task == "classification":
            return float((truth == found).mean())
        return float(
            1 - ((truth - found) ** 2).sum() / max(((truth - truth.mean()) ** 2).sum(), 1e-300)
        )

    def _check_settings(self) -> None:
        for value, known in ((self.task, TASKS), (self.errors, MODES), (self.interval, INTERVALS)):
            if value not in known:
                raise ValueError(f"{value!r} is not one of {', '.join(known)}")

    def _read(self, X: Iterable[Any]) -> Molecules:
        if not hasattr(self, "known_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"this {type(self).__name__} has learned nothing yet; call fit")
        found = read(X, errors=self.errors, doubt=False)
        self.problems_ = found.problems
        return found

    def _told(self, X: Iterable[Any], y: Any) -> tuple[Molecules, np.ndarray]:
        """Molecules and labels of the rows that can be learned from."""
        found = read(X, errors=self.errors, doubt=False)
        try:
            labels = np.asarray(y, float)
        except (TypeError, ValueError) as error:
            raise ValueError(f"labels must be numbers: {error}") from error
        labels = labels[:, None] if labels.ndim == 1 else labels
        if len(labels) != found.count:
            raise ValueError(f"got {found.count} molecules and {len(labels)} rows of labels")
        if np.isinf(labels).any():
            raise ValueError(f"row {int(np.isinf(labels).any(1).argmax())} has an infinite label")
        if self.task == "classification" and not np.isin(labels[~np.isnan(labels)], (0, 1)).all():
            raise ValueError('classes are 0 and 1; for numbers set task="regression"')
        labels = labels[found.rows]
        known = ~np.isnan(labels).all(1)
        if not known.any():
            raise ValueError("no row has both a readable molecule and a label")
        mols = [m for m, there in zip(found.mols, known, strict=True) if there]
        read_rows = Molecules(mols, found.rows[known], found.count, found.problems, found.doubts)
        return read_rows, labels[known]

    def _shaped(self, found: Molecules, values: np.ndarray, *, flat: bool = False) -> np.ndarray:
        """Values on all rows, NaN for bad ones unless they are dropped."""
        values = values if self.errors == "drop" else found.spread(values)
        return values[:, 0] if self.flat_ and values.ndim == 2 and not flat else values

    def _far(self, mols: list[Chem.Mol]) -> np.ndarray:
        count = min(NEIGHBORS, len(self.known_))
        far = [np.zeros(0)]
        prints = packed(mols)
        for k in range(0, len(prints), 1024):
            like = similarity(prints[k : k + 1024], self.known_)
            far.append(1 - np.partition(like, -count, axis=1)[:, -count:].mean(1))
        return np.concatenate(far)

    def _expected(self, mols: list[Chem.Mol], members: np.ndarray, kind: str) -> np.ndarray:
        """An estimate of the size of the error of each, up to a factor. (molecules, tasks)"""
        if kind == "spread":
            return members.std(0) + self.floor_
        if kind == "distance":
            return 0.5 + np.repeat(self._far(mols)[:, None], self.tasks_, 1)
        return np.ones(members.shape[1:])

    def _calibrate(self, mols: list[Chem.Mol], truth: np.ndarray) -> None:
        members = self.member_values(mols)
        miss = np.abs(members.mean(0) - truth)
        self.floor_ = 0.5 * np.median(members.std(0), axis=0) + 1e-6
        kinds = INTERVALS if len(members) > 1 else ("plain", "distance")
        self.scores_ |= {kind: miss / self._expected(mols, members, kind) for kind in kinds}


def kept_aside(mols: list[Chem.Mol], share: float, seed: int) -> np.ndarray:
    """Which molecules are not learned from; none of them in other clothes among the others."""
    aside = np.zeros(len(mols), bool)
    if len(mols) * share >= ENOUGH:
        groups = same_molecule([Chem.MolToSmiles(molecule) for molecule in mols])
        aside[split_by_group(groups, valid=0.0, test=share, seed=seed).test] = True
    return aside
