"""What an ensemble would say under a slightly different potential, and the gradient of that.

A simulation is run once; its frames are weighted anew for each try of the parameters, until too few
count. So a potential learns from measurements without differentiating through time.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.units import kB


def weights(
    new: Float[Tensor, " frames"], old: Float[Tensor, " frames"], temperature: float
) -> Float[Tensor, " frames"]:
    r"""Weights of frames sampled with one potential, for another: $w \propto e^{-(U' - U)/k_BT}$.

    At constant pressure it is the same, for PV does not change.

    Args:
        new: Energies with the new potential (eV); with a graph, weights have gradients.
        old: With the one that was sampled (eV).
        temperature: K.

    References:
        Thaler & Zavadlav, Nat. Commun. 12, 6884 (2021), doi:10.1038/s41467-021-27241-4.
    """
    return torch.softmax(-(new - old.detach()) / (kB * temperature), 0)


def effective(share: Float[Tensor, " frames"]) -> Float[Tensor, ""]:
    """How many frames still count, $e^{-\\sum w \\ln w}$: all when weights are equal, one when one has all."""
    return torch.exp(-(share * share.clamp(min=1e-300).log()).sum())


def average(
    values: Float[Tensor, "frames ..."], share: Float[Tensor, " frames"]
) -> Float[Tensor, "..."]:
    r"""Weighted mean; its gradient is the theorem of fluctuations.

    $$\frac{\partial \langle A \rangle}{\partial \theta} = \langle \frac{\partial A}{\partial \theta} \rangle
      - \frac{1}{k_BT} \mathrm{cov}(A, \frac{\partial U}{\partial \theta})$$
    """
    return torch.tensordot(share, values, 1)
