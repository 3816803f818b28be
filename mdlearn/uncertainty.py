"""How sure is a prediction, and is one method really better? Arrays in, numbers out.

Conformal intervals that cover by construction where test and calibration are alike, curves that
show whether they do, and a paired comparison of methods with effect sizes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real


def conformal_quantile(scores: Real[np.ndarray, " molecules"], alpha: float) -> float:
    """The score that a new molecule exceeds with probability at most α.

    It is the $\\lceil (n + 1)(1 - \\alpha) \\rceil$-th smallest of n calibration scores; infinite
    when n is too small to promise anything.

    Args:
        scores: |error|, or |error| over an estimate of it, on molecules not trained on.
        alpha: Share that may be missed, a ratio.

    References:
        Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018), doi:10.1080/01621459.2017.1307116.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is the share that may be missed, between 0 and 1; got {alpha}")
    scores = scores[~np.isnan(scores)]
    rank = math.ceil((len(scores) + 1) * (1 - alpha))
    return math.inf if rank > len(scores) else float(np.sort(scores)[rank - 1])


def coverage(
    truth: Real[np.ndarray, " molecules"],
    low: Real[np.ndarray, " molecules"],
    high: Real[np.ndarray, " molecules"],
) -> float:
    """Share of the truths inside their intervals, a ratio; missing truths do not count."""
    known = ~np.isnan(truth)
    if not known.any():
        raise ValueError("no truth is known, so nothing can be covered")
    return float(((low <= truth) & (truth <= high))[known].mean())


def calibration_curve(
    truth: Real[np.ndarray, " molecules"],
    mean: Real[np.ndarray, " molecules"],
    std: Real[np.ndarray, " molecules"],
    levels: Real[np.ndarray, " levels"] | None = None,
) -> tuple[Float[np.ndarray, " levels"], Float[np.ndarray, " levels"]]:
    """Promised and found coverage of the Gaussian intervals mean ± z std.

    Returns:
        Promised shares and found shares; equal for a calibrated model.
    """
    from scipy.stats import norm

    levels = np.linspace(0.05, 0.95, 19) if levels is None else np.asarray(levels, float)
    error = np.abs(truth - mean)
    found = [float((error <= norm.ppf(0.5 + level / 2) * std).mean()) for level in levels]
    return levels, np.array(found)


def reliability(
    truth: Real[np.ndarray, " molecules"],
    probability: Real[np.ndarray, " molecules"],
    bins: int = 10,
) -> tuple[Float[np.ndarray, " used"], Float[np.ndarray, " used"], Float[np.ndarray, " used"]]:
    """Mean probability, share of hits and count in each bin of probability that is not empty."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    used = counts > 0
    said = np.bincount(place, probability, bins)[used] / counts[used]
    hits = np.bincount(place, truth, bins)[used] / counts[used]
    return said, hits, counts[used].astype(float)


@dataclass(frozen=True)
class Comparison:
    """Methods compared on the same parts of the data.

    Attributes:
        names: Of the methods, the best first.
        means: Mean score of each.
        difference: Mean of one (row) minus that of another (column).
        half_width: Half the simultaneous confidence interval of every difference.
        p: Probability of so large a difference if there were none (Tukey's test).
        effect: Difference over the standard deviation of the paired differences (Cohen's d).
        pairs: How many parts, a count.
    """

    names: tuple[str, ...]
    means: Float[np.ndarray, " methods"]
    difference: Float[np.ndarray, "methods methods"]
    half_width: float
    p: Float[np.ndarray, "methods methods"]
    effect: Float[np.ndarray, "methods methods"]
    pairs: int

    def __str__(self) -> str:
        lines = [f"{self.pairs} paired parts; best first"]
        for k, name in enumerate(self.names):
            gap = "" if k == 0 else (
                f"  behind by {abs(self.difference[k, 0]):.3g} ± {self.half_width:.2g}, "
                f"p = {self.p[k, 0]:.2g}, d = {abs(self.effect[k, 0]):.2g}"
            )  # fmt: skip
            lines.append(f"{name:>24s}  {self.means[k]:.4g}{gap}")
        return "\n".join(lines)


def compare(
    scores: Mapping[str, Real[np.ndarray, " parts"]],
    *,
    better: str = "lower",
    alpha: float = 0.05,
) -> Comparison:
    """Are differences between methods larger than chance? Repeated measures, all pairs at once.

    Scores of one part of the data (a fold of a repeated cross-validation) are paired, so how hard
    a part is drops out: a two-way analysis of variance without interaction, then Tukey's test.
    Folds share training molecules, so the p-values are still too kind; look at the effect size.

    Args:
        scores: Name of a method → its score on each part, in the same order of parts.
        better: "lower" (errors) or "higher".
        alpha: Of the confidence intervals, a ratio.

    References:
        Ash et al., J. Chem. Inf. Model. 65, 9398 (2025), doi:10.1021/acs.jcim.5c01609.
    """
    from scipy.stats import studentized_range

    if better not in ("lower", "higher"):
        raise ValueError(f'better is "lower" or "higher", got {better!r}')
    table = np.array(
        [np.asarray(values, float) for values in scores.values()]
    ).T  # (parts, methods)
    parts, methods = table.shape
    if parts < 2 or methods < 2:
        raise ValueError(f"needs two methods and two parts at least, got {methods} and {parts}")
    order = np.argsort(table.mean(0) * (1 if better == "lower" else -1), kind="stable")
    table, names = table[:, order], tuple(np.array(list(scores))[order].tolist())
    rest = table - table.mean(0) - table.mean(1)[:, None] + table.mean()
    freedom = (parts - 1) * (methods - 1)
    error = math.sqrt(max((rest**2).sum() / freedom / parts, 1e-30))
    difference = table.mean(0)[:, None] - table.mean(0)[None]
    p = studentized_range.sf(np.abs(difference) / error, methods, freedom)
    apart = (table[:, :, None] - table[:, None, :]).std(0, ddof=1)
    return Comparison(
        names=names,
        means=table.mean(0),
        difference=difference,
        half_width=float(studentized_range.ppf(1 - alpha, methods, freedom) * error),
        p=p,
        effect=np.divide(difference, apart, out=np.zeros_like(apart), where=apart > 0),
        pairs=parts,
    )


def standard_error(values: Real[np.ndarray, " values"]) -> float:
    """Standard error of the mean; NaN of a single value."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
