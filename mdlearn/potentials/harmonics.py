"""Real spherical harmonics of a direction, and how two of them multiply to a third.

They are the alphabet of equivariant potentials: rotate the molecule, and the 2l+1 numbers of degree l
turn among themselves. Next: `ace.py`, the potential written in it.
"""

from functools import cache
from math import sqrt

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

MAX_DEGREE = 3


@cache
def polynomials(degree: int) -> Float[Tensor, "monomials harmonics"]:
    """The harmonics up to `degree` as polynomials: rows 1, xᵢ, xᵢxⱼ, xᵢxⱼxₖ; columns (l, m).

    Normalized so that the mean square of each over the sphere is 1.
    """
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"degree must be 0 to {MAX_DEGREE}, got {degree}")
    x, y, z = 0, 1, 2
    a, b, c, d, e = sqrt(15), sqrt(5) / 2, sqrt(35 / 8), sqrt(105), sqrt(21 / 8)
    terms: list[dict[tuple[int, ...], float]] = [{(): 1.0}]
    terms += [{(y,): sqrt(3)}, {(z,): sqrt(3)}, {(x,): sqrt(3)}]
    terms += [{(x, y): a}, {(y, z): a}, {(z, z): 2 * b, (x, x): -b, (y, y): -b}]
    terms += [{(x, z): a}, {(x, x): a / 2, (y, y): -a / 2}]
    f = sqrt(7) / 2
    terms += [{(x, x, y): 3 * c, (y, y, y): -c}, {(x, y, z): d}]
    terms += [{(y, z, z): 4 * e, (x, x, y): -e, (y, y, y): -e}]
    terms += [{(z, z, z): 2 * f, (x, x, z): -3 * f, (y, y, z): -3 * f}]
    terms += [{(x, z, z): 4 * e, (x, x, x): -e, (x, y, y): -e}]
    terms += [{(x, x, z): d / 2, (y, y, z): -d / 2}, {(x, x, x): c, (x, y, y): -3 * c}]
    start = [0, 1, 4, 13, 40]
    table = torch.zeros(start[degree + 1], (degree + 1) ** 2, dtype=torch.float64)
    for column, term in enumerate(terms[: (degree + 1) ** 2]):
        for axes, factor in term.items():
            place = sum(axis * 3**k for k, axis in enumerate(reversed(axes)))
            table[start[len(axes)] + place, column] = factor
    return table


def harmonics(
    directions: Float[Tensor, "... 3"], table: Float[Tensor, "monomials harmonics"]
) -> Float[Tensor, "... harmonics"]:
    """Real spherical harmonics of unit vectors: monomials of x, y, z times the table of `polynomials`."""
    monomials = [torch.ones_like(directions[..., :1])]
    while sum(part.shape[-1] for part in monomials) < len(table):
        product = directions.unsqueeze(-1) * monomials[-1].unsqueeze(-2)
        monomials.append(product.flatten(-2))
    return torch.cat(monomials, -1) @ table


@cache
def gaunt(a: int, b: int, c: int) -> Float[Tensor, "..."] | None:
    r"""Coupling of degrees a and b to c: $G_{ijk} = \langle Y_{ai} Y_{bj} Y_{ck} \rangle$ over the sphere.

    Exact by Gauss–Legendre quadrature, scaled so that coupled random inputs keep variance 1.
    `None` where the coupling vanishes: parity, or the triangle rule.
    """
    if (a + b + c) % 2 or not abs(a - b) <= c <= a + b:
        return None
    cosine, weight = np.polynomial.legendre.leggauss(8)
    angle = np.arange(16) * np.pi / 8
    ct, angle = (grid.ravel() for grid in np.meshgrid(cosine, angle, indexing="ij"))
    st = np.sqrt(1 - ct**2)
    points = torch.tensor(np.stack([st * np.cos(angle), st * np.sin(angle), ct], -1))
    y = harmonics(points, polynomials(MAX_DEGREE))
    of = [y[:, degree**2 : (degree + 1) ** 2] for degree in (a, b, c)]
    mean = torch.tensor(np.repeat(weight, 16) / 32)
    tensor = torch.einsum("q,qi,qj,qk->ijk", mean, *of)
    return tensor / tensor.norm() * sqrt(2 * c + 1)


def coupling(
    left: int, right: int, out: int, *, same: bool = False
) -> tuple[Float[Tensor, "rows products"], int]:
    """All couplings of features up to degrees `left` and `right` to degrees up to `out`, as one matrix.

    Rows run over (harmonic of the output, path), columns over (harmonic of left, of right). A path is
    a pair of degrees; rows of paths that a degree does not have are zero, so that all have equally many.

    Args:
        left: Highest degree of the first factor.
        right: Highest degree of the second factor.
        out: Highest degree of the product.
        same: Both factors are the same features, so (a, b) and (b, a) are one path.

    Returns:
        The matrix, and the number of paths.
    """
    found = [
        [
            (a, b, tensor)
            for a in range(left + 1)
            for b in range(right + 1)
            if (tensor := gaunt(a, b, c)) is not None and not (same and b < a)
        ]
        for c in range(out + 1)
    ]
    paths = max(len(ways) for ways in found)
    matrix = torch.zeros((out + 1) ** 2, paths, (left + 1) ** 2, (right + 1) ** 2).double()
    for c, ways in enumerate(found):
        for path, (a, b, tensor) in enumerate(ways):
            rows = slice(c**2, (c + 1) ** 2)
            matrix[rows, path, a**2 : (a + 1) ** 2, b**2 : (b + 1) ** 2] = tensor.permute(2, 0, 1)
    return matrix.flatten(0, 1).flatten(1), paths
