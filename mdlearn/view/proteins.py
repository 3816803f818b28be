"""Proteins in pictures: maps of pairs, torsions, two chains in one view, and a pair that lights up.

All take arrays; `scene.py` shows the atoms.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import HTML, HBox, Image, SelectionSlider, VBox
from jaxtyping import Float, Int, Real
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mdlearn.view.arrays import to_numpy
from mdlearn.view.panel import Panel, at_home, heading
from mdlearn.view.scene import show3d
from mdlearn.view.theme import BLUE, DPI, GRAY, VERMILION, beside, png
from mdlearn.view.tube import trace

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
ORDER = "KRHDENQSTGPACVILMFYW"  # by charge, then from small to big


def plot_map(
    above: Real[Any, "residues residues"],
    below: Real[Any, "residues residues"] | None = None,
    *,
    labels: tuple[str, str] = ("", ""),
    bar: str = "score",
    ax: Axes | None = None,
) -> Axes:
    """Values of pairs above the diagonal, and others below: a good prediction is symmetric.

    Args:
        labels: What stands above and what below.
        bar: Quantity of the colors, with its unit.
    """
    ax = ax or plt.subplots(figsize=(6, 5))[1]
    above = to_numpy(above).astype(float)
    whole = above if below is None else np.tril(above) + np.triu(to_numpy(below).astype(float), 1)
    top = np.nanquantile(whole, 0.995)
    picture = ax.imshow(whole, cmap="Blues", vmin=0, vmax=top, origin="lower")
    ax.figure.colorbar(picture, ax=ax, label=bar, shrink=0.85)
    for text, place, anchor in (
        (labels[0], (0.03, 0.96), "left"),
        (labels[1], (0.97, 0.04), "right"),
    ):
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2} if text else None
        look = {"ha": anchor, "va": "center", "fontsize": 12, "bbox": box}
        ax.text(*place, text, transform=ax.transAxes, **look)
    ax.set(xlabel="residue", ylabel="residue")
    ax.grid(False)
    return ax


def plot_contacts(
    distances: Real[Any, "residues residues"],
    pairs: Int[Any, "pairs 2"],
    *,
    contact: float = 8.0,
    label: str = "predicted",
    ax: Axes | None = None,
) -> Axes:
    """True contacts in gray; predicted pairs on top, right ones as dots and wrong ones as crosses.

    Args:
        distances: True ones, between CB atoms (Å).
        contact: Distance under which a pair counts (Å).
    """
    ax = ax or plt.subplots(figsize=(5.6, 5.2))[1]
    distances, pairs = to_numpy(distances), to_numpy(pairs)
    i, j = np.nonzero(distances < contact)
    ax.plot(j, i, "s", color="#CCCCCC", ms=2.2, mew=0, label=f"within {contact:g} Å")
    right = distances[pairs[:, 0], pairs[:, 1]] < contact
    for mask, color, marker, name in (
        (right, BLUE, "o", "right"),
        (~right, VERMILION, "x", "wrong"),
    ):
        text = f"{label}, {name} ({int(mask.sum())})"
        ax.plot(pairs[mask, 1], pairs[mask, 0], marker, color=color, ms=4, ls="", label=text)
    ax.set(xlabel="residue", ylabel="residue", aspect="equal")
    ax.legend(loc="upper left", fontsize=10)
    return ax


def plot_ramachandran(
    phi: Real[Any, " residues"],
    psi: Real[Any, " residues"],
    groups: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """ψ against φ (radians in, degrees drawn): helices at the lower left, strands above them.

    Args:
        groups: State of each residue, H, E or C; one density without.
    """
    ax = ax or plt.subplots(figsize=(5.2, 5))[1]
    x, y = np.degrees(to_numpy(phi)), np.degrees(to_numpy(psi))
    known = np.isfinite(x) & np.isfinite(y)
    if groups is None:
        ax.hexbin(x[known], y[known], gridsize=60, bins="log", mincnt=1, lw=0.1, cmap="Blues")
    else:
        states = np.array(list(groups))
        looks = (
            ("C", GRAY, ".", "other"),
            ("E", VERMILION, "^", "strand"),
            ("H", BLUE, "o", "helix"),
        )
        for state, color, marker, name in looks:
            mask = known & (states == state)
            ax.plot(x[mask], y[mask], marker, color=color, ms=3, alpha=0.4, mew=0, label=name)
        ax.legend(markerscale=2, fontsize=11)
    ticks = [-180, -90, 0, 90, 180]
    ax.set(xlabel="φ (degrees)", ylabel="ψ (degrees)", xlim=(-180, 180), ylim=(-180, 180))
    ax.set(xticks=ticks, yticks=ticks, aspect="equal")
    return ax


def plot_couplings(table: Float[Any, "21 21"], *, title: str = "", ax: Axes | None = None) -> Axes:
    """Which pairs of letters two columns like (blue) and avoid (red), letters ordered by chemistry."""
    ax = ax or plt.subplots(figsize=(4.6, 4.4))[1]
    order = [LETTERS.index(letter) for letter in ORDER]
    shown = to_numpy(table)[np.ix_(order, order)]
    top = np.abs(shown).max() or 1.0
    picture = ax.imshow(shown, cmap="RdBu", vmin=-top, vmax=top)
    ax.figure.colorbar(picture, ax=ax, label="coupling (nats)", shrink=0.85)
    ax.set_xticks(range(20), list(ORDER), fontsize=9)
    ax.set_yticks(range(20), list(ORDER), fontsize=9)
    ax.set_title(title, fontsize=12)
    ax.grid(False)
    return ax


class PairInspector(Panel):
    """A chain in 3D with one pair lit, its table of couplings beside; walk the pairs, or click an atom."""

    def __init__(
        self,
        places: np.ndarray,
        pairs: np.ndarray,
        names: Sequence[str],
        tables: np.ndarray,
        *,
        title: str,
        alt: str,
    ) -> None:
        self.pairs, self.names, self.tables = pairs, list(names), tables
        along = np.arange(len(places))
        look = {"colors": along, "label": "place in the chain (count)", "width": 430, "height": 360}
        self.scene = show3d(trace(places), alt=alt, style="tube", **look)
        wide = {"width": "420px"}
        options = [(name, k) for k, name in enumerate(self.names)]
        self.chooser = SelectionSlider(options=options, description="pair", layout=wide)
        self.told, self.table = HTML(), Image(layout={"width": "370px", "height": "340px"})
        self.scene.on_click(self.click)
        self.chooser.observe(at_home(lambda _: self.tell(self.chooser.value)), "value")
        self.tell(0)
        side = VBox([self.chooser, self.told, self.table])
        rows = [heading(title), HBox([self.scene, side])]
        super().__init__(rows, alt=alt, still=self.picture, layout={"width": "900px"})

    def click(self, residue: int) -> None:
        """Show the strongest pair of the residue that is clicked."""
        mine = np.flatnonzero((self.pairs == residue).any(1))
        if len(mine):
            self.chooser.value = int(mine[0])
        else:
            self.told.value = "no strong pair has this residue"

    def tell(self, which: int) -> None:
        """Light up a pair and draw its couplings."""
        view = self.scene.view
        view._remove_representations_by_name("halo")
        chosen = [int(r) for r in self.pairs[which]]
        glow = {"color": VERMILION, "opacity": 0.6, "radius": 2.0, "name": "halo"}
        view.add_representation("spacefill", selection=chosen, **glow)
        self.told.value = ""  # the slider and the table say its name
        figure = Figure((370 / DPI, 340 / DPI), dpi=DPI, layout="constrained")
        plot_couplings(self.tables[which], title=self.names[which], ax=figure.subplots())
        self.table.value = png(figure)

    def picture(self) -> bytes:
        """The chain beside the table."""
        return beside(self.scene.still(), bytes(self.table.value))

    def close(self) -> None:
        """Take the widget away."""
        self.scene.close()
        super().close()


def pair_inspector(
    places: Real[Any, "residues atoms 3"],
    pairs: Int[Any, "pairs 2"],
    names: Sequence[str],
    tables: Float[Any, "pairs 21 21"],
    *,
    title: str = "Walk through the pairs, or click a residue",
    alt: str = "",
) -> PairInspector:
    """Pairs of residues in 3D, each with the table of its couplings.

    Args:
        places: N, CA, C (and O) of each residue (Å).
        pairs: Residues of each pair, strongest first.
        names: What to say of each pair: "D27 – T113, 5.6 Å".
        tables: Couplings of each pair, gap last.
        title: Stands above.
        alt: What is seen, in words.
    """
    pairs = to_numpy(pairs)
    if not len(pairs) == len(names) == len(tables):
        raise ValueError(f"got {len(pairs)} pairs, {len(names)} names, {len(tables)} tables")
    alt = alt or f"{title}: a chain of {len(places)} residues and {len(pairs)} coupled pairs"
    return PairInspector(to_numpy(places), pairs, names, to_numpy(tables), title=title, alt=alt)
