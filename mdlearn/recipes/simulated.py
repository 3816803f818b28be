"""Coupling maps as evolution might have left them on chains that have no alignment.

A network of pairs must learn two things: what couplings look like, and what proteins look like. The
second needs many structures; they come with maps simulated from their true contacts.
"""

import numpy as np
from jaxtyping import Float

from mdlearn.structure.pairs import standardize
from mdlearn.structure.proteins import Protein
from mdlearn.structure.scores import distances


def simulated_maps(
    protein: Protein, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "residues residues"], Float[np.ndarray, "residues residues"], float]:
    """Direct couplings, mutual information and effective number for a structure.

    Three of four contacts are coupled, with strengths spread as an exponential, some pairs just
    beyond 8 Å weakly, neighbors along the chain always; over it lies noise, now and then strong. The
    deeper the imagined alignment, the less noise; columns are lost as gaps lose them.
    """
    length = len(protein)
    distance = distances(protein.cb)
    separation = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    effective = 10 ** rng.uniform(1.5, 3.6)
    depth = np.clip((np.log10(effective) - 1.0) / 2.0, 0.2, 1.2) * rng.uniform(0.7, 1.3)
    strength = rng.exponential(2.6, distance.shape) * (rng.random(distance.shape) < 0.75)
    near = 1 / (1 + np.exp((distance - 7.5) / 0.6)) + 0.12 * (distance < 12)
    signal = depth * strength * near + 2.0 * np.exp(-(separation - 1) / 1.5)
    maps = []
    for share, noise in ((1.0, 0.8), (0.6, 1.0)):
        own = noise * rng.normal(size=distance.shape)
        wild = rng.exponential(2.0, distance.shape) * (rng.random(distance.shape) < 0.012)
        column = rng.normal(0, 0.2, length)
        mixed = share * signal + own + wild + column[:, None] + column[None]
        mixed = np.triu(mixed, 1)
        maps.append(standardize(mixed + mixed.T).astype(np.float32))
    return maps[0], maps[1], float(effective)
