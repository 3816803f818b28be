"""Draw a molecule by clicks or keys: the atoms and bonds of the drawing are buttons, no network needed.

ask.py asks a model about what was drawn.
"""

from collections.abc import Callable
from html import escape
from typing import Any

from ipywidgets import HTML, Button, GridBox, HBox, ToggleButtons

from mdlearn.view.molecules import Drawing
from mdlearn.view.panel import Panel, at_home
from mdlearn.view.sketch import SIZE, Sketch, photograph, picture

ELEMENTS = ("C", "N", "O", "S", "P", "F", "Cl", "Br", "I")
TOOLS = {
    "grow": "a click on an atom hangs a new one on it",
    "ring": "a click on an atom hangs a benzene ring on it",
    "change": "a click on an atom makes it the element chosen",
    "join": "clicks on two atoms bind them",
    "erase": "a click takes an atom or a bond away",
    "+": "a click gives an atom one more charge",
    "−": "a click takes a charge from an atom",
}
CELL = 5  # of the grid that buttons lie on (pixels)
ACROSS, DOWN = SIZE[0] // CELL, SIZE[1] // CELL


class Sketcher(Panel):
    """The board with buttons: choose what a click does, then click atoms and bonds.

    The tab key walks over tools, atoms and bonds, the space bar presses; each says what it is.
    """

    def __init__(self, smiles: str = "C", *, alt: str = "") -> None:
        self.sketch, self.chosen = Sketch(smiles), None
        self.told = HTML()
        self.callbacks: list[Callable[[str], None]] = []
        narrow = {"button_width": "auto"}
        self.tool = ToggleButtons(options=list(TOOLS), tooltips=list(TOOLS.values()), style=narrow)
        self.element = ToggleButtons(options=ELEMENTS, style=narrow)
        self.back = Button(description="undo", layout={"width": "70px"}, tooltip="one step back")
        self.back.on_click(at_home(lambda _: self.do(self.sketch.undo)))
        self.tool.observe(at_home(self._tool_changed), "value")
        size = {"width": f"{SIZE[0] + 2}px", "height": f"{SIZE[1] + 2}px"}
        self.paper = HTML(layout={"grid_area": f"1 / 1 / {DOWN + 1} / {ACROSS + 1}", "margin": "0"})
        self.atoms: list[Button] = []
        self.bonds: list[Button] = []
        self.board = GridBox([self.paper], layout=size | {
            "grid_template_columns": f"repeat({ACROSS}, {CELL}px)", "overflow": "hidden",
            "grid_template_rows": f"repeat({DOWN}, {CELL}px)", "border": "1px solid #999",
        })  # fmt: skip
        self.show()
        alt = alt or "A board to draw a molecule on: choose a tool, then click atoms or bonds"
        rows = [HBox([self.tool, self.back]), self.element, self.board, self.told]
        super().__init__(rows, alt=alt, still=lambda: photograph(self.sketch.molecule))

    @property
    def smiles(self) -> str:
        """What stands on the board."""
        return self.sketch.smiles

    def on_change(self, callback: Callable[[str], None]) -> None:
        """Call back with the SMILES after each step."""
        self.callbacks.append(callback)

    def follow(self, smiles: str) -> None:
        """Show a molecule that was typed elsewhere; what cannot be shown leaves the board as it is."""
        try:
            if Sketch(smiles).smiles != self.smiles:
                self.sketch.load(smiles)
                self.chosen = None
                self.show()
        except ValueError as error:
            self.show(f"⚠ {error}")

    def do(self, step: Callable[..., Any], *details: Any) -> None:
        """Take a step and show it, or say why not."""
        before, self.chosen = self.smiles, None
        try:
            step(*details)
        except ValueError as error:
            self.show(f"⚠ {error}")
            return
        self.show()
        if self.smiles != before:
            for callback in self.callbacks:
                callback(self.smiles)

    def press_atom(self, atom: int) -> None:
        """What a click on an atom does with the tool in hand."""
        sketch, symbol, tool = self.sketch, self.element.value, self.tool.value
        if tool == "join":
            if self.chosen is not None:
                return self.do(sketch.join, self.chosen, atom)
            self.chosen = atom
            return self.show("now the other atom")
        steps = {
            "grow": (sketch.grow, atom, symbol), "ring": (sketch.ring, atom),
            "change": (sketch.change, atom, symbol), "erase": (sketch.erase, atom),
            "+": (sketch.charge, atom, 1), "−": (sketch.charge, atom, -1),
        }  # fmt: skip
        return self.do(*steps[tool])

    def press_bond(self, bond: int) -> None:
        """A click on a bond changes its order, or erases it."""
        self.do(self.sketch.cut if self.tool.value == "erase" else self.sketch.turn, bond)

    def show(self, word: str = "") -> None:
        """Draw the molecule, put the buttons in their places and say what is seen."""
        molecule = self.sketch.molecule
        svg, places = picture(molecule, self.chosen)
        alt = f"drawing of {self.smiles}"
        self.paper.value = Drawing(svg, alt).html()
        self._arrange(self.atoms, [(place.x, place.y) for place in places], 4, self.press_atom,
                      [f"atom {a.GetIdx()}, {a.GetSymbol()}" for a in molecule.GetAtoms()])  # fmt: skip
        ends = [(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()]
        middles = [
            ((places[i].x + places[j].x) / 2, (places[i].y + places[j].y) / 2) for i, j in ends
        ]
        kinds = [b.GetBondType().name.lower() for b in molecule.GetBonds()]
        names = [f"{kind} bond, {i} to {j}" for kind, (i, j) in zip(kinds, ends, strict=True)]
        self._arrange(self.bonds, middles, 3, self.press_bond, names)
        self.board.children = (self.paper, *self.bonds, *self.atoms)
        said = word or TOOLS[self.tool.value] + "; on a bond, changes its order"
        self.told.value = (
            f'<span role="status" aria-live="polite"><b>{escape(self.smiles)}</b> · '
            f"{escape(said)}</span>"
        )

    def _arrange(
        self, buttons: list[Button], places: list, span: int, press: Callable, names: list[str]
    ) -> None:
        """One unseen button at each place, those of before first; the rest is put away."""
        for number in range(len(buttons), len(places)):
            side = {"width": f"{CELL * span}px", "height": f"{CELL * span}px"}
            one = Button(layout=side | {"margin": "0", "padding": "0", "min_width": "0"})
            one.style.button_color, one.style.font_size = "transparent", "0"  # heard, not seen
            one.on_click(at_home(lambda _, number=number: press(number)))
            buttons.append(one)
        for k, one in enumerate(buttons):
            one.layout.display = None if k < len(places) else "none"
            if k < len(places):
                x, y = (round(v / CELL - span / 2) + 1 for v in places[k])
                one.layout.grid_area = f"{max(y, 1)} / {max(x, 1)} / span {span} / span {span}"
                one.description = one.tooltip = names[k]

    def _tool_changed(self, _: Any) -> None:
        self.chosen = None
        self.show()
