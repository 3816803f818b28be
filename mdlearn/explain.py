"""Why this prediction? Attributions for any callable, and tests that unmask bad ones.

A model here is a function of tensors or of masks; what the parts mean (atoms, residues, bits) is
the caller's business. properties/attributions.py applies it to molecules.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

Masked = Callable[[Bool[np.ndarray, "masks players"]], Float[np.ndarray, " masks"]]
EXACT = 12  # players up to which all coalitions are counted


def gradient_times_input(
    model: Callable[..., Tensor], *inputs: Float[Tensor, "..."]
) -> tuple[Float[Tensor, "..."], ...]:
    r"""$x_i\,\partial f / \partial x_i$: a first guess, exact for linear models only.

    Args:
        model: Takes the inputs; its values are summed.
        inputs: Where to explain.
    """
    leaves = [x.detach().requires_grad_() for x in inputs]
    slopes = torch.autograd.grad(model(*leaves).sum(), leaves)
    return tuple(x.detach() * slope for x, slope in zip(inputs, slopes, strict=True))


def integrated_gradients(
    model: Callable[..., Tensor],
    *inputs: Float[Tensor, "..."],
    baselines: tuple[Tensor, ...] | None = None,
    steps: int = 20,
) -> tuple[Float[Tensor, "..."], ...]:
    r"""$(x_i - b_i) \int_0^1 \partial_i f(b + a(x - b))\,da$, by the midpoint rule.

    The attributions sum to f(x) − f(b), up to the error of the rule.

    Args:
        model: Takes the inputs; its values are summed.
        inputs: Where to explain.
        baselines: What "nothing" looks like; zeros when not told.
        steps: Of the rule, a count.

    References:
        Sundararajan, Taly & Yan, ICML (2017), doi:10.48550/arXiv.1703.01365.
    """
    baselines = baselines or tuple(torch.zeros_like(x) for x in inputs)
    total = [torch.zeros_like(x) for x in inputs]
    for k in range(steps):
        share = (k + 0.5) / steps
        leaves = [
            (b + share * (x - b)).detach().requires_grad_()
            for x, b in zip(inputs, baselines, strict=True)
        ]
        for sum_, slope in zip(
            total, torch.autograd.grad(model(*leaves).sum(), leaves), strict=True
        ):
            sum_ += slope / steps
    return tuple(
        (x - b).detach() * sum_ for x, b, sum_ in zip(inputs, baselines, total, strict=True)
    )


def masking(model: Masked, players: int) -> Float[np.ndarray, " players"]:
    """What is lost when one player is taken away from all the others.

    Args:
        model: Values of coalitions; True means that a player is there.
        players: How many.
    """
    masks = np.vstack([np.ones((1, players), bool), ~np.eye(players, dtype=bool)])
    values = model(masks)
    return values[0] - values[1:]


def shapley(
    model: Masked, players: int, *, samples: int = 64, seed: int = 0
) -> Float[np.ndarray, " players"]:
    r"""Fair shares: the mean of what a player adds, over all orders in which players arrive.

    Counted exactly over all coalitions of up to twelve players; sampled orders beyond. Either way
    the shares sum to the value of all minus the value of none.

    Args:
        model: Values of coalitions; True means that a player is there.
        players: How many.
        samples: Orders to sample.
        seed: Of the orders.

    References:
        Lundberg & Lee, NeurIPS (2017), doi:10.48550/arXiv.1705.07874.
    """
    if players <= EXACT:
        return _all_coalitions(model, players)
    rng = np.random.default_rng(seed)
    share = np.zeros(players)
    for _ in range(samples):
        order = rng.permutation(players)
        masks = np.zeros((players + 1, players), bool)
        for k, player in enumerate(order):
            masks[k + 1 :, player] = True
        values = model(masks)
        for player, (before, after) in zip(order, pairwise(values), strict=True):
            share[player] += (after - before) / samples
    return share


def _all_coalitions(model: Masked, players: int) -> np.ndarray:
    masks = (np.arange(2**players)[:, None] >> np.arange(players) & 1).astype(bool)
    values, sizes = model(masks), masks.sum(1)
    weight = np.array(
        [math.factorial(s) * math.factorial(players - s - 1) for s in range(players)], float
    ) / math.factorial(players)  # fmt: skip
    share = np.zeros(players)
    for player in range(players):
        without = np.flatnonzero(~masks[:, player])
        share[player] = (
            weight[sizes[without]] * (values[without + 2**player] - values[without])
        ).sum()
    return share


def correlation(a: Float[np.ndarray, " parts"], b: Float[np.ndarray, " parts"]) -> float:
    """Pearson's r; NaN when one of them is constant."""
    if len(a) < 2 or np.std(a) < 1e-12 or np.std(b) < 1e-12:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])


def agreement(
    attributions: list[Float[np.ndarray, " parts"]],
    truths: list[Float[np.ndarray, " parts"]],
    *,
    matters: float = 0.3,
) -> dict[str, float]:
    """How well attributions find known contributions.

    Args:
        attributions: One array per object.
        truths: The known contributions, the same shapes.
        matters: Signs are compared where the truth is larger than this.

    Returns:
        "r": mean over objects of Pearson's r within an object; "r error": its standard error;
        "sign": share of equal signs where it matters.
    """
    each = [correlation(a, b) for a, b in zip(attributions, truths, strict=True)]
    each = np.array([r for r in each if not math.isnan(r)])
    if not len(each):
        raise ValueError("every attribution or every truth is constant; nothing to correlate")
    found, true = np.concatenate(attributions), np.concatenate(truths)
    large = np.abs(true) > matters
    sign = (np.sign(found[large]) == np.sign(true[large])).mean() if large.any() else math.nan
    error = each.std(ddof=1) / math.sqrt(len(each)) if len(each) > 1 else math.nan
    return {"r": float(each.mean()), "r error": float(error), "sign": float(sign)}


def sanity(
    attributions: list[Float[np.ndarray, " parts"]],
    untrained: list[Float[np.ndarray, " parts"]],
) -> float:
    """Mean correlation with the attributions of a network of random weights.

    Near one, the picture shows the architecture and not what was learned.

    References:
        Adebayo et al., NeurIPS (2018), doi:10.48550/arXiv.1810.03292.
    """
    each = [correlation(a, b) for a, b in zip(attributions, untrained, strict=True)]
    return float(np.nanmean(each))
