import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from mdlearn.units import ps
from mdlearn.view import plots, theme


@pytest.fixture(autouse=True)
def style():
    with plt.rc_context():
        theme.use()
        yield
    plt.close("all")


def seeds(n: int, points: int) -> np.ndarray:
    return 100 * np.exp(0.1 * np.random.default_rng(0).normal(size=(n, points)))


SIZES = np.array([50, 100, 200])
DRAWN = {
    "training": lambda ax: plots.plot_training(torch.arange(1.0, 9.0), seeds(1, 8)[0], ax=ax),
    "parity": lambda ax: plots.plot_parity(torch.randn(5, 3), torch.randn(5, 3), ax=ax),
    "learning": lambda ax: plots.plot_learning_curves({"ours": (SIZES, seeds(3, 3))}, ax=ax),
    "cost": lambda ax: plots.plot_cost({"random": (SIZES, seeds(3, 3))}, baseline=300.0, ax=ax),
    "energy": lambda ax: plots.plot_energy(np.arange(9.0), np.ones(9), label="total", ax=ax),
    "spectrum": lambda ax: plots.plot_spectrum(np.arange(9.0), np.ones(9), ax=ax),
    "comparison": lambda ax: plots.plot_comparison(
        {"a": 1.0, "b": 1.1}, 0.3, xlabel="RMSE (eV)", parts=5, ax=ax
    ),
    "histograms": lambda ax: plots.plot_histograms(
        {"300 K": np.arange(9.0), "600 K": np.arange(9.0)}, xlabel="energy (eV)", ax=ax
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_axis_has_a_unit_and_the_axes_given_are_used(name):
    ax = plt.subplots()[1]
    assert DRAWN[name](ax) is ax
    for label in (ax.get_xlabel(), ax.get_ylabel()):
        assert label.endswith(")") and "(" in label


def test_curves_differ_in_more_than_color():
    ax = plots.plot_learning_curves({"a": (SIZES, seeds(3, 3)), "b": (SIZES, seeds(3, 3))})
    first, second = (container[0] for container in ax.containers)
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_marker() != second.get_marker()


def test_error_bars_are_standard_errors_and_say_how_many():
    values = seeds(4, 3)
    ax = plots.plot_learning_curves({"ours": (SIZES, values)})
    low, high = (line.get_ydata() for line in ax.containers[0][1])
    np.testing.assert_allclose((high - low) / 2, values.std(0, ddof=1) / 2)
    assert "n = 4" in ax.get_legend().get_texts()[0].get_text()


def test_bars_of_a_comparison_overlap_exactly_where_the_difference_is_within_chance():
    means = {"best": 1.0, "alike": 1.29, "worse": 1.31}
    effects = {"best": 0.0, "alike": 0.4, "worse": 2.0}
    ax = plots.plot_comparison(means, 0.3, xlabel="RMSE (eV)", parts=9, effects=effects)
    ends = [container[2][0].get_segments()[0][:, 0] for container in ax.containers]
    assert ends[1][0] < ends[0][1] < ends[2][0]
    markers = [container[0].get_marker() for container in ax.containers]
    assert markers[0] == markers[1] != markers[2]
    assert [text.get_text() for text in ax.texts] == ["d = 0.4", "d = 2"]
    assert "n = 9" in ax.get_ylabel()


def test_parity_says_the_error_in_meV():
    ax = plots.plot_parity(np.zeros(10), np.full(10, 0.012))
    assert ax.get_title().startswith("MAE 12.0 meV/Å, n = 10")


def test_many_points_become_a_density():
    crowd = np.random.default_rng(0).normal(size=5000)
    ax = plots.plot_parity(crowd, crowd)
    assert len(ax.collections) == 1 and len(ax.figure.axes) == 2


def test_time_is_shown_in_picoseconds():
    ax = plots.plot_energy(np.array([0.0, 2 * ps]), np.zeros(2))
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0, 2])


def test_two_logarithmic_plots_share_an_axis():
    curves = {"a": (np.array([1.0, 2.0]), np.array([[30.0, 20.0], [31.0, 22.0]]))}
    axes = plt.subplots(1, 2, sharey=True)[1]
    sizes = []
    for ax in axes:
        plots.plot_cost(curves, ax=ax)
        sizes.append(ax.yaxis.get_minor_ticks()[0].label1.get_size())
    assert sizes[0] == sizes[1] == axes[0].yaxis.get_major_ticks()[0].label1.get_size()


def test_a_logarithmic_axis_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="positive"):
        plots.plot_training(np.arange(3.0), np.array([1.0, 0.0, 2.0]))


def test_parity_refuses_different_sizes():
    with pytest.raises(ValueError, match="3 reference values and 4"):
        plots.plot_parity(np.zeros(3), np.zeros(4))


def luminance(color: str) -> float:
    rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_text_colors_stand_out_from_white():
    for color in (theme.BLACK, theme.GRAY):
        assert 1.05 / (luminance(color) + 0.05) > 4.5  # WCAG 2.1, level AA


def test_a_figure_becomes_a_small_file():
    ax = plots.plot_energy(np.arange(500.0), np.random.default_rng(0).normal(size=500))
    data = theme.png(ax.figure)
    assert data.startswith(b"\x89PNG") and len(data) < 40_000
