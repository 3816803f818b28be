"""Ask a model about a molecule that is typed or drawn."""

from collections.abc import Callable
from html import escape
from typing import Any

from ipywidgets import HTML, Text

from mdlearn.view.panel import Panel, at_home, heading
from mdlearn.view.sketcher import Sketcher


class MoleculeField(Panel):
    """A board to draw on, a line to type a SMILES into, and the answer; board and line follow each other."""

    def __init__(self, answer: Callable[[str], str], start: str, *, title: str, alt: str) -> None:
        self.answer, self.told = answer, HTML()
        wide = {"description_width": "70px"}
        self.field = Text(value=start, description="SMILES", continuous_update=False, style=wide,
                          layout={"width": "640px"})  # fmt: skip
        self.field.observe(at_home(self._typed), "value")
        self.board = Sketcher()
        self.board.follow(start)
        self.board.on_change(self._drawn)
        self.tell(start)
        rows = [heading(title), self.field, self.board, self.told]
        super().__init__(rows, alt=alt, still=self.board.still)

    def tell(self, smiles: str) -> None:
        """Show the answer, or what is wrong."""
        try:
            self.told.value = self.answer(smiles)
        except ValueError as error:
            self.told.value = f"⚠ {escape(str(error))}"

    def _drawn(self, smiles: str) -> None:
        self.field.value = smiles

    def _typed(self, _: Any) -> None:
        self.tell(self.field.value)
        self.board.follow(self.field.value)


def ask_molecule(
    answer: Callable[[str], str], *, start: str, title: str, alt: str
) -> MoleculeField:
    """A field for a SMILES and a board to draw it; `answer` makes a piece of a page from it, or raises ValueError.

    Args:
        answer: SMILES → HTML.
        start: What stands there first.
        title: Stands above.
        alt: What the panel does, in words.
    """
    return MoleculeField(answer, start, title=title, alt=alt)


def row(*parts: str) -> str:
    """Pieces of a page side by side."""
    cells = "".join(f'<div style="padding:0 12px">{part}</div>' for part in parts)
    return f'<div style="display:flex;align-items:flex-start;flex-wrap:wrap">{cells}</div>'
