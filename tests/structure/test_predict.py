"""The whole road: a family folds, a lone sequence says that it does not know, bad input is refused."""

import numpy as np
import pytest

from mdlearn.structure.alignments import Alignment, focus
from mdlearn.structure.predict import as_query, from_sequence, predict_structure
from mdlearn.structure.scores import contact_precision, distances
from mdlearn.structure.sequences import decode


def test_a_family_says_more_than_a_sequence(dhfr):
    family, residues = focus(*dhfr)
    few = family.take(range(0, len(family), 8))
    found = predict_structure(few, replicas=2, steps=2, report=None)
    assert len(found.fold.model) == len(found.sequence) == len(residues)
    native = distances(dhfr[1].cb[residues])
    precision = contact_precision(
        found.pairs.contacts, native, np.arange(len(residues)), separation=12, share=0.2
    )
    assert precision > 0.6
    lone = predict_structure(from_sequence(found.sequence), replicas=2, steps=2, report=None)
    assert lone.effective == 1.0
    assert lone.pairs.contacts[20:60, 90:].max() < found.pairs.contacts[20:60, 90:].max()


def test_the_alignment_may_cover_a_piece_of_the_sequence():
    piece = from_sequence("MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ")
    cut, residues, whole = as_query(piece, "GGGS" + decode(piece.rows[0]) + "HHHH")
    assert residues[0] == 4 and len(whole) == len(cut.rows[0]) + 8
    with pytest.raises(ValueError, match="no piece of the sequence"):
        as_query(piece, "W" * 60)


@pytest.mark.parametrize("length", [5, 700])
def test_sizes_that_cannot_be_folded_are_refused(length: int):
    with pytest.raises(ValueError, match=f"{length} residues"):
        predict_structure(from_sequence("MKVLAW" * (length // 6) + "MKVLA"[: length % 6]))


def test_gaps_of_the_first_row_are_left_out():
    rows = np.array([[1, 20, 3] * 10, [1, 2, 3] * 10])
    cut, residues, whole = as_query(Alignment(("a", "b"), rows))
    assert cut.rows.shape == (2, 20) and len(whole) == 20 and residues[-1] == 19
