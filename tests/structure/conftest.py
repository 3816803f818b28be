"""Chains and alignments that the tests of the wing share."""

import numpy as np
import pytest

from mdlearn.structure.alignments import Alignment, load_family
from mdlearn.structure.proteins import Protein, complete


@pytest.fixture(scope="session")
def dhfr() -> tuple[Alignment, Protein]:
    return load_family("dhfr")


@pytest.fixture
def helix() -> Protein:
    """Twenty residues of an ideal right-handed helix."""
    import torch

    from mdlearn.structure.geometry import build

    turn = torch.full((20,), 1.0, dtype=torch.float64)
    return Protein(
        "helix", "ACDEFGHIKLMNPQRSTVWY", complete(build(-1.09 * turn, -0.77 * turn).numpy())
    )


@pytest.fixture
def turned() -> np.ndarray:
    """A rotation that is none of the easy ones."""
    q, r = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)
