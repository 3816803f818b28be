"""Fold a chain by going downhill: rigid residues, believed distances, good peptide geometry.

Many replicas start in both hands from a rough map of distances and are minimized together. The
energy chooses among them, and confidence says what to believe of the chosen one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.structure.confidence import expected_lddt
from mdlearn.structure.energy import Field, Terms, make_field, terms
from mdlearn.structure.geometry import Frames, quaternion, residues, rotation
from mdlearn.structure.pairs import BINS, CENTERS, Pairs
from mdlearn.structure.proteins import Protein, complete


@dataclass(frozen=True)
class Replicas:
    """Copies of a chain on their way down.

    Attributes:
        step: Steps so far.
        energies: Of each replica, in nats of the distance map.
        backbone: N, CA, C of each replica (Å).
    """

    step: int
    energies: Float[Tensor, " replicas"]
    backbone: Float[Tensor, "replicas residues 3 3"]


@dataclass(frozen=True)
class Fold:
    """What folding gives.

    Attributes:
        model: The chosen replica as a protein, with confidence.
        energies: Of all replicas, lowest first.
        models: N, CA, C of all replicas in that order (Å).
        parts: Terms of the energy, one value per replica.
    """

    model: Protein
    energies: Float[np.ndarray, " replicas"]
    models: Float[np.ndarray, "replicas residues 3 3"]
    parts: dict[str, Float[np.ndarray, " replicas"]]


def rough_distances(pairs: Pairs) -> Float[np.ndarray, "residues residues"]:
    """A distance for every pair (Å): the believed ones, and along the shortest way for the rest."""
    resolved = pairs.distances[..., :BINS].sum(-1)
    mean = (pairs.distances[..., :BINS] @ CENTERS) / np.maximum(resolved, 1e-6)
    length = len(mean)
    paths = np.where(resolved > 0.4, mean + 2 * (1 - resolved), 1e3)
    for step, most in enumerate((3.8, 5.8, 8.0, 10.5), 1):
        i = np.arange(length - step)
        paths[i, i + step] = np.minimum(paths[i, i + step], most)
    paths = np.minimum(paths, paths.T)
    np.fill_diagonal(paths, 0.0)
    for k in range(length):  # shortest ways
        paths = np.minimum(paths, paths[:, k : k + 1] + paths[k : k + 1])
    paths = np.where(paths > 20, 20 + 0.35 * (paths - 20), paths)  # a protein is compact
    return np.minimum(paths, 5.7 * length**0.38)


def embed(distances: Float[np.ndarray, "residues residues"]) -> Float[np.ndarray, "residues 3"]:
    """Places with about these distances (Å), from the three largest axes; the hand is open.

    Classical scaling: the eigenvectors of the centered squares of distances.
    """
    length = len(distances)
    center = np.eye(length) - 1 / length
    values, vectors = np.linalg.eigh(-0.5 * center @ distances**2 @ center)
    return vectors[:, -3:] * np.sqrt(np.maximum(values[-3:], 1e-3))


def starts(
    pairs: Pairs, replicas: int, *, seed: int = 0
) -> tuple[Float[Tensor, "replicas residues 4"], Float[Tensor, "replicas residues 3"]]:
    """Turns (quaternions) and places (Å) to start from: half of the replicas in each hand."""
    rng = np.random.default_rng(seed)
    rough = embed(rough_distances(pairs))
    places, turns = [], []
    for k in range(replicas):
        mirror = [1, 1, 1 if k % 2 == 0 else -1]
        place = rough * mirror + rng.normal(0, 0.3 + 0.4 * (k // 2), rough.shape)
        along = np.gradient(place, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-6
        side = rng.normal(size=place.shape)
        side -= (side * along).sum(1, keepdims=True) * along
        side /= np.linalg.norm(side, axis=1, keepdims=True)
        turns.append(np.stack([along, side, np.cross(along, side)], -1))
        places.append(place)
    turned = torch.tensor(np.array(turns), dtype=torch.float32)
    return quaternion(turned), torch.tensor(np.array(places), dtype=torch.float32)


def folding(
    pairs: Pairs,
    states: Float[np.ndarray, "residues 3"],
    *,
    replicas: int = 8,
    steps: int = 500,
    every: int = 25,
    rate: float = 0.3,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> Iterator[Replicas]:
    """The way down, one look every so many steps; take the last, or fold as it minimizes.

    Adam on the places and turns of all residues, with noise that dies away by half time, and chain
    geometry that is soft at first and stiff at the end.

    Args:
        pairs: What is believed of pairs.
        states: Probabilities of helix, strand and other.
        replicas: How many copies, half of them in each hand.
        steps: Of minimization.
        every: Steps between two looks.
        rate: First step of places (Å).
        seed: Of starts and noise.
        device: Where to compute.
    """
    if len(states) != len(pairs.distances):
        raise ValueError(
            f"pairs are of {len(pairs.distances)} residues and states of {len(states)}; give both "
            "for the same chain"
        )
    field = make_field(pairs, states).to(device)
    turns, places = (x.to(device).requires_grad_() for x in starts(pairs, replicas, seed=seed))
    optimizer = torch.optim.Adam([{"params": [places]}, {"params": [turns]}], foreach=True)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps + 1):
        fraction = step / steps
        if step % every == 0 or step == steps:
            with torch.no_grad():
                seen = residues(Frames(rotation(turns), places))
                yield Replicas(step, terms(field, seen).total(1.0), seen.cpu())
        if step == steps:
            return
        for group, share in zip(optimizer.param_groups, (1.0, 0.3), strict=True):
            group["lr"] = rate * share * (1 - 0.92 * fraction)
        descend(field, optimizer, turns, places, fraction)
        if fraction < 0.5:
            _shake(turns, places, 1 - 2 * fraction, generator)


def descend(
    field: Field,
    optimizer: torch.optim.Optimizer,
    turns: Float[Tensor, "replicas residues 4"],
    places: Float[Tensor, "replicas residues 3"],
    fraction: float,
) -> None:
    """One step of the minimizer for all replicas."""
    optimizer.zero_grad()
    energy = terms(field, residues(Frames(rotation(turns), places))).total(fraction)
    energy.sum().backward()
    torch.nn.utils.clip_grad_norm_([turns, places], 200.0)
    optimizer.step()


@torch.no_grad()
def _shake(turns: Tensor, places: Tensor, size: float, generator: torch.Generator) -> None:
    places += 0.25 * size * torch.randn(places.shape, generator=generator).to(places)
    turns += 0.05 * size * torch.randn(turns.shape, generator=generator).to(turns)
    turns /= turns.norm(dim=-1, keepdim=True)


def fold(
    sequence: str,
    pairs: Pairs,
    states: Float[np.ndarray, "residues 3"],
    *,
    name: str = "model",
    report: Callable[[str], None] | None = None,
    **options: object,
) -> Fold:
    """Fold a chain and choose the replica of the lowest energy.

    Args:
        sequence: One letter a residue.
        pairs, states, options: As for `folding`.
        name: Of the model.
        report: Told about the descent.
    """
    if len(sequence) != len(states):
        raise ValueError(f"{len(sequence)} letters, but states of {len(states)} residues")
    for seen in folding(pairs, states, **options):
        if report:
            report(f"step {seen.step}: lowest energy {float(seen.energies.min()):.0f}")
    found: Terms = terms(make_field(pairs, states), seen.backbone)
    energies = found.total(1.0)
    order = torch.argsort(energies)
    models = seen.backbone[order].numpy().astype(float)
    model = Protein(name, sequence, complete(models[0]))
    model = replace(model, confidence=expected_lddt(model, pairs))
    parts = {part: value[order].numpy() for part, value in vars(found).items()}
    return Fold(model, energies[order].numpy(), models, parts)
