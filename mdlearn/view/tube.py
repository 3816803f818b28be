"""A chain of residues as a tube through its CA atoms: the fold is seen, not the crowd of atoms.

`proteins.py` and `show3d(..., style="tube")` draw it live and still.
"""

from typing import Any

import numpy as np
from ase import Atoms
from jaxtyping import Float, Real

from mdlearn.view.arrays import to_numpy

TUBE = 0.7  # radius (Å)
LINK = 6.9  # of CA atoms farther apart (Å), two chains; NGL's rule too
SMOOTH = 8  # pieces of tube between two residues


def trace(places: Real[Any, "residues atoms 3"]) -> Atoms:
    """The CA of each residue, one atom each, for `show3d(..., style="tube")`.

    Args:
        places: N, CA, C (and O) of each residue (Å).
    """
    return Atoms("C" * len(places), positions=to_numpy(places)[:, 1])


def chains(positions: Float[np.ndarray, "residues 3"]) -> list[np.ndarray]:
    """Numbers of the residues of each chain: a wide step begins the next."""
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    return np.split(np.arange(len(positions)), np.flatnonzero(steps > LINK) + 1)


def curve(points: Float[np.ndarray, "residues 3"]) -> Float[np.ndarray, "places 3"]:
    """A smooth way through all points (Catmull and Rom), `SMOOTH` pieces between two of them."""
    first, last = 2 * points[:1] - points[1:2], 2 * points[-1:] - points[-2:-1]
    p = np.concatenate([first, points, last])[:, None]  # (residues + 2, 1, 3)
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    t = (np.arange(SMOOTH) / SMOOTH)[:, None]
    way = b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([way.reshape(-1, 3), points[-1:]])
