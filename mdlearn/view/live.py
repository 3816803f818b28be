"""What live widgets stand on: a loop that leaves buttons and sliders alive, and a quick plot.

`dynamics.py` and `training.py` are built on it.
"""

import asyncio
import io
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from ipywidgets import Image, IntText, jsdlink
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image as Picture

from mdlearn.view.theme import COLORS, DPI, LINES, log_axis, png

IN_FLIGHT = 3  # frames on their way to the browser, at most
SILENCE = 5.0  # seconds after which a frame is sent anyway


class Loop:
    """Calls `frame` again and again until it is stopped, letting widget messages in between.

    A `for` loop in a cell would keep the stop button waiting until it is over; a task does not.
    An error ends the loop and goes to `ended`, since nobody sees what a task prints or raises.
    """

    def __init__(
        self,
        frame: Callable[[], None],
        ended: Callable[[BaseException | None], None],
        *,
        pause: float = 0.005,
    ) -> None:
        self.frame, self.ended, self.pause = frame, ended, pause  # pause in seconds
        self.task: asyncio.Task[None] | None = None
        self.wanted = False

    @property
    def running(self) -> bool:
        """The task is there and not at its end."""
        return self.task is not None and not self.task.done()

    def start(self) -> None:
        """Begin, or go on; nothing happens if it runs already."""
        self.wanted = True
        if not self.running:
            self.task = asyncio.get_running_loop().create_task(self._run())
            self.task.add_done_callback(self._done)

    def stop(self) -> None:
        """End after the present frame."""
        self.wanted = False

    async def _run(self) -> None:
        while self.wanted:
            self.frame()
            await asyncio.sleep(self.pause)

    def _done(self, task: asyncio.Task[None]) -> None:
        if task is not self.task:
            return  # another has been started since
        self.wanted = False
        self.ended(None if task.cancelled() else task.exception())


class Echo:
    """Tells whether the browser keeps up: a number goes out with each frame and comes back.

    A kernel makes frames faster than a slow browser draws them; those that wait would go on moving
    for minutes after a pause. Where no browser answers, nothing is held back.
    """

    def __init__(self) -> None:
        self.sent, self.heard = IntText(0), IntText(0)
        self.link = jsdlink((self.sent, "value"), (self.heard, "value"))
        self.last = 0.0

    @property
    def ready(self) -> bool:
        """The browser has drawn nearly all it got, or has been silent for long."""
        behind = self.heard.value > 0 and self.sent.value - self.heard.value >= IN_FLIGHT
        return not behind or time.perf_counter() - self.last > SILENCE

    def ask(self) -> None:
        """Send the next number, after a frame."""
        self.sent.value += 1
        self.last = time.perf_counter()

    def close(self) -> None:
        """Take the numbers away."""
        for widget in (self.link, self.sent, self.heard):
            widget.close()


class LivePlot:
    """Curves over a common x, one below the other, drawn into a picture widget.

    Attributes:
        image: The widget.
        seconds: How long the last drawing took.
    """

    def __init__(
        self,
        labels: Sequence[str],
        *,
        xlabel: str = "time (ps)",
        width: int = 450,
        height: int = 330,
        log: bool = False,
        marker: str = "",
    ) -> None:
        self.figure = Figure((width / DPI, height / DPI), dpi=DPI, layout="none")
        self.figure.subplots_adjust(90 / width, 52 / height, 1 - 14 / width, 1 - 12 / height)
        self.canvas = FigureCanvasAgg(self.figure)
        axes = np.atleast_1d(self.figure.subplots(len(labels), 1, sharex=True))
        self.curves = {}
        for k, (label, ax) in enumerate(zip(labels, axes, strict=True)):
            look = {"color": COLORS[k % 7], "ls": LINES[k % 7], "marker": marker, "ms": 4}
            (self.curves[label],) = ax.plot([], [], lw=1.6, **look)
            ax.set_ylabel(label, fontsize=11)
            ax.yaxis.set_label_coords(-72 / (width - 104), 0.5)
            ax.grid(color="#DDDDDD", lw=0.8)
            ax.tick_params(labelsize=10)
            if log:
                log_axis(ax)
            else:
                ax.ticklabel_format(useOffset=False)
                ax.yaxis.set_major_locator(MaxNLocator(4))
            ax.spines[["top", "right"]].set_visible(False)
        axes[-1].set_xlabel(xlabel, fontsize=11)
        self.axes, self.seconds = list(axes), 0.0
        self.image = Image(layout={"width": f"{width}px", "height": f"{height}px"})
        self.image.value = self.png()

    def draw(self, x: Sequence[float], traces: Mapping[str, Sequence[float]]) -> None:
        """Replace the curves and the picture."""
        start = time.perf_counter()
        for label, values in traces.items():
            self.curves[label].set_data(list(x), list(values))
        for ax in self.axes:
            ax.relim()
            ax.autoscale_view()
        self.canvas.draw()
        quick = io.BytesIO()
        rgba = np.asarray(self.canvas.buffer_rgba())
        Picture.fromarray(rgba).convert("RGB").save(quick, format="png", compress_level=1)
        self.image.value = quick.getvalue()
        self.seconds = time.perf_counter() - start

    def png(self) -> bytes:
        """The plot as a small file, for the notebook."""
        return png(self.figure)


def measured(label: str, value: float) -> str:
    """A label with its value in the place where both can be read: "temperature 312 K"."""
    quantity, _, unit = label.rpartition(" (")
    number = f"{value:.6g}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{quantity} {number} {unit.rstrip(')')}".replace(" -", " −")
