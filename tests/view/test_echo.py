"""Live dynamics does not run ahead of a slow browser, and waits for nobody where there is none."""

from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms

from mdlearn.units import fs
from mdlearn.view.dynamics import LiveDynamics, live_dynamics
from mdlearn.view.live import IN_FLIGHT, SILENCE


def state(x: float = 3.8) -> SimpleNamespace:
    system = SimpleNamespace(positions=np.array([[0.0, 0, 0], [x, 0, 0]]))
    still, masses, energies = np.zeros((2, 3)), np.full(2, 39.9), np.zeros(1)
    return SimpleNamespace(system=system, velocities=still, masses=masses, energies=energies)


@pytest.fixture
def panel():
    atoms = Atoms("Ar2", positions=state().system.positions)
    panel = live_dynamics(
        lambda _, kelvin, frame: state(3.8 + 0.01 * frame),
        state(),
        atoms=atoms,
        interval=5 * fs,
        preview=0,
    )
    yield panel
    panel.close()


def shown(panel: LiveDynamics) -> np.ndarray:
    return panel.scene.view._coordinates_dict[0]


def present(panel: LiveDynamics) -> np.ndarray:
    positions = panel.simulation.state.system.positions
    return (positions - positions.mean(0)) @ panel.scene.rotation.T * [-1, 1, -1]


def test_without_a_browser_every_frame_is_sent(panel):
    for _ in range(20):
        panel.frame()
    assert panel.echo.sent.value == 20
    np.testing.assert_allclose(shown(panel), present(panel))


def test_a_browser_that_lags_gets_no_more_than_it_draws(panel):
    panel.frame()
    panel.echo.heard.value = 1  # it answers
    for _ in range(20):
        panel.frame()
    assert panel.echo.sent.value == 1 + IN_FLIGHT
    assert panel.simulation.frames == 21  # the simulation goes on
    panel.echo.heard.value = 3
    for _ in range(20):
        panel.frame()
    assert panel.echo.sent.value == 3 + IN_FLIGHT


def test_the_last_frame_is_shown_in_any_case(panel):
    panel.frame()
    panel.echo.heard.value = 1
    for _ in range(20):
        panel.frame()
    assert np.abs(shown(panel) - present(panel)).max() > 0.01
    panel.ended(None)
    np.testing.assert_allclose(shown(panel), present(panel))


def test_after_a_long_silence_a_frame_is_sent_anyway(panel):
    panel.frame()
    panel.echo.heard.value = 1
    for _ in range(20):
        panel.frame()
    panel.echo.last -= 2 * SILENCE
    panel.frame()
    panel.frame()
    assert panel.echo.sent.value == 2 + IN_FLIGHT
