"""Files of structures: what is in them, what is refused, and back again to the same places."""

from pathlib import Path

import gemmi
import numpy as np
import pytest

from mdlearn.data.fetch import fetch
from mdlearn.structure.proteins import Protein, complete, read_structure, write_structure

ATOM = (
    "{kind:6}{n:5d} {atom:^4}{alt}{res:3} {chain}{number:4d}{icode}   "
    "{x:8.3f}{y:8.3f}{z:8.3f}{occ:6.2f}  0.00          {element:>2}\n"
)


def lines(letters, *, chain="A", start=1, shift=0.0, **changes) -> str:
    """A stretched chain of residues in PDB format."""
    text, n = "", 0
    for i, name in enumerate(letters):
        for k, (atom, element) in enumerate((("N", "N"), ("CA", "C"), ("C", "C"), ("O", "O"))):
            n += 1
            place = {"x": 3.8 * i + 1.2 * k, "y": 1.4 * (k % 2) + shift, "z": 0.3 * k}
            fields = {"icode": " ", "alt": " ", "occ": 1.0, "kind": "ATOM"} | changes
            text += ATOM.format(
                n=n,
                atom=atom,
                element=element,
                res=name,
                chain=chain,
                number=start + i,
                **place,
                **fields,
            )
    return text


def write(folder: Path, text: str, name: str = "x.pdb") -> Path:
    (folder / name).write_text(text + "END\n")
    return folder / name


def test_a_chain_comes_back_from_both_formats(tmp_path: Path, helix: Protein):
    for name in ("model.pdb", "model.cif"):
        write_structure(helix, tmp_path / name)
        back = read_structure(tmp_path / name)
        assert back.sequence == helix.sequence and back.labels[0] == "1"
        np.testing.assert_allclose(back.backbone, helix.backbone, atol=2e-3)


def test_confidence_stands_in_the_column_of_b_factors(tmp_path: Path, helix: Protein):
    sure = Protein(helix.name, helix.sequence, helix.backbone, confidence=np.linspace(0, 1, 20))
    write_structure(sure, tmp_path / "sure.pdb")
    model = gemmi.read_structure(str(tmp_path / "sure.pdb"))[0]
    assert [round(r["CA"][0].b_iso) for r in model["A"]][::19] == [0, 100]


def test_an_ideal_cb_and_o_are_where_crystals_have_them(dhfr):
    protein = dhfr[1]
    ideal = complete(protein.backbone)
    real = np.array([letter != "G" for letter in protein.sequence])
    off = np.linalg.norm(ideal - protein.backbone, axis=-1)
    assert np.median(off[real, 4]) < 0.1 and np.median(off[:-1, 3]) < 0.1


def test_insertion_codes_alternates_and_modified_residues(tmp_path: Path):
    text = lines(["ALA"], start=5) + lines(["GLY"], start=5, icode="A", shift=4.0)
    text += lines(["THR"], start=6, alt="A", occ=0.4, shift=8.0)
    text += lines(["THR"], start=6, alt="B", occ=0.6, shift=9.0)
    text += lines(["MSE"], start=7, kind="HETATM", shift=12.0)
    found = read_structure(write(tmp_path, text))
    assert found.labels == ("5", "5A", "6", "7") and found.sequence == "AGTM"
    assert found.backbone[2, 1, 1] == pytest.approx(9.0 + 1.4)  # the likelier place
    assert np.isfinite(found.cb).all()


def test_an_mmcif_with_odd_names_is_read(tmp_path: Path):
    """Long names of chains, quotes, numbers below zero, columns in another order, a sugar between."""
    order = (
        "auth_asym_id label_atom_id Cartn_z Cartn_x Cartn_y auth_seq_id pdbx_PDB_ins_code "
        "label_comp_id type_symbol label_alt_id label_asym_id label_seq_id label_entity_id "
        "group_PDB id occupancy B_iso_or_equiv pdbx_PDB_model_num"
    )
    text = "data_my-protein#1.2\nloop_\n" + "".join(f"_atom_site.{c}\n" for c in order.split())
    residues = [("ALA", "-2", "?"), ("NAG", "-1", "?"), ("TYR", "1", "A"), ("XY7", "2", "?")]
    atoms = [
        ("N", "N", 0.0),
        ("CA", "C", 1.4),
        ("C", "C", 2.2),
        ("O", "O", 3.1),
        ('"C1\'"', "C", 4.0),
    ]
    n = 0
    for i, (name, number, icode) in enumerate(residues):
        for atom, element, x in atoms[4:] if name == "NAG" else atoms:
            n += 1
            text += f"'Heavy chain-1' {atom} 0.5 {x + 3.8 * i} {x / 2} {number} {icode} {name} {element}"
            text += f" . 'A b' {i + 1} 1 ATOM {n} 1.0 10.0 1\n"
    (tmp_path / "odd name.cif").write_text(text)
    found = read_structure(tmp_path / "odd name.cif")
    assert found.sequence == "AYX" and found.labels == ("-2", "1A", "2")
    assert found.name == "odd name_Heavy chain-1"
    np.testing.assert_allclose(found.ca[:, 0], [1.4, 9.0, 12.8], atol=1e-6)
    assert found.breaks()[0]  # where the sugar stands
    assert np.isfinite(found.cb).all()  # none is in the file


def test_of_several_models_the_asked_one_is_read(tmp_path: Path):
    body = "".join(
        f"MODEL     {k:4d}\n{lines(['ALA', 'GLY'], shift=10.0 * k)}ENDMDL\n" for k in (1, 2)
    )
    path = write(tmp_path, body)
    assert read_structure(path, model=2).ca[0, 1] - read_structure(path).ca[0, 1] == pytest.approx(
        10
    )
    with pytest.raises(ValueError, match="2 models, asked for number 3"):
        read_structure(path, model=3)


def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        read_structure(tmp_path / "none.pdb")
    water = "HETATM    1  O   HOH A   1       0.000   0.000   0.000  1.00  0.00           O\n"
    with pytest.raises(ValueError, match="no protein in it"):
        read_structure(write(tmp_path, water))
    two = write(tmp_path, lines(["ALA"] * 3) + lines(["GLY"] * 3, chain="B"), "two.pdb")
    with pytest.raises(ValueError, match=r"2 protein chains \(A, B\)"):
        read_structure(two)
    with pytest.raises(ValueError, match="'C' is not there"):
        read_structure(two, chain="C")
    with pytest.raises(ValueError, match="is written as"):
        write_structure(read_structure(two, chain="A"), tmp_path / "x.xyz")


def test_a_break_in_the_chain_is_seen(tmp_path: Path, helix: Protein):
    assert not helix.breaks().any()
    moved = helix.backbone.copy()
    moved[10:] += 5.0
    assert np.flatnonzero(Protein("x", helix.sequence, moved).breaks()).tolist() == [9]


def test_residues_without_their_backbone_are_left_out(tmp_path: Path):
    text = "".join(
        line for k, line in enumerate(lines(["ALA", "GLY", "THR"]).splitlines(True)) if k != 5
    )
    found = read_structure(write(tmp_path, text))
    assert found.sequence == "AT" and found.labels == ("1", "3")


def test_the_shipped_structures_are_whole(dhfr):
    assert len(dhfr[1]) == 160 and dhfr[1].sequence.startswith("MISLIAALAV")
    assert len(read_structure(fetch("s1a", part="structure"))) == 223
