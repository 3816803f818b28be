"""Which columns of an alignment change together, and which of them directly: contacts from evolution.

A Potts model gives each column i a field and each pair of columns a table of couplings; its
couplings are direct, where mutual information also follows chains. pairs.py learns what this
leaves open.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.linalg import lapack
from torch import Tensor

from mdlearn.structure.alignments import Alignment, weigh

MEMORY = 2_000_000_000  # bytes that one matrix of couplings may take
BLOCK = 1024  # sequences at a time


@dataclass(frozen=True)
class Potts:
    """Couplings of all pairs of columns, for 20 letters; the gap is the letter that has none.

    Attributes:
        couplings: Coupling of letter a in column i with letter b in column j, at [i, a, j, b].
        effective: Effective number of sequences it was learned from.
    """

    couplings: Float[np.ndarray, "columns 20 columns 20"]
    effective: float

    def pair(self, i: int, j: int) -> Float[np.ndarray, "21 21"]:
        """The table of two columns in the zero-sum gauge, the gap last: what to read as chemistry."""
        table = np.zeros((21, 21))
        table[:20, :20] = self.couplings[i, :, j]
        return table - table.mean(0) - table.mean(1)[:, None] + table.mean()


def zero_sum(tables: Float[np.ndarray, "20 columns 20"]) -> Float[np.ndarray, "20 columns 20"]:
    r"""Couplings of one column with all others, moved to the gauge in which rows and columns sum to 0.

    $$J_{ab} \to J_{ab} - \bar J_{a\cdot} - \bar J_{\cdot b} + \bar J_{\cdot\cdot}$$

    The means run over 21 letters; those of the gap are zero before, and left out after.
    """
    rows, columns = tables.sum(2, keepdims=True) / 21, tables.sum(0, keepdims=True) / 21
    return tables - rows - columns + tables.sum((0, 2), keepdims=True) / 441


def strength(potts: Potts) -> Float[np.ndarray, "columns columns"]:
    """Size of the coupling of each pair: the Frobenius norm in the zero-sum gauge, gap left out.

    References:
        Ekeberg et al., Phys. Rev. E 87, 012707 (2013), doi:10.1103/PhysRevE.87.012707.
    """
    norms = np.stack([(zero_sum(mine) ** 2).sum((0, 2)) for mine in potts.couplings])
    norms = np.sqrt(norms)
    np.fill_diagonal(norms, 0.0)
    return (norms + norms.T) / 2


def correct(scores: Float[np.ndarray, "columns columns"]) -> Float[np.ndarray, "columns columns"]:
    r"""Average product correction: what two columns have with everybody is taken away.

    $$S_{ij} \to S_{ij} - \bar S_i \bar S_j / \bar S$$

    References:
        Dunn et al., Bioinformatics 24, 333 (2008), doi:10.1093/bioinformatics/btm604.
    """
    scores = scores - np.diag(np.diag(scores))
    mean = scores.sum(0) / max(1, len(scores) - 1)
    found = scores - np.outer(mean, mean) / max(mean.mean(), 1e-12)
    np.fill_diagonal(found, 0.0)
    return found


def frequencies(
    rows: Int[np.ndarray, "sequences columns"],
    weights: Float[np.ndarray, " sequences"],
    *,
    letters: int = 20,
) -> tuple[Float[np.ndarray, " features"], Float[np.ndarray, "features features"]]:
    """Weighted shares of letters, and of pairs of letters in pairs of columns; the gap left out at 20.

    Sequences come in blocks, so memory is that of the result.
    """
    count, columns = rows.shape
    size = columns * letters
    single, double = np.zeros(size), np.zeros((size, size), np.float32)
    eye = np.eye(21, dtype=np.float32)[:, :letters]
    for start in range(0, count, BLOCK):
        block = eye[rows[start : start + BLOCK]].reshape(-1, size)
        weighted = block * weights[start : start + BLOCK, None].astype(np.float32)
        single += weighted.sum(0)
        double += weighted.T @ block
    return single / weights.sum(), double / np.float32(weights.sum())


def mean_field(
    alignment: Alignment, *, pseudocount: float = 0.5, weights: np.ndarray | None = None
) -> Potts:
    r"""Direct couplings from one matrix inverse: $J = -C^{-1}$, C the covariance of letters.

    Args:
        pseudocount: Share of uniform letters mixed in.
        weights: Of the sequences; `weigh` when not told.

    Raises:
        ValueError: Too many columns for memory, or too few for a pair.

    References:
        Morcos et al., Proc. Natl. Acad. Sci. 108, E1293 (2011), doi:10.1073/pnas.1111471108.
    """
    columns = fits(alignment)
    weights = weigh(alignment.rows) if weights is None else weights
    single, double = frequencies(alignment.rows, weights)
    single = (1 - pseudocount) * single + pseudocount / 21
    double *= 1 - pseudocount
    double += pseudocount / 21**2
    blocks = double.reshape(columns, 20, columns, 20)
    for i in range(columns):
        blocks[i, :, i] = np.diag(single[20 * i : 20 * i + 20])
    double -= np.outer(single, single).astype(np.float32)
    factor, failed = lapack.spotrf(double, lower=1, overwrite_a=1)
    inverse, failed_too = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise ValueError("the covariance cannot be inverted; take a larger pseudocount")
    inverse = np.tril(inverse)
    couplings = -(inverse + np.tril(inverse, -1).T)
    return Potts(couplings.reshape(columns, 20, columns, 20), float(weights.sum()))


def mutual_information(
    alignment: Alignment, *, weights: np.ndarray | None = None
) -> Float[np.ndarray, "columns columns"]:
    r"""How much one column tells about another (nats), by whatever way.

    $$\text{MI}_{ij} = \sum_{ab} f_{ij}(a, b) \ln \frac{f_{ij}(a, b)}{f_i(a) f_j(b)}$$
    """
    columns = fits(alignment)
    weights = weigh(alignment.rows) if weights is None else weights
    single, double = frequencies(alignment.rows, weights, letters=21)
    single = single.astype(np.float32).reshape(columns, 21)
    double = double.reshape(columns, 21, columns, 21)
    found = np.empty((columns, columns))
    for i in range(columns):
        product = single[i][:, None, None] * single  # (21, columns, 21)
        found[i] = (double[i] * np.log((double[i] + 1e-6) / (product + 1e-6))).sum((0, 2))
    return found


def direct_contacts(alignment: Alignment) -> Float[np.ndarray, "columns columns"]:
    """Corrected strength of the mean-field couplings: higher is nearer in space."""
    return correct(strength(mean_field(alignment)))


def pseudolikelihood(
    alignment: Alignment,
    *,
    steps: int = 100,
    penalty: float = 0.01,
    sequences: int = 3000,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Callable[[str], None] | None = None,
) -> Potts:
    """Couplings that foretell each letter best from all others of its sequence, by gradient descent.

    Better than one inverse where sequences are many, and slower.

    Args:
        steps: Of the descent.
        penalty: On the squares of couplings, per column and letter.
        sequences: At most; a random choice of more.
        seed: Of that choice.
        device: Where to compute.
        report: Told the mean log-likelihood per letter now and then.

    References:
        Ekeberg et al., Phys. Rev. E 87, 012707 (2013), doi:10.1103/PhysRevE.87.012707.
    """
    columns = fits(alignment)
    weights = weigh(alignment.rows)
    chosen = np.random.default_rng(seed).permutation(len(alignment))[:sequences]
    rows = torch.from_numpy(alignment.rows[chosen].astype(np.int64)).to(device)
    w = torch.from_numpy(weights[chosen]).float().to(device)
    letters = torch.nn.functional.one_hot(rows, 21).float().flatten(1)  # (sequences, features)
    descent = _Descent(letters, w, columns, penalty)
    for step in range(steps):
        value = descent.step(step)
        if report and step % 20 == 0:
            report(f"step {step}: log-likelihood {float(value):.4f} per letter")
    table = descent.couplings.reshape(columns, 21, columns, 21)
    table = table - table[:, 20:] - table[..., 20:] + table[:, 20:, :, 20:]
    return Potts(table[:, :20, :, :20].cpu().numpy(), float(w.sum()))


class _Descent:
    """Adam with one common scale for all couplings, so that rare letters stay near zero."""

    def __init__(self, letters: Tensor, weights: Tensor, columns: int, penalty: float) -> None:
        self.letters, self.weights, self.columns = letters, weights, columns
        self.total = weights.sum()
        shares = ((weights @ letters).view(columns, 21) + 1) / (self.total + 21)
        self.fields = (shares.log() - shares.log().mean(1, keepdim=True)).flatten()
        self.couplings = torch.zeros(21 * columns, 21 * columns, device=letters.device)
        self.penalty = penalty * (columns - 1) * 20
        self.rate = 0.1 * float(torch.log(self.total + 1)) / columns
        self.moments = [[torch.zeros_like(x), 0.0] for x in (self.fields, self.couplings)]

    def step(self, number: int) -> Tensor:
        """One step downhill; the log-likelihood per letter before it."""
        sites = (self.letters @ self.couplings + self.fields).view(-1, self.columns, 21)
        chances = sites.log_softmax(-1)
        miss = (chances.exp() - self.letters.view_as(sites)) * self.weights[:, None, None]
        miss = miss.flatten(1)
        slope = self.letters.T @ miss
        slope = slope + slope.T + self.penalty * self.couplings
        blocks = slope.view(self.columns, 21, self.columns, 21)
        torch.diagonal(blocks, dim1=0, dim2=2).zero_()  # a column does not couple with itself
        self._move(0, self.fields, miss.sum(0) + 0.02 * self.fields, number)
        self._move(1, self.couplings, slope, number)
        right = (chances.flatten(1) * self.letters).sum(1)
        return (right * self.weights).sum() / (self.total * self.columns)

    def _move(self, which: int, value: Tensor, slope: Tensor, number: int) -> None:
        first, second = self.moments[which]
        first.mul_(0.9).add_(slope, alpha=0.1)
        second = 0.999 * second + 0.001 * slope.square().sum()
        self.moments[which][1] = second
        size = (second / (1 - 0.999 ** (number + 1)) + 1e-8).sqrt()
        value.sub_(first / (1 - 0.9 ** (number + 1)) / size * self.rate)


def fits(alignment: Alignment) -> int:
    """The number of columns, if couplings of all their pairs make sense and fit into memory.

    Raises:
        ValueError: Too few columns, or too many.
    """
    columns = alignment.rows.shape[1]
    if columns < 10:
        raise ValueError(f"{columns} columns are too few for contacts; wanted ten at least")
    if (needed := 4 * (21 * columns) ** 2) > MEMORY:
        raise ValueError(
            f"{columns} columns need {needed / 1e9:.0f} GB; cut the alignment into domains of at "
            f"most {int((MEMORY / 4) ** 0.5 / 21)} columns"
        )
    return columns
