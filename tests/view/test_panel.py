"""Callbacks of widgets work at home: JupyterLab calls them from two threads of the kernel."""

import ast
import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ase import Atoms

import mdlearn
from mdlearn.units import fs
from mdlearn.view.controls import explore
from mdlearn.view.dynamics import LiveDynamics, live_dynamics
from mdlearn.view.panel import at_home
from mdlearn.view.training import live_training


def state(x: float = 3.8) -> SimpleNamespace:
    system = SimpleNamespace(positions=np.array([[0.0, 0, 0], [x, 0, 0]]))
    still, masses, energies = np.zeros((2, 3)), np.full(2, 39.9), np.zeros(1)
    return SimpleNamespace(system=system, velocities=still, masses=masses, energies=energies)


def moving(advance: Callable = lambda old, *_: old) -> LiveDynamics:
    atoms = Atoms("Ar2", positions=state().system.positions)
    return live_dynamics(advance, state(), atoms=atoms, interval=5 * fs, preview=0)


async def elsewhere(act: Callable[[], object]) -> None:
    """What a message does that comes to a thread beside that of the cells."""
    thread = threading.Thread(target=act)
    thread.start()
    await until(lambda: not thread.is_alive())


async def until(condition: Callable[[], object], seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def rest(panel: LiveDynamics) -> None:
    await until(lambda: not panel.loop.running)
    await asyncio.sleep(0.05)


def test_callbacks_run_in_the_thread_that_made_them():
    async def act() -> list[int]:
        seen = []
        callback = at_home(lambda: seen.append(threading.get_ident()))
        callback()
        assert len(seen) == 1  # at once when called at home
        await elsewhere(callback)
        await until(lambda: len(seen) == 2)
        return seen

    assert set(asyncio.run(act())) == {threading.get_ident()}


def test_without_an_event_loop_a_callback_stays_as_it_is():
    def callback() -> None: ...

    assert at_home(callback) is callback


def test_stop_in_the_middle_of_a_frame_goes_back_to_the_start():
    inside = threading.Event()

    def slow(old: SimpleNamespace, *_: float) -> SimpleNamespace:
        inside.set()
        time.sleep(0.1)  # stop is pressed meanwhile
        return state(4.0)

    def press(panel: LiveDynamics) -> None:
        inside.wait()
        panel.halt.click()

    async def act() -> LiveDynamics:
        panel = moving(slow)
        panel.run.value = True
        await elsewhere(lambda: press(panel))
        await rest(panel)
        return panel

    panel = asyncio.run(act())
    assert panel.simulation.frames == 0 and panel.simulation.state is panel.simulation.first
    assert "0.00 ps simulated" in panel.status.value and not panel.run.value
    panel.close()


def test_a_stop_wins_over_a_run_that_was_pressed_before_and_arrives_later():
    async def act() -> LiveDynamics:
        panel = moving()

        def press() -> None:
            panel.run.value = True

        thread = threading.Thread(target=press)
        thread.start()
        thread.join()  # the cells' thread is busy: it hears of `run` after the stop
        panel.halt.click()
        await rest(panel)
        return panel

    panel = asyncio.run(act())
    assert panel.simulation.frames == 0 and not panel.run.value
    assert panel.run.description == "run"
    panel.close()


@pytest.mark.parametrize("seed", range(5))
def test_after_any_presses_in_two_threads_a_stop_stops(seed):
    threads = set()

    def advance(old: SimpleNamespace, *_: float) -> SimpleNamespace:
        threads.add(threading.get_ident())
        time.sleep(0.001)
        return old

    async def act() -> LiveDynamics:
        panel, draw = moving(advance), np.random.default_rng(seed)
        presses = [
            lambda: setattr(panel.run, "value", True),
            lambda: setattr(panel.run, "value", False),
            panel.halt.click,
        ]
        for press in draw.choice(presses, 30):
            if draw.random() < 0.5:
                press()
            else:
                await elsewhere(press)
            await asyncio.sleep(draw.choice([0, 0.01]))
        panel.run.value = True
        await until(lambda: panel.simulation.frames > 3)
        await elsewhere(panel.halt.click)
        await rest(panel)
        return panel

    panel = asyncio.run(act())
    assert panel.simulation.frames == 0 and not panel.run.value
    assert threads == {threading.get_ident()}
    panel.close()


def test_training_stops_from_another_thread():
    taken = []

    def records():
        for k in range(1, 10_000):
            taken.append(threading.get_ident())
            yield SimpleNamespace(fraction=k / 10_000, seconds=k, valid={"error": 1.0})

    async def act() -> None:
        panel = live_training(records())
        await elsewhere(lambda: setattr(panel.run, "value", True))
        await until(lambda: len(panel.records) > 3)
        await elsewhere(panel.halt.click)
        await until(lambda: panel.finished and not panel.loop.running)
        panel.close()

    asyncio.run(act())
    assert set(taken) == {threading.get_ident()}


def test_a_figure_is_drawn_at_home_whoever_moves_the_slider():
    drawn = []

    def draw(height: float) -> plt.Axes:
        drawn.append(threading.get_ident())
        return plt.subplots()[1]

    async def act() -> None:
        panel = explore(draw, height=(0, 2, 1))
        for value in (1.1, 1.2):
            await elsewhere(lambda value=value: panel.controls["height"].set_trait("value", value))
        await until(lambda: len(drawn) > 1)

    asyncio.run(act())
    assert set(drawn) == {threading.get_ident()}


def test_every_callback_of_the_package_goes_home():
    missed = []
    for path in sorted(Path(mdlearn.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            hears = node.func.attr in ("observe", "on_click", "on_msg")
            whose = ast.unparse(node.func.value)  # a scene takes its callbacks home itself
            if hears and not whose.endswith("scene"):
                callback = ast.unparse(node.args[0]) if node.args else ""
                if not callback.startswith("at_home("):
                    missed.append(f"{path.name}:{node.lineno}: {ast.unparse(node)}")
    assert not missed
