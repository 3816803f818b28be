"""A ranked list whose rows show their molecule in 3D, with the interval of each score beside it."""

import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import write
from ipywidgets import HTML, HBox, Image, ToggleButtons, VBox
from jaxtyping import Real
from matplotlib.figure import Figure

from mdlearn.view.arrays import to_numpy
from mdlearn.view.ngl import ngl
from mdlearn.view.panel import Panel, at_home, heading
from mdlearn.view.picture import STICK, extent, pose, still
from mdlearn.view.scene import FIELD, show3d
from mdlearn.view.theme import BLUE, DPI, VERMILION, beside, png

SIZE = {"width": 420, "height": 300}  # of the view and of the intervals (pixels)


class Ranked(Panel):
    """Rows to choose from by mouse or keyboard; the chosen molecule stands in 3D beside them."""

    def __init__(
        self,
        shapes: Sequence[Atoms],
        names: Sequence[str],
        table: np.ndarray,
        *,
        label: str,
        remarks: Sequence[str],
        title: str,
        alt: str,
    ) -> None:
        self.shapes, self.names, self.table = list(shapes), list(names), table
        self.label, self.remarks = label, list(remarks)
        self.scene = show3d(self.shapes[0], alt=f"{names[0]} in 3D", **SIZE)
        for number, atoms in enumerate(self.shapes[1:], 1):
            _add(self.scene.view, atoms, number)
        self.scene.view._remote_call("distance", target="viewerControls", args=[_far(self.shapes)])
        rows = [(f"{k + 1}. {name}", k) for k, name in enumerate(names)]
        self.chooser = ToggleButtons(options=rows, style={"button_width": "auto"})
        self.told, self.plot = HTML(), Image(layout={"width": f"{SIZE['width']}px"})
        self.chooser.observe(at_home(self._chosen), "value")
        self.choose(0)
        self.chooser.layout.width = "860px"
        side = VBox([self.told, self.plot])
        below = HBox([self.scene, side])
        super().__init__([heading(title), self.chooser, below], alt=alt, still=self.picture,
                         layout={"width": "900px"})  # fmt: skip

    def choose(self, row: int) -> None:
        """Show the molecule of a row, counted from 0."""
        self.chooser.value = row
        self.scene.view.show_only([row])
        score, low, high = self.table[row]
        remark = f"<br>{escape(self.remarks[row])}" if self.remarks else ""
        self.told.value = (
            f'<span role="status" aria-live="polite"><b>{row + 1}. {escape(self.names[row])}</b>: '
            f"{score:.2f}, between {low:.2f} and {high:.2f}{remark}</span>"
        )
        self.plot.value = intervals(self.names, self.table, self.label, row)

    def picture(self) -> bytes:
        """The chosen molecule beside the intervals."""
        chosen = self.chooser.value
        return beside(still([self.shapes[chosen]], **SIZE), bytes(self.plot.value))

    def close(self) -> None:
        """Take the widget away."""
        self.scene.close()
        super().close()

    def _chosen(self, _: Any) -> None:
        self.choose(self.chooser.value)


def ranked_list(
    shapes: Sequence[Atoms],
    names: Sequence[str],
    scores: Real[Any, " molecules"],
    low: Real[Any, " molecules"],
    high: Real[Any, " molecules"],
    *,
    label: str,
    remarks: Sequence[str] = (),
    title: str = "",
    alt: str = "",
) -> Ranked:
    """The first of a ranking in 3D: pick a row, see its molecule and how sure its score is.

    Args:
        shapes: Molecules in 3D, best first.
        names: One for each.
        scores: What they are ranked by.
        low: Lower end of the interval of each score.
        high: Upper end.
        label: What the scores are, with unit: "activity (-log10(mol/L))".
        remarks: A line of words for each, or nothing.
        title: Stands above.
        alt: What is seen, in words.
    """
    table = np.stack([to_numpy(values).astype(float) for values in (scores, low, high)], axis=1)
    if not len(shapes) == len(names) == len(table) or len(remarks) not in (0, len(names)):
        raise ValueError(
            f"got {len(shapes)} shapes, {len(names)} names, {len(table)} scores and "
            f"{len(remarks)} remarks; each molecule needs one of each"
        )
    alt = alt or f"{title or 'Ranked list'}: " + ", ".join(
        f"{name} {row[0]:.2f}" for name, row in zip(names, table, strict=True)
    )
    return Ranked(shapes, names, table, label=label, remarks=remarks, title=title, alt=alt)


def intervals(names: Sequence[str], table: np.ndarray, label: str, chosen: int) -> bytes:
    """Scores with their intervals, best on top; the chosen one is larger and of another color."""
    figure = Figure((SIZE["width"] / DPI, SIZE["height"] / DPI), dpi=DPI, layout="constrained")
    ax = figure.subplots()
    for k, (score, low, high) in enumerate(table):
        look = {"color": VERMILION, "ms": 10} if k == chosen else {"color": BLUE, "ms": 6}
        ax.errorbar(score, k, xerr=[[score - low], [high - score]], fmt="o", capsize=4, **look)
    short = [name if len(name) <= 16 else name[:15] + "…" for name in names]
    ax.set_yticks(range(len(names)), [f"{k + 1}. {name}" for k, name in enumerate(short)])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel(label)
    ax.spines[["top", "right"]].set_visible(False)
    return png(figure)


def _add(view: Any, atoms: Atoms, number: int) -> None:
    """Put another molecule into a view, as a scene puts its first: in its own pose, in the middle."""
    places = (atoms.positions - atoms.positions.mean(0)) @ pose(atoms).T * [-1, 1, -1]
    text = io.StringIO()
    write(text, Atoms(atoms.symbols, positions=places), format="proteindatabank")
    view.add_component(ngl().TextStructure(text.getvalue()), default_representation=False)
    look = {"color_scheme": "element", "component": number}
    view.add_representation("licorice", radius=STICK, **look)
    for which, size in (("not _H", 0.45), ("_H", 0.65)):
        ball = {"radius_type": "covalent", "radius_scale": size}
        view.add_representation("spacefill", selection=which, **ball, **look)


def _far(shapes: Sequence[Atoms]) -> float:
    """Distance of the camera (Å) from which the largest molecule fills the view."""
    half = np.max([extent([atoms], pose(atoms)) for atoms in shapes], axis=0)
    wide = float(max(half[1], half[0] * SIZE["height"] / SIZE["width"]))
    return wide / np.tan(np.radians(FIELD / 2))
