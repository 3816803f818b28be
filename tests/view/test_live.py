import asyncio
import threading
from dataclasses import dataclass, replace
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ase import Atoms

from mdlearn.units import fs, kB, ps
from mdlearn.view.controls import atom_inspector, explore
from mdlearn.view.dynamics import live_dynamics
from mdlearn.view.live import LivePlot, Loop
from mdlearn.view.training import live_training, progress_plot

WIDGET = "application/vnd.jupyter.widget-view+json"
DT = 1.0 * fs


@dataclass(frozen=True)
class Spring:
    """Two argon atoms on a spring: the least that moves."""

    system: SimpleNamespace
    velocities: np.ndarray
    masses: np.ndarray
    energies: np.ndarray


def spring(stretch: float = 0.1) -> Spring:
    positions = np.array([[0.0, 0, 0], [3.8 + stretch, 0, 0]])
    system = SimpleNamespace(positions=positions)
    return Spring(system, np.zeros((2, 3)), np.full(2, 39.9), np.array([0.5 * stretch**2]))


def advance(state: Spring, temperature: float, seed: int) -> Spring:
    """Five steps of Euler's method, the velocities pulled to the target: a crude thermostat."""
    for _ in range(5):
        positions = state.system.positions
        force = 1.0 * (positions[1, 0] - positions[0, 0] - 3.8)
        forces = np.array([[force, 0, 0], [-force, 0, 0]])
        velocities = state.velocities + DT * forces / state.masses[:, None]
        size = np.sqrt((state.masses[:, None] * velocities**2).sum() / (6 * kB)) or 1.0
        velocities = velocities * (1 + 0.05 * (np.sqrt(temperature) / size - 1))
        positions = positions + DT * velocities
        energies = np.array([0.5 * (positions[1, 0] - positions[0, 0] - 3.8) ** 2])
        system = SimpleNamespace(positions=positions)
        state = replace(state, system=system, velocities=velocities, energies=energies)
    return state


@pytest.fixture
def dynamics():
    atoms = Atoms("Ar2", positions=spring().system.positions)
    panel = live_dynamics(advance, spring(), atoms=atoms, interval=5 * DT, preview=4)
    yield panel
    panel.close()


async def until(condition, seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def test_the_loop_runs_pauses_and_goes_on():
    count, ends = [], []
    loop = Loop(lambda: count.append(1), ends.append, pause=0.001)

    async def act() -> None:
        for n in (3, 6):
            loop.start()
            loop.start()  # twice is once
            await until(lambda n=n: len(count) >= n)
            loop.stop()
            await until(lambda: not loop.running)
            seen = len(count)
            await asyncio.sleep(0.03)
            assert len(count) == seen

    asyncio.run(act())
    assert ends == [None, None]


def test_an_error_in_the_loop_is_handed_on():
    ends = []
    loop = Loop(lambda: 1 / 0, ends.append)

    async def act() -> None:
        loop.start()
        await until(lambda: ends)

    asyncio.run(act())
    assert isinstance(ends[0], ZeroDivisionError) and not loop.running


def test_dynamics_has_a_picture_with_words_before_it_runs(dynamics):
    data, about = dynamics._repr_mimebundle_()
    assert {WIDGET, "image/png", "text/plain"} == set(data)
    assert "Ar2" in about["image/png"]["alt"]
    assert len(data["image/png"]) < 80_000
    assert len(dynamics.simulation.times) == 4


def test_run_pause_and_stop(dynamics):
    first = dynamics.simulation.first

    async def act() -> None:
        dynamics.run.value = True
        assert dynamics.run.description == "pause"
        await until(lambda: len(dynamics.simulation.times) > 10)
        dynamics.run.value = False
        await until(lambda: not dynamics.loop.running)
        reached = dynamics.simulation.time
        await asyncio.sleep(0.05)
        assert dynamics.simulation.time == reached > 10 * 5 * DT
        dynamics.run.value = True
        await until(lambda: dynamics.simulation.time > reached)
        dynamics.halt.click()
        await until(lambda: not dynamics.loop.running)

    asyncio.run(act())
    assert dynamics.simulation.state is first and dynamics.simulation.time == 0
    assert dynamics.run.description == "run"
    assert dynamics.status.value.count("0.00 ps simulated") == 1


def test_the_slider_reaches_the_thermostat(dynamics):
    means = []
    for target in (800, 100):
        dynamics.slider.value = target
        for _ in range(100):
            dynamics.simulation.advance()
        means.append(np.mean(list(dynamics.simulation.traces["temperature (K)"])[-50:]))
    assert means[0] > 3 * means[1]


def test_the_molecule_and_the_plot_move(dynamics):
    before = dynamics.plot.image.value
    dynamics.drawn = -1e9
    dynamics.frame()
    sent = dynamics.scene.view._coordinates_dict[0]
    positions = dynamics.simulation.state.system.positions
    expected = dynamics.scene._placed(positions - positions.mean(0) + dynamics.scene.center)
    np.testing.assert_allclose(sent, expected)
    assert dynamics.plot.image.value != before
    curve = dynamics.plot.curves["energy (eV)"]
    np.testing.assert_allclose(curve.get_xdata(), 5 * DT / ps * np.arange(1, 6))
    assert f"{5 * 5 * DT / ps:.2f} ps simulated" in dynamics.status.value


def test_an_explosion_is_told_in_the_status_line(dynamics):
    dynamics.simulation.work = lambda state, *_: replace(state, energies=np.array([np.nan]))

    async def act() -> None:
        dynamics.run.value = True
        await until(lambda: not dynamics.run.value)

    asyncio.run(act())
    assert "energy (eV) is nan" in dynamics.status.value
    assert not dynamics.loop.running


def test_live_loops_leave_no_threads(dynamics):
    before = threading.active_count()

    async def act() -> None:
        dynamics.run.value = True
        await until(lambda: len(dynamics.simulation.times) > 8)
        dynamics.run.value = False
        await until(lambda: not dynamics.loop.running)

    asyncio.run(act())
    assert threading.active_count() <= before


def records(n: int, log: list | None = None):
    """Like `mdlearn.train.training`: notes when it is closed."""
    try:
        for k in range(1, n + 1):
            yield SimpleNamespace(
                fraction=k / n, seconds=2.0 * k, valid={"force_mae": 300.0 / k, "energy_mae": 1.0}
            )
    finally:
        if log is not None:
            log.append("closed")


def test_training_runs_to_its_end():
    log = []
    panel = live_training(records(5, log))
    assert len(panel.records) == 1

    async def act() -> None:
        panel.run.value = True
        await until(lambda: panel.finished)

    asyncio.run(act())
    assert len(panel.records) == 5 and log == ["closed"]
    assert panel.bar.value == 1 and "validation force MAE 60 meV/Å" in panel.status.value
    (curve,) = panel.plot.curves.values()
    np.testing.assert_allclose(curve.get_ydata(), 300.0 / np.arange(1, 6))
    panel.close()


def test_stopping_closes_the_training():
    log = []
    panel = live_training(records(10_000, log))

    async def act() -> None:
        panel.run.value = True
        await until(lambda: len(panel.records) > 3)
        panel.halt.click()
        await until(lambda: not panel.loop.running)

    asyncio.run(act())
    assert log == ["closed"] and panel.finished and len(panel.records) < 10_000
    assert panel.status.value.startswith("stopped")
    panel.close()


def test_an_error_in_training_is_told():
    def broken():
        yield from records(2)
        raise FloatingPointError("the loss is nan")

    panel = live_training(broken())

    async def act() -> None:
        panel.run.value = True
        await until(lambda: panel.finished)

    asyncio.run(act())
    assert "the loss is nan" in panel.status.value
    panel.close()


def test_progress_draws_at_the_end_without_a_notebook(capsys):
    progress = progress_plot(every=1e9)
    for record in records(4):
        progress(record)
    (curve,) = progress.plot.curves.values()
    assert len(curve.get_ydata()) == 4


def draw(height: float = 1.0, shape: str = "line"):
    ax = plt.subplots()[1]
    ax.plot([0, height], marker="o" if shape == "dots" else None)
    return ax


def test_explore_draws_when_the_slider_rests():
    panel = explore(draw, height=(0, 2, 1), shape=["line", "dots"], units={"height": "eV"})
    drawn, first = [], panel.image.value
    panel.image.observe(lambda change: drawn.append(change["new"]), "value")
    assert panel.controls["height"].description == "height (eV)"

    async def act() -> None:
        for value in (1.1, 1.2, 1.3, 1.4):
            panel.controls["height"].value = value
        await until(lambda: drawn)
        await asyncio.sleep(0.2)

    asyncio.run(act())
    assert len(drawn) == 1 and drawn[0] != first
    assert panel.values == {"height": pytest.approx(1.4), "shape": "line"}
    assert not plt.get_fignums()


def test_choices_begin_at_the_first_or_where_it_is_said():
    panel = explore(draw, height=([0.5, 1.0, 2.0], 1.0), shape=["line", "dots"])
    assert panel.values == {"height": 1.0, "shape": "line"}
    assert list(panel.controls["height"].options) == [0.5, 1.0, 2.0]
    panel.close()


def test_explore_has_a_picture_with_words_and_tells_errors():
    def fragile(height: float):
        if height > 1:
            raise ValueError("too high")
        return draw(height)

    panel = explore(fragile, height=(0, 2, 1), alt="a line")
    data, about = panel._repr_mimebundle_()
    assert about["image/png"]["alt"] == "a line" and WIDGET in data

    async def act() -> None:
        panel.controls["height"].value = 1.5
        await until(lambda: panel.status.value)

    asyncio.run(act())
    assert "too high" in panel.status.value


@pytest.fixture
def inspector():
    atoms = Atoms("CO2", positions=[[0, 0, 0], [1.2, 0, 0], [-1.2, 0, 0]])
    panel = atom_inspector(atoms, np.array([5.0, -20.0, 1.0]), label="force error", unit="meV/Å")
    yield panel
    panel.close()


def test_the_inspector_starts_with_the_largest(inspector):
    assert "<b>O1</b>: -20 meV/Å" in inspector.told.value
    assert "rank 1 of 3" in inspector.told.value


def test_a_click_and_the_list_tell_the_value(inspector):
    inspector.scene.view.picked = {"atom1": {"index": 0}}
    assert "<b>C0</b>: 5 meV/Å" in inspector.told.value and "rank 2" in inspector.told.value
    assert inspector.chooser.value == 0
    before = inspector.bars.value
    inspector.chooser.value = 2
    assert "<b>O2</b>: 1 meV/Å" in inspector.told.value and inspector.bars.value != before


def test_the_inspector_has_a_picture_with_words(inspector):
    data, about = inspector._repr_mimebundle_()
    assert "force error (meV/Å)" in about["image/png"]["alt"]
    assert "largest on O1" in data["text/plain"]


@pytest.mark.parametrize(
    "limits",
    [(0.1, 1000.0, 10.0), (75.0, 180.0, 104.5), (0.0, 2.0, 0.0), (0.0, 2.0, 2.0), (60, 500, 94)],
)
def test_the_first_value_of_a_slider_is_one_of_its_steps(limits):
    low, high, first = limits
    panel = explore(draw, height=limits)
    steps = (first - low) / panel.controls["height"].step  # a browser would move it otherwise
    assert steps == pytest.approx(round(steps)) and panel.values == {"height": first}
    assert 50 <= (high - low) / panel.controls["height"].step <= 500
    panel.close()


@pytest.mark.parametrize("limits", [(0, 39, 1), (0, 2, 1), (3, 9, 3)])
def test_a_slider_of_counts_stops_at_counts(limits):
    panel = explore(draw, height=limits)
    assert panel.controls["height"].step == 1
    assert panel.controls["height"].readout_format == ".0f"
    panel.close()


def test_a_slider_refuses_a_start_outside():
    with pytest.raises(ValueError, match="outside 0 to 2"):
        explore(draw, height=(0, 2, 3))


def test_a_live_plot_with_a_logarithm_survives_being_empty():
    plot = LivePlot(["error (meV/Å)"], log=True)
    plot.draw([1.0], {"error (meV/Å)": [3.0]})
    assert plot.png().startswith(b"\x89PNG")
