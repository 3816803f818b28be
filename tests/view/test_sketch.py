"""Drawing: every step gives a possible molecule or is refused, buttons lie on atoms, keys reach all."""

import io

import numpy as np
import pytest
from PIL import Image
from rdkit import Chem

from mdlearn.view.ask import ask_molecule, row
from mdlearn.view.sketch import SIZE, Sketch, picture
from mdlearn.view.sketcher import CELL, TOOLS, Sketcher


def canonical(smiles: str) -> str:
    return Chem.CanonSmiles(smiles)


def places(sketch: Sketch) -> np.ndarray:
    return sketch.molecule.GetConformer().GetPositions()


def test_aspirin_can_be_drawn_step_by_step():
    sketch = Sketch("C")
    sketch.ring(0)
    acid = sketch.molecule.GetNumAtoms()
    ortho = 2  # the ring hangs on atom 0; its first atom is 1
    oxygen = sketch.grow(0, "O")
    sketch.turn(sketch.molecule.GetBondBetweenAtoms(0, oxygen).GetIdx())
    sketch.grow(0, "O")
    ester = sketch.grow(ortho, "O")
    middle = sketch.grow(ester, "C")
    last = sketch.grow(middle, "O")
    sketch.turn(sketch.molecule.GetBondBetweenAtoms(middle, last).GetIdx())
    sketch.grow(middle, "C")
    assert acid == 7 and sketch.smiles == canonical("CC(=O)Oc1ccccc1C(=O)O")
    for _ in range(len(sketch.past)):
        sketch.undo()
    assert sketch.smiles == "C"
    sketch.undo()
    assert sketch.smiles == "C"


def test_each_tool_does_what_it_says():
    sketch = Sketch("CCCCO")
    sketch.join(0, 3)
    assert sketch.smiles == canonical("C1CCC1O")
    sketch.change(4, "N")
    sketch.charge(4, 1)
    assert sketch.smiles == canonical("C1CCC1[NH3+]")
    sketch.charge(4, -1)
    sketch.erase(4)
    assert sketch.smiles == "C1CCC1"
    sketch.cut(0)
    assert sketch.smiles == "CCCC"
    for wanted in ("C=CCC", "C#CCC", "CCCC"):
        end = next(a for a in sketch.molecule.GetAtoms() if a.GetDegree() == 1)
        sketch.turn(end.GetBonds()[0].GetIdx())
        assert sketch.smiles == canonical(wanted)


def test_what_hung_on_an_erased_atom_goes_and_a_salt_stays():
    sketch = Sketch("CCCCC(C)N.Cl")
    sketch.erase(4)
    assert sketch.smiles == canonical("CCCC.Cl")


@pytest.mark.parametrize(
    ("smiles", "step"),
    [
        ("C(C)(C)(C)C", lambda sketch: sketch.grow(0, "C")),
        ("FC", lambda sketch: sketch.grow(0, "O")),
        ("c1ccccc1C", lambda sketch: sketch.change(0, "Br")),
        ("CC", lambda sketch: sketch.join(0, 1)),
        ("CC", lambda sketch: sketch.join(0, 0)),
        ("FF", lambda sketch: sketch.turn(0)),
        ("C", lambda sketch: sketch.erase(0)),
        ("C" * 60, lambda sketch: sketch.grow(3, "C")),
        ("C", lambda sketch: sketch.load("no molecule")),
        ("C", lambda sketch: sketch.load("")),
        ("C", lambda sketch: sketch.load("C" * 61)),
    ],
)
def test_an_impossible_step_is_refused_and_changes_nothing(smiles, step):
    sketch = Sketch(smiles)
    with pytest.raises(ValueError, match=r"molecule|joined|order|last atom|board"):
        step(sketch)
    assert sketch.smiles == canonical(smiles) and not sketch.past


def test_hydrogens_follow_and_handedness_is_forgotten_where_it_is_touched():
    sketch = Sketch("c1cc[nH]c1")
    sketch.grow(3, "C")
    assert sketch.smiles == canonical("Cn1cccc1")
    sketch = Sketch("C[C@H](N)C(=O)O")
    sketch.grow(5, "C")
    assert "@" in sketch.smiles
    sketch.change(1, "N")
    assert "@" not in sketch.smiles


def test_atoms_keep_their_places_while_others_come():
    sketch = Sketch("Cc1ccccc1")
    before = places(sketch)
    sketch.grow(3, "O")
    np.testing.assert_allclose(places(sketch)[:7], before, atol=1e-6)


def test_buttons_lie_on_atoms_and_bonds_and_have_names():
    board = Sketcher("CC=O")
    svg, spots = picture(board.sketch.molecule)
    assert f"width='{SIZE[0]}px'" in svg
    for button, spot in zip(board.atoms, spots, strict=True):
        top, left = (int(word) for word in button.layout.grid_area.split(" / ")[:2])
        size = int(button.layout.width.removesuffix("px"))
        middle = [(left - 1) * CELL + size / 2, (top - 1) * CELL + size / 2]
        np.testing.assert_allclose(middle, [spot.x, spot.y], atol=CELL / 2 + 0.01)
    assert [one.tooltip for one in board.atoms] == ["atom 0, C", "atom 1, C", "atom 2, O"]
    assert board.bonds[1].tooltip == "double bond, 1 to 2"
    assert "drawing of CC=O" in board.paper.value and "role=" in board.told.value


def test_clicks_draw_and_tell():
    board, seen = Sketcher("C"), []
    board.on_change(seen.append)
    board.element.value = "O"
    board.atoms[0].click()
    board.bonds[0].click()
    assert seen == ["CO", "C=O"] and board.smiles == "C=O"
    board.bonds[0].click()  # neither triple nor anything else but single
    assert seen[-1] == "CO"
    board.tool.value, board.element.value = "change", "N"
    board.atoms[1].click()
    board.tool.value = "ring"
    board.atoms[1].click()
    assert seen[-1] == canonical("CNc1ccccc1")
    board.tool.value = "erase"
    board.atoms[0].click()
    board.back.click()
    board.back.click()
    assert seen[-1] == "CN" and [b.layout.display for b in board.atoms].count("none") == 6
    board.element.value, board.tool.value = "F", "grow"
    for _ in range(4):
        board.atoms[0].click()
    assert "⚠ no possible molecule" in board.told.value and board.smiles == canonical("NC(F)(F)F")


def test_two_clicks_join():
    board = Sketcher("CCC")
    board.tool.value = "join"
    board.atoms[0].click()
    assert "now the other atom" in board.told.value
    board.atoms[2].click()
    assert board.smiles == "C1CC1"
    board.atoms[0].click()
    board.tool.value = "erase"
    assert board.chosen is None


def test_every_tool_has_a_button_and_a_word():
    board = Sketcher()
    assert board.tool.options == tuple(TOOLS) and len(board.tool.tooltips) == len(TOOLS)
    for tool in TOOLS:
        fresh = Sketcher("CCN")
        fresh.tool.value = tool
        fresh.atoms[0].click()
        assert "⚠" not in fresh.told.value
    shot = Image.open(io.BytesIO(board._repr_mimebundle_ and board.still()))
    assert shot.size == SIZE


def test_a_typed_or_drawn_molecule_is_answered_or_refused():
    def answer(text: str) -> str:
        if text == "bad":
            raise ValueError("row 0: <no> molecule")
        return row(text, "told")

    panel = ask_molecule(answer, start="CCO", title="Ask", alt="a field")
    assert "CCO" in panel.told.value and "told" in panel.told.value
    panel.field.value = "bad"
    assert "⚠" in panel.told.value and "&lt;no&gt;" in panel.told.value
    assert panel.board.smiles == "CCO"  # a text that is none leaves the board alone
    panel.field.value = "CCN"
    assert "CCN" in panel.told.value and panel.alt == "a field"
    assert panel.board.smiles == "CCN"
    panel.board.atoms[2].click()
    assert panel.field.value == "CCNC" and "CCNC" in panel.told.value
    assert panel.still()[:4] == b"\x89PNG"
