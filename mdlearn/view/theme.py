"""One look for all figures: colors that all eyes tell apart, text that a back row can read.

Call `use()` once, in the first cell of a notebook; figures are drawn by `mdlearn.view.plots`.
"""

import io
import math

from cycler import cycler
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator
from PIL import Image

# Okabe and Ito, Color Universal Design (2008): distinct under all common color vision deficiencies.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY = "#56B4E9"
BLACK = "#222222"
GRAY = "#767676"

DPI = 80  # pixels per inch, on screen

COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
SEQUENTIAL = "viridis"  # from none to much
DIVERGING = "RdBu_r"  # below and above zero

STYLE = {
    "figure.figsize": (6.4, 4.0),
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.constrained_layout.use": True,
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "legend.fontsize": 12,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "errorbar.capsize": 3,
    "image.cmap": SEQUENTIAL,
    "axes.prop_cycle": cycler(color=COLORS) + cycler(linestyle=LINES),
}


def use() -> None:
    """Set the style of all figures drawn from now on."""
    rcParams.update(STYLE)


def figure(ax: Axes, alt: str) -> None:
    """Show the figure of these axes in a notebook, with words for those who cannot see it.

    Args:
        ax: Any axes of the figure, which is closed afterwards.
        alt: What there is to see, in one sentence.
    """
    from IPython.display import display
    from matplotlib import pyplot

    data = {"image/png": png(ax.figure), "text/plain": alt}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)
    pyplot.close(ax.figure)


def png(figure: Figure) -> bytes:
    """The figure as a small PNG file (256 colors: a third of the size, no visible loss)."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=figure.dpi)
    return compress(Image.open(raw).convert("RGB"))


def compress(picture: Image.Image) -> bytes:
    """An RGB picture as a PNG file with a palette of 256 colors."""
    small = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()


def log_axis(ax: Axes) -> None:
    """Logarithmic y with plain numbers, the more of them the narrower the range."""

    def between(value: float, _: int) -> str:
        low, high = ax.get_ylim()
        lead = round(value / 10 ** math.floor(math.log10(value)))
        named = (2, 3, 5, 7) if high < 15 * low else (2, 5) if high < 150 * low else ()
        return f"{value:g}" if lead in named else ""

    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5, 7)))
    ax.yaxis.set_minor_formatter(FuncFormatter(between))
    size = ax.yaxis.get_major_ticks()[0].label1.get_size()  # also where a shared axis hides them
    ax.tick_params(axis="y", which="minor", labelsize=size)


def beside(*pictures: bytes) -> bytes:
    """Pictures in a row, as one PNG file."""
    parts = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    size = sum(part.width for part in parts), max(part.height for part in parts)
    whole, left = Image.new("RGB", size, "white"), 0
    for part in parts:
        whole.paste(part, (left, (size[1] - part.height) // 2))
        left += part.width
    return compress(whole)
