"""Alignments from every format to the same rows; weights by brute force; columns to residues."""

from pathlib import Path

import numpy as np
import pytest

from mdlearn.structure.alignments import (
    Alignment,
    conservation,
    focus,
    lay_on,
    load_family,
    read_alignment,
    weigh,
)
from mdlearn.structure.proteins import Protein
from mdlearn.structure.sequences import UNKNOWN, encode

ROWS = ["MKV-LA", "MRVQLA", "-KI-LG"]
FORMATS = {
    "plain.fasta": "".join(f">s{k} text\n{r[:3]}\n{r[3:]}\n" for k, r in enumerate(ROWS)),
    "dots.fasta": "".join(f">s{k}\n{r.replace('-', '.')}\n" for k, r in enumerate(ROWS)),
    "a.a3m": ">s0\nMKV-LA\n>s1\nMRVaaQLA\n>s2\n-KI-LgG\n",
    "a.a2m": ">s0\nMKV..-LA\n>s1\nMRVaaQLA\n>s2\n-KI..-LG\n",
    "a.sto": "# STOCKHOLM 1.0\n#=GF ID x\ns0 MKV\ns1 MRV\ns2 -KI\n\ns0 .LA\ns1 qLA\ns2 .LG\n//\n",
    "a.aln": "\n".join(ROWS) + "\n",
}


def put(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def rows(*texts: str) -> Alignment:
    table = np.array([[UNKNOWN if c == "-" else int(encode(c)[0]) for c in t] for t in texts])
    return Alignment(tuple(f"s{k}" for k in range(len(texts))), table)


@pytest.mark.parametrize("name", FORMATS)
def test_all_formats_say_the_same(tmp_path: Path, name: str):
    found = read_alignment(put(tmp_path, name, FORMATS[name]))
    assert (found.rows == rows(*ROWS).rows).all()
    assert found.query == "MKVLA"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no sequence"),
        (">a\nMKVL\n>b\nMKV\n", "line 3 of .* has 3 columns, the first has 4"),
        (">a\nMK1L\n", "'1', which is no residue"),
        (">a\nACGTACGTACGT\n>b\nACGTACGTACGA\n", "DNA or RNA"),
        ("MKV\n>a\nMKV\n", "before the first '>'"),
    ],
)
def test_what_is_no_alignment_is_refused_by_line(tmp_path: Path, text: str, said: str):
    with pytest.raises(ValueError, match=said):
        read_alignment(put(tmp_path, "x.fasta", text))


def test_unknown_letters_become_gaps_and_names_may_repeat(tmp_path: Path):
    found = read_alignment(put(tmp_path, "x.fasta", ">a\nMBZXUOL\n>a\nMKVLKLL\n"))
    assert (found.rows[0, 1:6] == UNKNOWN).all() and found.names == ("a", "a")


def test_weights_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 21, (60, 70))
    table[20:40] = np.where(rng.random((20, 70)) < 0.8, table[:20], table[20:40])
    alike = (table[:, None] == table[None]).mean(-1) >= 0.8
    np.testing.assert_array_equal(weigh(table), 1 / alike.sum(1))
    assert 20 < weigh(table).sum() < 60


def test_copies_count_once():
    table = np.repeat(np.random.default_rng(1).integers(0, 20, (3, 40)), 5, axis=0)
    assert weigh(table).sum() == pytest.approx(3)


def test_conservation_of_a_kept_column_and_of_a_free_one():
    rng = np.random.default_rng(0)
    table = rng.integers(0, 20, (2000, 12))
    table[:, 0] = 4
    bits = conservation(Alignment(tuple("x" * 2000), table))
    assert bits[0] == pytest.approx(np.log2(20), abs=1e-3) and bits[1] < 0.05


def test_columns_find_their_residues(dhfr):
    alignment, protein = dhfr
    found = lay_on(alignment, protein)
    assert (found >= 0).mean() > 0.95
    same = alignment.rows[0, found >= 0] == encode(protein.sequence)[found[found >= 0]]
    assert same.mean() > 0.97
    cut, residues = focus(alignment, protein)
    assert cut.query == "".join(protein.sequence[i] for i in residues)
    assert (np.diff(residues) > 0).all()


def test_a_row_is_found_also_when_it_is_not_the_first():
    alignment, protein = load_family("rhomboid")
    assert (lay_on(alignment, protein) >= 0).sum() > 120


def test_a_structure_of_another_family_is_refused(dhfr):
    stranger = Protein("other", "GSHW" * 40, np.zeros((160, 5, 3)))
    with pytest.raises(ValueError, match="does not belong to this alignment"):
        lay_on(dhfr[0], stranger)


def test_an_unknown_family_is_named():
    with pytest.raises(ValueError, match="dhfr, s1a, rhomboid"):
        load_family("kinase")
