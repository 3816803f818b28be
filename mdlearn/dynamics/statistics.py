"""Error bars of correlated samples: frames of a trajectory are no independent measurements."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Mean(NamedTuple):
    """A mean with its standard error.

    Attributes:
        value: The mean.
        error: Its standard error; `nan` when the series is too short to know.
        samples: How many independent samples would have given this error.
    """

    value: float
    error: float
    samples: float


def blocking(values: Float[Tensor, " frames"] | Float[Tensor, "frames systems"]) -> Mean:
    r"""Mean of a time series with an error bar that knows of its memory.

    Averaged over blocks of B frames, neighbors forget each other as B grows, and
    $s_B / \sqrt{n_B}$ rises to the true error. B is the smallest power of two with
    $B^3 > 2 n (s_B^2 B / s_1^2)^2$. Several systems are taken as independent.

    References:
        Flyvbjerg & Petersen, J. Chem. Phys. 91, 461 (1989), doi:10.1063/1.457480: blocks.
        Lee et al., Phys. Rev. E 83, 066706 (2011), doi:10.1103/PhysRevE.83.066706: the choice of B.
    """
    series = values.reshape(len(values), -1).double()
    frames, systems = series.shape
    if frames < 2 or not bool(series.isfinite().all()):
        raise ValueError(f"need two frames or more, all of them numbers; got {frames} frames")
    single = float(series.var(0, correction=1).mean())
    value = float(series.mean())
    if single == 0:
        return Mean(value, 0.0, frames * systems)
    size, blocks = 1, series
    while True:
        count = len(blocks)
        spread = float((blocks - series.mean()).square().sum()) / max(1, count * systems - 1)
        error = (spread / (count * systems)) ** 0.5
        inflation = spread * size / single
        if size**3 > 2 * frames * systems * inflation**2:
            return Mean(value, error, single / error**2)
        if count < 8:
            return Mean(value, error if systems > 4 else float("nan"), single / error**2)
        even = count - count % 2
        blocks, size = blocks[:even].view(-1, 2, systems).mean(1), 2 * size


def bootstrap(
    function: Callable[[Tensor], Tensor],
    samples: Float[Tensor, "samples ..."],
    *,
    count: int = 200,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """A function of independent samples and its standard error: draw them again, with repetition.

    Args:
        function: Of samples, whose first axis is drawn from.
        samples: Independent ones: blocks, or replicas; not single frames.
        count: How often to draw.
        seed: Of the draws.

    References:
        Efron, Ann. Statist. 7, 1 (1979), doi:10.1214/aos/1176344552.
    """
    if len(samples) < 2:
        raise ValueError(f"a bootstrap needs two samples or more, got {len(samples)}")
    generator = torch.Generator().manual_seed(seed)
    draws = torch.randint(len(samples), (count, len(samples)), generator=generator)
    seen = torch.stack(
        [torch.as_tensor(function(samples[rows.to(samples.device)])) for rows in draws]
    )
    return torch.as_tensor(function(samples)), seen.std(0)
