"""The whole road in one call: sequence or family in, fold with confidence out.

Each stop can be taken alone: secondary.py, couplings.py, pairs.py, fold.py.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from mdlearn.structure.alignments import Alignment
from mdlearn.structure.engines import fold_with, write_a3m
from mdlearn.structure.fold import Fold, fold
from mdlearn.structure.pairs import PairNetwork, Pairs, assemble, evolution, predict_pairs
from mdlearn.structure.proteins import Protein
from mdlearn.structure.secondary import (
    SecondaryStructure,
    from_relatives,
    predict_states,
    three_states,
)
from mdlearn.structure.sequences import UNKNOWN, decode, encode
from mdlearn.structure.weights import load

FOLDS, SEEDS = 5, 5  # of the shipped networks of pairs: families left out, starts
LONGEST = 500  # residues
THIN = 100  # effective sequences under which contacts are not to be trusted


@dataclass(frozen=True)
class Prediction:
    """A predicted structure and what it was made from.

    Attributes:
        sequence: One letter a residue.
        model: The structure, with its confidence as expected lDDT.
        states: Probabilities of helix, strand and other.
        pairs: Beliefs about distances and orientations.
        fold: The model among its replicas.
        effective: Effective number of sequences.
        columns: Residues that the alignment covers.
        couplings: Direct couplings of those, standardized.

    An engine other than ours gives a model and nothing else: the rest is `None`.
    """

    sequence: str
    model: Protein
    states: Float[np.ndarray, "residues 3"] | None = None
    pairs: Pairs | None = None
    fold: Fold | None = None
    effective: float | None = None
    columns: Int[np.ndarray, " columns"] | None = None
    couplings: Float[np.ndarray, "columns columns"] | None = None


def networks() -> list[torch.nn.Module]:
    """The shipped networks of pairs, 25 of them: together they are more often right than each alone.

    References:
        Lakshminarayanan et al., NeurIPS 2017, arXiv:1612.01474.
    """
    return [load(PairNetwork, name) for name in network_names()]


def network_names() -> list[str]:
    """`pairs_{fold}_{seed}` for each family fold and each seed."""
    return [f"pairs_{fold}_{seed}" for fold in range(FOLDS) for seed in range(SEEDS)]


def from_sequence(sequence: str) -> Alignment:
    """A family of one."""
    return Alignment(("query",), encode(sequence)[None])


def as_query(
    alignment: Alignment, sequence: str | None = None
) -> tuple[Alignment, np.ndarray, str]:
    """The alignment cut to the residues of its first row; their places; the whole sequence.

    Args:
        sequence: Of the query with the residues that the alignment lacks; the first row's when not
            told.
    """
    kept = np.flatnonzero(alignment.rows[0] != UNKNOWN)
    cut = alignment.columns(kept)
    if sequence is None:
        return cut, np.arange(len(kept)), decode(cut.rows[0])
    whole = decode(encode(sequence))
    start = whole.find(decode(cut.rows[0]))
    if start < 0:
        raise ValueError(
            "the first row of the alignment is no piece of the sequence; put the sequence first, "
            "or leave it out"
        )
    return cut, start + np.arange(len(kept)), whole


def beliefs(
    alignment: Alignment,
    residues: Int[np.ndarray, " columns"],
    sequence: str,
    *,
    reader: torch.nn.Module | None = None,
    experts: list[torch.nn.Module] | None = None,
) -> tuple[Float[np.ndarray, "residues 3"], Pairs, Float[np.ndarray, "columns columns"], float]:
    """Secondary structure, pairs, standardized couplings and effective number, before any folding.

    Args:
        residues: Place of each column in the sequence.
        reader: Network of secondary structure; the shipped one when not told.
        experts: Networks of pairs; the shipped ones when not told.
    """
    reader = reader or load(SecondaryStructure, "secondary_structure")
    experts = experts or networks()
    dense = alignment.dense()
    states = predict_states(reader, [encode(sequence)])[0]
    states[residues] = (states[residues] + 2 * from_relatives(reader, dense.rows)) / 3
    coarse = three_states(states)
    direct, mutual, effective = evolution(dense)
    maps = assemble(direct, mutual, effective, residues, coarse)
    return coarse, predict_pairs(experts, maps), direct, effective


def predict_structure(
    alignment: Alignment,
    *,
    engine: str = "mdlearn",
    sequence: str | None = None,
    replicas: int = 8,
    steps: int = 400,
    seed: int = 0,
    device: torch.device | str = "cpu",
    report: Callable[[str], None] | None = print,
) -> Prediction:
    """Fold the first sequence of an alignment with what its relatives say.

    A single sequence (`from_sequence`) works too, but then little is known of pairs, and the
    confidence says so.

    Args:
        engine: "mdlearn", or a big model that is installed: "esmfold", "boltz", "openfold". Those take
            no replicas, steps or seed; the last two read the alignment, if it has relatives.
        sequence: The whole sequence, when the alignment covers only a piece of it.
        replicas: Copies folded, half of them in each hand.
        steps: Of minimization.
        seed: Of starts and noise.
        device: Where to fold.
        report: Told what is going on.

    Raises:
        ValueError: A sequence too short or too long, or of another family.
    """
    cut, residues, whole = as_query(alignment, sequence)
    if engine != "mdlearn":
        return Prediction(whole, _foreign(engine, cut, residues, whole, device))
    if not 20 <= len(whole) <= LONGEST:
        raise ValueError(
            f"{len(whole)} residues; between 20 and {LONGEST} can be folded here, so cut domains out"
        )
    states, pairs, direct, effective = beliefs(cut, residues, whole)
    if report:
        thin = "; contacts are not to be trusted" if effective < THIN else ""
        report(f"{len(whole)} residues, {effective:.0f} effective sequences{thin}")
    folded = fold(
        whole,
        pairs,
        states,
        replicas=replicas,
        steps=steps,
        seed=seed,
        device=device,
        report=report,
    )
    return Prediction(whole, folded.model, states, pairs, folded, effective, residues, direct)


def _foreign(
    engine: str,
    cut: Alignment,
    residues: Int[np.ndarray, " columns"],
    whole: str,
    device: torch.device | str,
) -> Protein:
    """The model of a big engine, which gets the relatives as a file."""
    if len(cut) == 1:
        return fold_with(engine, whole, device=device)
    rows = np.full((len(cut), len(whole)), UNKNOWN)
    rows[:, residues] = cut.rows
    rows[0] = encode(whole)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "relatives.a3m"
        write_a3m(Alignment(cut.names, rows), path)
        return fold_with(engine, whole, alignment=path, device=device)
