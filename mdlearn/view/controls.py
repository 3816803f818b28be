"""Widgets that ask a picture a question: sliders for any figure, a click for any atom."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from ase import Atoms
from ipywidgets import HTML, HBox, Image, SelectionSlider, VBox, Widget
from jaxtyping import Real
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mdlearn.view.arrays import to_numpy
from mdlearn.view.panel import Limits, Panel, at_home, heading, slider
from mdlearn.view.picture import describe, value_colors
from mdlearn.view.scene import show3d
from mdlearn.view.theme import BLACK, DPI, beside, png

WAIT = 0.08  # seconds without a new value before a figure is drawn


class Explorer(Panel):
    """A figure under sliders; `values` are those of the sliders."""

    def __init__(
        self,
        function: Callable[..., Axes | Figure],
        controls: Mapping[str, Widget],
        *,
        title: str,
        alt: str,
    ) -> None:
        self.function, self.controls = function, dict(controls)
        self.image, self.status = Image(layout={"width": "max-content"}), HTML()
        self.task: asyncio.Task[None] | None = None
        self.draw()
        for control in self.controls.values():
            control.observe(at_home(self._moved), "value")
        top = [heading(title)] if title else []
        rows = [*top, *self.controls.values(), self.image, self.status]
        super().__init__(rows, alt=alt, still=lambda: bytes(self.image.value))

    @property
    def values(self) -> dict[str, Any]:
        """What the sliders say."""
        return {name: control.value for name, control in self.controls.items()}

    def draw(self) -> None:
        """Call the function and show its figure."""
        figure = self.function(**self.values)
        figure = figure if isinstance(figure, Figure) else figure.figure
        self.image.value = png(figure)
        _forget(figure)

    async def _rest(self) -> None:
        """Draw when the slider has come to rest: a figure for each pixel would lag behind."""
        await asyncio.sleep(WAIT)
        self.draw()

    def _moved(self, _: Any) -> None:
        if self.task is not None:
            self.task.cancel()
        self.task = asyncio.get_running_loop().create_task(self._rest())
        self.task.add_done_callback(self._drawn)

    def _drawn(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        self.status.value = escape(f"⚠ {type(error).__name__}: {error}") if error else ""


def explore(
    function: Callable[..., Axes | Figure],
    *,
    title: str = "",
    alt: str = "",
    units: Mapping[str, str] | None = None,
    **sliders: Limits | Sequence[Any] | tuple[Sequence[Any], Any],
) -> Explorer:
    """Sliders for the arguments of a function that draws.

        explore(plot_pair, sigma=(3.0, 4.0, 3.4), units={"sigma": "Å"})

    Args:
        function: Called with one value per slider; returns the axes or the figure it drew.
        title: Stands above.
        alt: What the figure shows, in words.
        units: Name of a slider → unit.
        sliders: Name → (lowest, highest, first), or a list of choices, or (list, first).
    """
    units = units or {}
    labels = {k: k.replace("_", " ") + (f" ({units[k]})" if k in units else "") for k in sliders}
    named = 16 + 8 * max(map(len, labels.values()), default=0)
    controls = {}
    for name, choice in sliders.items():
        if isinstance(choice, tuple) and len(choice) == 3:
            controls[name] = slider(labels[name], choice, width=380 + named, named=named)
        else:
            options, first = choice if isinstance(choice, tuple) else (choice, choice[0])
            style, layout = {"description_width": f"{named}px"}, {"width": f"{380 + named}px"}
            look = {"description": labels[name], "style": style, "layout": layout}
            controls[name] = SelectionSlider(options=options, value=first, **look)
    alt = alt or f"{title or function.__name__}, with sliders for {', '.join(sliders)}"
    return Explorer(function, controls, title=title, alt=alt)


class Inspector(Panel):
    """A molecule colored by values; the atom that is clicked or chosen tells its own."""

    def __init__(
        self, atoms: Atoms, values: np.ndarray, *, label: str, unit: str, title: str, alt: str
    ) -> None:
        self.atoms, self.values, self.label, self.unit = atoms, values, label, unit
        look = {"width": 460, "height": 330}
        self.scene = show3d(atoms, alt=alt, colors=values, label=f"{label} ({unit})", **look)
        names = [f"{symbol}{i}" for i, symbol in enumerate(atoms.symbols)]
        order = np.argsort(-np.abs(values))
        options = [(f"{names[i]}: {values[i]:.4g} {unit}", int(i)) for i in order]
        self.chooser = SelectionSlider(  # JupyterLab keeps the arrow keys from a drop-down list
            options=options,
            description="atom",
            style={"description_width": "40px"},
            layout={"width": "400px"},
        )
        self.told = HTML()
        self.bars = Image(layout={"width": "400px", "height": "250px"})
        self.names = names
        self.scene.on_click(self.choose)
        self.chooser.observe(at_home(self._chosen), "value")
        self.tell(self.chooser.value)
        side = VBox([self.chooser, self.told, self.bars])
        rows = [heading(title), HBox([self.scene, side])]
        super().__init__(rows, alt=alt, still=self.picture, layout={"width": "900px"})

    def choose(self, atom: int) -> None:
        """Show the value of an atom."""
        self.chooser.value = atom

    def tell(self, atom: int) -> None:
        """Write the value, mark the atom, draw the bars."""
        rank = int((np.abs(self.values) > abs(self.values[atom])).sum()) + 1
        self.told.value = (
            f'<div style="font-size:20px;line-height:1.5"><b>{self.names[atom]}</b>: '
            f"{self.values[atom]:.4g} {self.unit}</div>"
            f"{self.label}, rank {rank} of {len(self.values)}"
        )
        self.scene.mark(atom)
        self.bars.value = bars(self.names, self.values, f"{self.label} ({self.unit})", atom)

    def picture(self) -> bytes:
        """The molecule beside the bars."""
        return beside(self.scene.still(), bytes(self.bars.value))

    def close(self) -> None:
        """Take the widget away."""
        self.scene.close()
        super().close()

    def _chosen(self, _: Any) -> None:
        self.tell(self.chooser.value)


def atom_inspector(
    atoms: Atoms,
    values: Real[Any, " atoms"],
    *,
    label: str,
    unit: str,
    title: str = "Click an atom",
    alt: str = "",
) -> Inspector:
    """Per-atom values on the molecule: click an atom, or walk through them with the arrow keys.

    Args:
        atoms: The molecule.
        values: One number per atom.
        label: What the numbers are: "force error".
        unit: "meV/Å".
        title: Stands above.
        alt: What is seen, in words.
    """
    values = to_numpy(values).astype(float)
    if values.shape != (len(atoms),):
        raise ValueError(f"got {values.shape} values for {len(atoms)} atoms")
    top = int(np.abs(values).argmax())
    alt = alt or (
        describe([atoms], title=title, values=values, label=f"{label} ({unit})")
        + f"; largest on {atoms.symbols[top]}{top}"
    )
    return Inspector(atoms, values, label=label, unit=unit, title=title, alt=alt)


def bars(names: Sequence[str], values: np.ndarray, label: str, chosen: int) -> bytes:
    """The values as bars, in the colors of the molecule; the chosen atom has a thick edge."""
    figure = Figure((400 / DPI, 250 / DPI), dpi=DPI, layout="constrained")
    ax = figure.subplots()
    edges = [BLACK if i == chosen else "none" for i in range(len(values))]
    colors = value_colors(values)[0]
    ax.bar(range(len(values)), values, color=colors, edgecolor=edges, linewidth=2.5)
    shown = range(len(values)) if len(values) <= 24 else [chosen]
    upright = 90 if len(shown) > 10 else 0  # names of three letters would touch
    ax.set_xticks(shown, [names[i] for i in shown], fontsize=10, rotation=upright)
    ax.set_ylabel(label, fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
    return png(figure)


def _forget(figure: Figure) -> None:
    """Close a figure of pyplot, so that it is neither kept nor shown twice."""
    import matplotlib.pyplot as plt

    plt.close(figure)
