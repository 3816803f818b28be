"""Molecules on paper: small drawings with words, colored by atom."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from ase import Atoms
from jaxtyping import Real
from matplotlib.colors import to_rgb
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Chem.rdDepictor import Compute2DCoords
from rdkit.Chem.rdDistGeom import EmbedMolecule
from rdkit.Chem.rdForceFieldHelpers import MMFFHasAllMoleculeParams, MMFFOptimizeMolecule

from mdlearn.view.arrays import to_numpy
from mdlearn.view.picture import value_colors

SHORTER = (
    (r" class='[^']*'", ""),
    (r"(\d\.\d)\d+", r"\1"),
    (
        r"(fill-rule:evenodd|fill-opacity:1|stroke-opacity:1|stroke-linecap:butt|stroke-linejoin:miter);?",
        "",
    ),
    (r"(font-style:normal|font-weight:normal|stroke:none);?", ""),
    (r"(<rect[^>]*)>\s*</rect>", r"\1/>"),
    (r"<!--.*?-->", ""),
    (r"\n\s*", " "),
)
CROWD = 200  # heavy atoms; a molecule with more is named and not drawn
PALE = 0.35  # how much of the white a highlight keeps, so that letters stay readable


@dataclass(frozen=True)
class Drawing:
    """A drawing as SVG, and what it shows in words."""

    svg: str
    alt: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        # in a masked span: colors follow a training, which differs in the last digits
        return {
            "text/html": f'<span class="measured">{self.html()}</span>',
            "text/plain": self.alt,
        }, {}

    def html(self) -> str:
        """The drawing as an element of a page."""
        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{escape(self.alt, quote=True)}" src="data:image/svg+xml;base64,{data}">'


def draw(
    mols: Chem.Mol | Sequence[Chem.Mol],
    values: Sequence[Real[Any, " _"]] | Real[Any, " atoms"] | None = None,
    *,
    legends: Sequence[str] | None = None,
    columns: int = 4,
    size: tuple[int, int] = (220, 170),
    scale: float | None = None,
    alt: str = "",
) -> Drawing:
    """One molecule or a grid of them; atoms have the color of their value, blue below zero, red above.

    Args:
        mols: What to draw; one that has coordinates in the plane keeps them.
        values: One number per atom, of each molecule.
        legends: A line under each.
        columns: Of the grid.
        size: Width and height of each (pixels).
        scale: Value of the full color; the largest of all when not told.
        alt: What is seen, in words; made from the legends when empty.
    """
    one = isinstance(mols, Chem.Mol)
    mols = [mols] if one else list(mols)
    values = [values] if one and values is not None else values
    legends = list(legends) if legends is not None else [""] * len(mols)
    if values is not None and [len(v) for v in values] != [m.GetNumAtoms() for m in mols]:
        raise ValueError("give one value per heavy atom of each molecule")
    rows = -(-len(mols) // columns)
    wide = min(columns, len(mols))
    # letters as text, not as curves: a quarter of the size
    canvas = rdMolDraw2D.MolDraw2DSVG(wide * size[0], rows * size[1], *size, True)
    canvas.drawOptions().legendFontSize = 14
    canvas.drawOptions().fillHighlights = True
    mols, values, legends = _few_atoms(mols, values, legends)
    flat = [_flat(molecule) for molecule in mols]
    # RDKit writes letters one byte at a time
    plain = [text.replace("×", "x").encode("ascii", "replace").decode() for text in legends]
    if values is None:
        canvas.DrawMolecules(flat, legends=plain)
    else:
        arrays = [to_numpy(v).astype(float) for v in values]
        top = scale or max(float(np.abs(v).max()) for v in arrays) or 1.0
        colors = [_colors(v, top) for v in arrays]
        atoms = [list(found) for found in colors]
        canvas.DrawMolecules(
            flat, legends=plain, highlightAtoms=atoms, highlightAtomColors=colors,
            highlightBonds=[[] for _ in flat],
        )  # fmt: skip
    canvas.FinishDrawing()
    names = [legend or Chem.MolToSmiles(m) for legend, m in zip(legends, mols, strict=True)]
    return Drawing(_short(canvas.GetDrawingText()), alt or "Drawing of " + "; ".join(names))


def _few_atoms(
    mols: list, values: Sequence | None, legends: list
) -> tuple[list, list | None, list]:
    """A molecule of more than CROWD atoms becomes a line that says how many: letters on letters help nobody."""
    large = [molecule.GetNumAtoms() > CROWD for molecule in mols]
    said = [
        f"{molecule.GetNumAtoms()} atoms, too many to draw" if much else legend
        for molecule, much, legend in zip(mols, large, legends, strict=True)
    ]
    if values is not None:
        values = [[0.0] if much else one for much, one in zip(large, values, strict=True)]
    dots = Chem.MolFromSmiles("*")  # without an atom RDKit would leave the legend out
    dots.GetAtomWithIdx(0).SetProp("_displayLabel", "...")
    drawn = [dots if much else one for much, one in zip(large, mols, strict=True)]
    return drawn, values, said


def conformer(molecule: Chem.Mol, *, hydrogens: bool = True, seed: int = 0) -> Atoms:
    """A likely shape in 3D (Å), from distance geometry and a force field.

    Heavy atoms come first, in the order of the molecule.

    Raises:
        ValueError: No shape was found.
    """
    whole = Chem.AddHs(molecule)
    if EmbedMolecule(whole, randomSeed=seed) < 0 and EmbedMolecule(
        whole, useRandomCoords=True, randomSeed=seed
    ) < 0:  # fmt: skip
        raise ValueError(f"no shape in 3D was found for {Chem.MolToSmiles(molecule)}")
    if MMFFHasAllMoleculeParams(whole):
        MMFFOptimizeMolecule(whole)
    whole = whole if hydrogens else Chem.RemoveHs(whole)
    numbers = [atom.GetAtomicNum() for atom in whole.GetAtoms()]
    return Atoms(numbers, whole.GetConformer().GetPositions())


def _short(svg: str) -> str:
    """The same drawing without what says nothing: a third of the size."""
    for pattern, better in SHORTER:
        svg = re.sub(pattern, better, svg)
    return svg


def _flat(molecule: Chem.Mol) -> Chem.Mol:
    molecule = Chem.Mol(molecule)
    if not molecule.GetNumConformers() or molecule.GetConformer().Is3D():
        Compute2DCoords(molecule)
    return molecule


def _colors(values: np.ndarray, top: float) -> dict[int, tuple[float, float, float]]:
    """Red above zero, blue below, paler toward zero; atoms near zero are left white."""
    scale = value_colors(np.array([-top, top]))[1]
    found = {}
    for atom, value in enumerate(values):
        if abs(value) > 0.04 * top:
            color = np.array(to_rgb(scale.cmap(scale.norm(np.clip(value, -top, top)))))
            found[atom] = tuple((1 - PALE) * color + PALE)
    return found
