"""The two layers that rotations allow: products coupled by Gaunt coefficients, and maps of channels.

Features are `(harmonics, atoms, channels)`. Next: `ace.py`, the potential made of them.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mdlearn.potentials.harmonics import coupling


class Couple(nn.Module):
    r"""Products of features of two kinds, one channel at a time, coupled to harmonics again.

    Only the pairs that couple are multiplied. Features times themselves need squares only:
    $x_i x_j = [(x_i + x_j)^2 - x_i^2 - x_j^2] / 2$.
    """

    def __init__(self, left: int, right: int, out: int, *, same: bool = False) -> None:
        super().__init__()
        matrix, self.paths = coupling(left, right, out, same=same)
        self.harmonics, self.same = (out + 1) ** 2, same
        blocks = matrix.view(len(matrix), (left + 1) ** 2, (right + 1) ** 2)
        ones, others = torch.eye((left + 1) ** 2), torch.eye((right + 1) ** 2)
        if same:
            blocks = (blocks + blocks.mT) / 2
            i, j = (blocks.abs() > 1e-9).any(0).triu(1).nonzero().unbind(1)
            squares = 2 * blocks.diagonal(dim1=1, dim2=2) - blocks.sum(2)
            parts = (
                torch.cat([ones, ones[i] + ones[j]]),
                others[:0],
                torch.cat([squares, blocks[:, i, j]], 1),
            )
        else:
            i, j = (blocks.abs() > 1e-9).any(0).nonzero().unbind(1)
            parts = ones[i], others[j], blocks[:, i, j]
        for name, part in zip(
            ("left", "right", "weights", "matrix"), (*parts, matrix), strict=True
        ):
            self.register_buffer(name, part.to(torch.get_default_dtype()), persistent=False)

    def forward(
        self, x: Float[Tensor, "left atoms channels"], y: Float[Tensor, "right atoms channels"]
    ) -> Float[Tensor, "out atoms paths channels"]:
        """Multiply the harmonics of x with those of y (x itself, when both are the same)."""
        factors = self.left @ x.flatten(1)
        products = factors.square() if self.same else factors * (self.right @ y.flatten(1))
        return self.shape(self.weights @ products, x)

    def mix(
        self, products: Float[Tensor, "products atoms channels"]
    ) -> Float[Tensor, "out atoms paths channels"]:
        """Couple all products of harmonics, made elsewhere."""
        return self.shape(self.matrix @ products.flatten(1), products)

    def shape(self, coupled: Tensor, like: Tensor) -> Float[Tensor, "out atoms paths channels"]:
        """Rows told apart: harmonics and paths."""
        return coupled.view(self.harmonics, self.paths, *like.shape[1:]).transpose(1, 2)


class Channels(nn.Module):
    """A linear map of channels, one for each degree: the only one that rotations allow."""

    def __init__(self, degree: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(degree + 1, inputs, outputs) / math.sqrt(inputs))
        self.register_buffer("degrees", degrees(degree), persistent=False)

    def forward(
        self, x: Float[Tensor, "harmonics atoms inputs"]
    ) -> Float[Tensor, "harmonics atoms outputs"]:
        """The same map for all harmonics of a degree."""
        return torch.bmm(x, self.weight.index_select(0, self.degrees))


def degrees(degree: int) -> Int[Tensor, " harmonics"]:
    """The degree of each harmonic: 0, 1, 1, 1, 2, …"""
    return torch.tensor([k for k in range(degree + 1) for _ in range(2 * k + 1)])
