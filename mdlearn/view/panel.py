"""A widget with a still picture of itself: live where a kernel runs, a picture with words elsewhere."""

import asyncio
import base64
import threading
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from ipywidgets import HTML, FloatSlider, VBox, Widget

Limits = tuple[float | int, float | int, float | int]  # of a slider: lowest, highest, first
HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"


class Panel(VBox):
    """A column of widgets that also knows its still picture and says in words what it shows.

    JupyterLab with a kernel shows the widgets; a saved notebook, GitHub and a printed page show the
    picture, and whoever cannot see it hears `alt`.
    """

    def __init__(
        self,
        children: Sequence[Widget],
        *,
        alt: str,
        still: Callable[[], bytes] | None = None,
        **options: Any,
    ) -> None:
        spoken = HTML(f'<span style="{HIDDEN}">{escape(alt)}</span>', layout={"height": "0"})
        super().__init__([*children, spoken], **options)
        self.alt = alt
        self.still = still

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data = super()._repr_mimebundle_(**options) | {"text/plain": self.alt}
        if self.still is None:
            return data, {}
        data["image/png"] = base64.b64encode(self.still()).decode()
        return data, {"image/png": {"alt": self.alt}}


def at_home(callback: Callable[..., None]) -> Callable[..., None]:
    """The callback, always run by the event loop of the cell that made the widget.

    JupyterLab brings the first message of a widget to the thread of the cells and later ones to a
    thread beside it (a subshell): a button pressed there would change what a running loop has in
    its hands. Each `observe` and `on_click` of this package goes through here. In plain Python,
    where no event loop runs, the callback stays as it is.
    """
    try:
        loop, home = asyncio.get_running_loop(), threading.get_ident()
    except RuntimeError:
        return callback

    def call(*arguments: Any) -> None:
        if threading.get_ident() == home:
            callback(*arguments)
        else:
            loop.call_soon_threadsafe(callback, *arguments)

    return call


def heading(text: str) -> HTML:
    """The title of a panel."""
    return HTML(f'<div style="font-size:15px;font-weight:600">{escape(text)}</div>')


def slider(label: str, limits: Limits, *, width: int, named: int = 0) -> FloatSlider:
    """A slider that arrow keys move too, in about a hundred steps, one of which is the first value.

    Three whole numbers make it count in whole numbers.

    Args:
        label: Name and unit.
        limits: Lowest, highest, first.
        width: Of the whole (pixels).
        named: Width of the label (pixels), to align several; as needed when zero.
    """
    low, high, first = limits
    if not low <= first <= high:
        raise ValueError(f"{label} starts at {first}, outside {low} to {high}")
    counts = all(isinstance(x, int) for x in limits)
    whole = counts or (high - low >= 50 and all(float(x).is_integer() for x in limits))
    if whole:
        step = 10 if high - low >= 200 and (first - low) % 10 == 0 else 1
    else:  # the browser moves a value that is between two steps
        step = (high - low) / 100
        step = (first - low) / max(1, round((first - low) / step)) or step
    return FloatSlider(
        value=first,
        min=low,
        max=high,
        step=step,
        description=label,
        readout_format=".0f" if whole else ".3g",
        style={"description_width": f"{named}px" if named else "initial"},
        layout={"width": f"{width}px"},
    )
