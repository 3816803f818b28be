"""Training to watch: a curve that grows, and a button that stops.

Records come from any iterator; what is read of them is `valid`, `seconds` and `fraction`.
"""

import time
from collections.abc import Iterator
from html import escape
from typing import Any

from IPython.display import display
from ipywidgets import HTML, Button, FloatProgress, HBox, ToggleButton

from mdlearn.view.live import LivePlot, Loop, measured
from mdlearn.view.panel import Panel, at_home, heading

YLABEL = "validation force MAE (meV/Å)"
XLABEL = "training time (CPU s)"


class LiveTraining(Panel):
    """A training curve with buttons; `records` are those seen so far."""

    def __init__(self, records: Iterator[Any], *, ylabel: str, title: str, alt: str) -> None:
        self.source, self.records, self.finished = records, [], False
        self.ylabel = ylabel
        self.plot = LivePlot([ylabel], xlabel=XLABEL, width=560, height=300, log=True, marker="o")
        self.loop = Loop(self.frame, self.ended)
        button = {"layout": {"width": "92px"}}
        self.run = ToggleButton(description="train", icon="play", **button)
        self.halt = Button(
            description="stop", icon="stop", tooltip="keep the best weights so far", **button
        )
        self.bar = FloatProgress(max=1.0, layout={"width": "200px"})
        self.status = HTML()
        self.run.observe(at_home(self._toggled), "value")
        self.halt.on_click(at_home(self._halted))
        row = HBox([self.run, self.halt, self.bar, self.status])
        rows = [heading(title), row, self.plot.image]
        super().__init__(rows, alt=alt, still=self.plot.png, layout={"width": "700px"})

    def frame(self) -> None:
        """Train up to the next record and draw it."""
        record = next(self.source, None)
        if record is None:
            self.finish("done")
            return
        self.records.append(record)
        show_records(self.plot, self.records)
        self.bar.value = record.fraction
        self.status.value = summary(record, self.ylabel)

    def finish(self, word: str) -> None:
        """Close the iterator, so that the model gets its best weights."""
        self.finished = True
        self.run.value = False
        self.run.disabled = self.halt.disabled = True
        if hasattr(self.source, "close"):
            self.source.close()
        self.status.value = (
            f"{word}; {summary(self.records[-1], self.ylabel)}" if self.records else word
        )

    def ended(self, error: BaseException | None) -> None:
        """What the loop calls when it is over."""
        if error is not None:
            self.finish(f"<b>⚠ {escape(f'{type(error).__name__}: {error}')}</b>")

    def close(self) -> None:
        """Stop, and take the widget away."""
        self.loop.stop()
        super().close()

    def _toggled(self, _: Any) -> None:
        going = self.run.value  # now: what was pressed may have been taken back since
        self.run.description, self.run.icon = ("pause", "pause") if going else ("train", "play")
        (self.loop.start if going else self.loop.stop)()

    def _halted(self, _: Button) -> None:
        self.loop.stop()
        self.finish("stopped")


def live_training(
    records: Iterator[Any],
    *,
    ylabel: str = YLABEL,
    title: str = "Live training",
    alt: str = "",
    preview: int = 1,
) -> LiveTraining:
    """Training to watch and to stop: takes records from an iterator, one after the other.

    Args:
        records: From `mdlearn.train.training`: taking the next one trains.
        ylabel: Name and unit of the first number in `record.valid`.
        title: Stands above.
        alt: What is seen, in words.
        preview: Records taken at once, so that there is something to see without a kernel.
    """
    alt = alt or f"{title}: {ylabel} against {XLABEL}"
    panel = LiveTraining(iter(records), ylabel=ylabel, title=title, alt=alt)
    for _ in range(preview):
        panel.frame()
    return panel


class Progress:
    """Called with each record, draws the curve under the cell that trains.

    `for record in training(...): progress(record)`.
    """

    def __init__(self, *, ylabel: str, every: float) -> None:
        self.plot = LivePlot([ylabel], xlabel=XLABEL, width=560, height=300, log=True, marker="o")
        self.records: list[Any] = []
        self.alt = f"Training curve: {ylabel} against {XLABEL}"
        self.every, self.shown, self.handle = every, 0.0, None

    def __call__(self, record: Any) -> None:
        """Take a record; draw if it is the last, or if the last drawing is old."""
        self.records.append(record)
        if record.fraction >= 1 or time.perf_counter() - self.shown > self.every:
            self.show()

    def show(self) -> None:
        """Draw now."""
        self.shown = time.perf_counter()
        show_records(self.plot, self.records)
        data = {"image/png": self.plot.png(), "text/plain": self.alt}
        about = {"image/png": {"alt": self.alt}}
        if self.handle is None:
            self.handle = display(data, metadata=about, raw=True, display_id=True)
        else:
            self.handle.update(data, metadata=about, raw=True)


def progress_plot(*, ylabel: str = YLABEL, every: float = 1.0) -> Progress:
    """A reporter for training in a cell that waits: one plot, drawn again as records come.

    Args:
        ylabel: Name and unit of the first number in `record.valid`.
        every: Shortest time between two drawings (s).
    """
    return Progress(ylabel=ylabel, every=every)


def show_records(plot: LivePlot, records: list[Any]) -> None:
    """Draw the first validation error of each record against its time."""
    errors = [next(iter(record.valid.values())) for record in records]
    plot.draw([record.seconds for record in records], {next(iter(plot.curves)): errors})


def summary(record: Any, ylabel: str) -> str:
    """A record in a few words."""
    value = next(iter(record.valid.values()))
    return f"{record.fraction:.0%} · {record.seconds:.0f} s · {measured(ylabel, value)}"
