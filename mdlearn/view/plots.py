"""Arrays in, one axes out: the figures that come back in every chapter.

Each function draws on `ax` (a new one if none is given) and returns it; call it again with the same
`ax` to lay a second curve over the first. Colors always come with a line style or a marker.
"""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Real
from matplotlib.axes import Axes

from mdlearn.units import ps
from mdlearn.view.arrays import to_numpy
from mdlearn.view.theme import BLACK, BLUE, COLORS, GRAY, LINES, MARKERS, VERMILION, log_axis

CROWD = 3000  # more points than this are shown as a density


def plot_training(
    x: Real[Any, " records"],
    error: Real[Any, " records"],
    *,
    label: str | None = None,
    xlabel: str = "training time (s)",
    ylabel: str = "validation force MAE (meV/Å)",
    baseline: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Validation error against training: what one more minute buys.

    Args:
        x: Training time (s) or steps (count); name it in `xlabel`.
        error: Validation error (meV/Å), positive.
        baseline: Error of a model that knows nothing (meV/Å), drawn as a level line.
    """
    ax = _axes(ax)
    line = LINES[len(ax.lines) % len(LINES)]
    marker = MARKERS[len(ax.lines) % len(MARKERS)]
    color = COLORS[len(ax.lines) % len(COLORS)]
    x, error = to_numpy(x), to_numpy(error)
    ax.plot(x, error, ls=line, marker=marker, ms=4, color=color, label=label)
    if baseline is not None:
        ax.axhline(baseline, color=GRAY, ls=":", label=f"baseline {baseline:.0f}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    _log_axis(ax, error if baseline is None else np.append(error, baseline))
    _legend(ax)
    return ax


def plot_parity(
    reference: Real[Any, "..."],
    predicted: Real[Any, "..."],
    *,
    quantity: str = "force component",
    unit: str = "eV/Å",
    ax: Axes | None = None,
) -> Axes:
    """Predicted against reference: on the diagonal, the model is right.

    Args:
        reference: True values (eV/Å for forces, eV for energies).
        predicted: The model's values, same shape and unit.
    """
    ax = _axes(ax)
    reference, predicted = to_numpy(reference).ravel(), to_numpy(predicted).ravel()
    if reference.shape != predicted.shape:
        raise ValueError(f"got {reference.size} reference values and {predicted.size} predictions")
    ends = [min(reference.min(), predicted.min()), max(reference.max(), predicted.max())]
    if reference.size > CROWD:
        field = ax.hexbin(reference, predicted, gridsize=60, bins="log", mincnt=1, lw=0.2)
        ax.figure.colorbar(field, ax=ax, label="values in a bin (count)")
    else:
        ax.plot(reference, predicted, "o", ms=4, alpha=0.5, mew=0, color=BLUE)
    ax.plot(ends, ends, "--", color=BLACK, lw=1.2, label="perfect")
    mae = 1000 * np.abs(reference - predicted).mean()
    ax.set(
        xlabel=f"reference {quantity} ({unit})",
        ylabel=f"predicted {quantity} ({unit})",
        title=f"MAE {mae:.1f} m{unit}, n = {reference.size:,}",
        aspect="equal",
    )
    _legend(ax)
    return ax


def plot_means(
    curves: Mapping[str, tuple[Real[Any, " points"], Real[Any, "seeds points"]]],
    *,
    xlabel: str,
    ylabel: str,
    baseline: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Means over seeds with their standard errors, both axes logarithmic.

    Args:
        curves: Name → (x, values), one row of values per seed.
        baseline: A level to compare with, in the unit of the values.
    """
    ax = _axes(ax)
    everything = [] if baseline is None else [baseline]
    for k, (name, (x, values)) in enumerate(curves.items()):
        x, values = to_numpy(x), to_numpy(values)
        n = len(values)
        error = values.std(0, ddof=1) / np.sqrt(n) if n > 1 else None
        look = {"color": COLORS[k % 7], "ls": LINES[k % 7], "marker": MARKERS[k % 7]}
        ax.errorbar(x, values.mean(0), error, label=f"{name} (n = {n})", **look)
        everything.extend(values.ravel())
    if baseline is not None:
        ax.axhline(baseline, color=GRAY, ls=":", label=f"baseline {baseline:.3g}")
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log")
    ticks = np.unique(np.concatenate([to_numpy(x) for x, _ in curves.values()]))
    if len(ticks) <= 8:
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.xaxis.minorticks_off()
    _log_axis(ax, np.array(everything))
    _legend(ax)
    return ax


def plot_comparison(
    means: Mapping[str, float],
    half_width: float,
    *,
    xlabel: str,
    parts: int,
    effects: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Methods compared on the same parts: two whose bars do not overlap differ by more than chance.

    Args:
        means: Name → mean score, the best first.
        half_width: Half the simultaneous interval of a difference; each bar is half as long to
            either side, so that touching bars are at its end.
        parts: How many parts were paired, a count.
        effects: Name → effect size against the best, written beside its bar.
    """
    ax = _axes(ax)
    values, reach = np.array(list(means.values())), half_width / 2
    ax.axvspan(values[0] - reach, values[0] + reach, color=BLUE, alpha=0.12)
    for k, (name, value) in enumerate(means.items()):
        differs = abs(value - values[0]) > half_width
        color, marker = (VERMILION, "s") if differs else (BLUE, "o")
        ax.errorbar(value, k, xerr=reach, color=color, marker=marker, capsize=4)
        if k and effects is not None:
            ax.annotate(f"d = {effects[name]:.2g}", (value, k), (0, 8), textcoords="offset points")
    ax.set_yticks(range(len(values)), list(means))
    ax.set_ylim(len(values) - 0.5, -0.7)
    ax.set(xlabel=xlabel, ylabel=f"method (n = {parts})")
    ax.margins(x=0.12)
    return ax


def plot_learning_curves(
    curves: Mapping[str, tuple[Real[Any, " points"], Real[Any, "seeds points"]]],
    *,
    ylabel: str = "test force MAE (meV/Å)",
    baseline: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Test error against the number of training frames: a steeper line learns more per label."""
    xlabel = "training frames (count)"
    return plot_means(curves, xlabel=xlabel, ylabel=ylabel, baseline=baseline, ax=ax)


def plot_cost(
    curves: Mapping[str, tuple[Real[Any, " points"], Real[Any, "seeds points"]]],
    *,
    ylabel: str = "test force MAE (meV/Å)",
    baseline: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Test error against what the labels cost: the lower curve spends the budget better."""
    xlabel = "cost of labels (CPU s)"
    return plot_means(curves, xlabel=xlabel, ylabel=ylabel, baseline=baseline, ax=ax)


def plot_energy(
    time: Real[Any, " frames"],
    energy: Real[Any, " frames"],
    *,
    label: str | None = None,
    ylabel: str = "energy (eV)",
    ax: Axes | None = None,
) -> Axes:
    """Energy against time: a flat line is a good integrator.

    Args:
        time: In the package's time unit (shown in ps).
        energy: eV.
    """
    ax = _axes(ax)
    k = len(ax.lines) % 7
    ax.plot(to_numpy(time) / ps, to_numpy(energy), ls=LINES[k], color=COLORS[k], label=label)
    ax.set(xlabel="time (ps)", ylabel=ylabel)
    ax.ticklabel_format(axis="y", useOffset=False)
    _legend(ax)
    return ax


def plot_spectrum(
    wavenumbers: Real[Any, " bins"],
    density: Real[Any, " bins"],
    *,
    bands: Mapping[str, float] | None = None,
    label: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Vibrational density of states: each peak is a way the molecule moves.

    Args:
        wavenumbers: cm⁻¹.
        density: Any scale; it is drawn relative to its highest peak.
        bands: Name → wavenumber (cm⁻¹) of measured bands, marked for comparison.
    """
    ax = _axes(ax)
    k = len(ax.lines) % 7
    density = to_numpy(density)
    ax.plot(
        to_numpy(wavenumbers), density / density.max(), ls=LINES[k], color=COLORS[k], label=label
    )
    for name, place in (bands or {}).items():
        ax.axvline(place, color=GRAY, ls=":", lw=1.2)
        ax.annotate(
            name,
            (place, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-3, -3),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
            fontsize=11,
            color=GRAY,
        )
    ax.set(xlabel="wavenumber (cm⁻¹)", ylabel="density (ratio to highest)", ylim=(0, 1.25))
    _legend(ax)
    return ax


def plot_histograms(
    samples: Mapping[str, Real[Any, " values"]],
    *,
    xlabel: str,
    bins: int = 40,
    ax: Axes | None = None,
) -> Axes:
    """Distributions on common bins, each of area one: what each temperature visits.

    Args:
        samples: Name (say `"300 K"`) → values.
        xlabel: The quantity with its unit, say `"energy (meV/atom)"`.
    """
    ax = _axes(ax)
    arrays = {name: to_numpy(values).ravel() for name, values in samples.items()}
    edges = np.histogram_bin_edges(np.concatenate(list(arrays.values())), bins)
    for k, (name, values) in enumerate(arrays.items()):
        density, _ = np.histogram(values, edges, density=True)
        look = {"color": COLORS[k % 7], "ls": LINES[k % 7], "lw": 2}
        ax.stairs(density, edges, label=f"{name} (n = {len(values):,})", **look)
        ax.stairs(density, edges, color=COLORS[k % 7], fill=True, alpha=0.12)
    ax.set(xlabel=xlabel, ylabel=f"density (1 / {_unit(xlabel)})")
    _legend(ax)
    return ax


def _axes(ax: Axes | None) -> Axes:
    return plt.subplots()[1] if ax is None else ax


def _unit(label: str) -> str:
    return label.rpartition("(")[2].rstrip(")") or "unit"


def _legend(ax: Axes) -> None:
    if ax.get_legend_handles_labels()[1]:
        ax.legend()


def _log_axis(ax: Axes, values: np.ndarray) -> None:
    if values.size == 0 or not (values > 0).all():
        raise ValueError("a logarithmic axis needs positive values; got zero, negative or NaN")
    log_axis(ax)
