"""Contacts by attention: one layer whose heads say which columns listen to which, and what they hear.

The same Potts model as in couplings.py, with far fewer numbers: pairs of columns share the tables of
a few heads. The step from direct couplings to the attention of protein language models.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mdlearn.structure.alignments import Alignment, weigh
from mdlearn.structure.couplings import Potts, fits

RATE = 0.03  # of Adam
PENALTY = 1e-5  # on the tables of couplings, relative to the log-likelihood of a sequence


class FactoredAttention(nn.Module):
    r"""Couplings of all pairs of columns from the positions of columns alone, not from letters.

    $$J_{ij}(a, b) = \sum_h \operatorname{softmax}_j(q^h_i \cdot k^h_j / \sqrt{d}) \, V^h_{ab}$$

    References:
        Eqs. 6–8 of Bhattacharya et al., Pac. Symp. Biocomput. 27, 34 (2022),
        doi:10.1142/9789811250477_0004.
    """

    def __init__(self, columns: int, *, heads: int, width: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(0.3 * torch.randn(heads, columns, width))
        self.keys = nn.Parameter(0.3 * torch.randn(heads, columns, width))
        self.values = nn.Parameter(0.02 * torch.randn(heads, 21, 21))
        self.fields = nn.Parameter(torch.zeros(columns, 21))

    def attention(self) -> Float[Tensor, "heads columns columns"]:
        """How much each column listens to each other one; not to itself."""
        scores = self.queries @ self.keys.mT / self.queries.shape[-1] ** 0.5
        itself = torch.eye(scores.shape[-1], dtype=torch.bool, device=scores.device)
        return scores.masked_fill(itself, -torch.inf).softmax(-1)

    def couplings(self) -> Float[Tensor, "columns 21 columns 21"]:
        """What letter b in column j says about letter a in column i, at [j, b, i, a]."""
        return torch.einsum("hij,hab->jbia", self.attention(), self.values)

    def forward(
        self, letters: Float[Tensor, "sequences columns 21"]
    ) -> Float[Tensor, "sequences columns 21"]:
        """Log-probability of each letter in each column, given all others of its sequence."""
        count, columns, _ = letters.shape
        tables = self.couplings().reshape(columns * 21, columns * 21)
        heard = (letters.reshape(count, -1) @ tables).view(count, columns, 21)
        return (heard + self.fields).log_softmax(-1)


def factored_attention(
    alignment: Alignment,
    *,
    heads: int = 64,
    width: int = 32,
    steps: int = 200,
    batch: int = 512,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Callable[[str], None] | None = None,
) -> Potts:
    """Couplings of a family from one layer of factored attention, trained on its own sequences.

    To read, not to win: on the one family it was tried on (PF00013, whose contacts also chose the
    defaults) it finds fewer than `mean_field`, which is far quicker.

    Args:
        heads: Tables that pairs of columns share.
        width: Numbers of a query and of a key.
        steps: Of Adam.
        batch: Sequences a step, drawn by their weights.
        seed: Of the first weights and the draws.
        device: Where to compute.
        report: Told the mean log-likelihood per letter now and then.

    Raises:
        ValueError: Too many columns for memory, or too few for a pair.
    """
    columns, weights = fits(alignment), weigh(alignment.rows)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = FactoredAttention(columns, heads=heads, width=width).to(device)
    rows = torch.from_numpy(alignment.rows.astype(np.int64)).to(device)
    rng, shares = np.random.default_rng(seed), weights / weights.sum()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    for step in range(steps):
        drawn = rng.choice(len(rows), size=batch, p=shares)
        letters = nn.functional.one_hot(rows[torch.from_numpy(drawn).to(device)], 21).float()
        likelihood = (model(letters) * letters).sum((1, 2)).mean()
        penalty = PENALTY * model.couplings().square().sum()
        optimizer.zero_grad()
        (penalty - likelihood).backward()
        optimizer.step()
        if report and step % 20 == 0:
            report(f"step {step}: log-likelihood {float(likelihood) / columns:.4f} per letter")
    table = model.couplings().detach()
    table = table + table.permute(2, 3, 0, 1)
    table = table - table[:, 20:] - table[..., 20:] + table[:, 20:, :, 20:]
    return Potts(table[:, :20, :, :20].cpu().numpy(), float(weights.sum()))
