"""Runs on disk: killed at any moment they go on with the same bits."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.io import read

from mdlearn.dynamics.ensembles import barostat
from mdlearn.dynamics.integrators import State, Step, langevin, start
from mdlearn.dynamics.record import export_dcd, read_log, record
from mdlearn.dynamics.simulate import run
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import from_atoms
from mdlearn.units import bar, fs, ps
from tests.dynamics.liquids import argon

POTENTIAL = LennardJones(cutoff=5.0)
STEPS: dict[str, Callable[[], Step]] = {
    "langevin": lambda: langevin(POTENTIAL, 4 * fs, 120.0, 1 / ps),
    "barostat": lambda: barostat(
        POTENTIAL, 4 * fs, 120.0, 1 / ps, pressure=10 * bar, time=0.5 * ps
    ),
}


def first(count: int = 1) -> State:
    frames = [argon(2, seed=seed) for seed in range(count)]
    return start(POTENTIAL, from_atoms(frames), temperature=120, seed=0)


class Killed(Exception):  # noqa: N818
    pass


def killer(after: int) -> Callable[[State], str]:
    """A look at each frame that ends the process, as it were, at one of them."""
    left = [after]

    def stop(state: State) -> str:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return ""

    return stop


@pytest.mark.parametrize("name", STEPS)
def test_a_killed_run_goes_on_with_the_same_bits(name: str, tmp_path: Path) -> None:
    settings = {"dt": 4 * fs, "every": 5, "checkpoint": 20, "seed": 3, "report": None}
    step = STEPS[name]()
    whole = record(step, first(), 90, tmp_path / "whole", **settings)
    with pytest.raises(Killed):
        record(step, first(), 90, tmp_path / "killed", stop=killer(11), **settings)
    text = (tmp_path / "killed/trajectory.xyz").read_text()
    (tmp_path / "killed/trajectory.xyz").write_text(text + "32\nhalf a fra")  # killed while writing
    again = record(step, first(), 90, tmp_path / "killed", **settings)
    assert torch.equal(again.system.positions, whole.system.positions)
    assert torch.equal(again.velocities, whole.velocities)
    for file in ("trajectory.xyz", "log.csv"):
        assert (tmp_path / "killed" / file).read_text() == (tmp_path / "whole" / file).read_text()
    longer = record(step, first(), 95, tmp_path / "whole", **settings)
    assert not torch.equal(longer.velocities, whole.velocities)


def test_files_say_what_was_simulated(tmp_path: Path) -> None:
    told: list[str] = []
    end = record(
        STEPS["langevin"](), first(2), 40, tmp_path, dt=4 * fs, every=10, checkpoint=20,
        seed=[1, 2], report=told.append,
    )  # fmt: skip
    frames = read(tmp_path / "trajectory_001.xyz", ":")
    assert len(frames) == 4
    np.testing.assert_allclose(frames[-1].positions, end.system.positions[32:], atol=1e-7)
    np.testing.assert_allclose(frames[-1].get_velocities(), end.velocities[32:], atol=1e-7)
    assert frames[-1].get_potential_energy() == pytest.approx(float(end.energies[1]), abs=1e-6)
    assert frames[1].info["time_fs"] == pytest.approx(80)
    log = read_log(tmp_path)
    assert log["step"].tolist() == [10, 10, 20, 20, 30, 30, 40, 40]
    assert log["potential (eV)"][-1] == pytest.approx(float(end.energies[1]))
    assert log["volume (Å³)"][0] == pytest.approx(11.2**3)
    assert any("ns/day" in line and "40/40" in line for line in told)


def test_dcd_holds_the_same_frames(tmp_path: Path) -> None:
    from mdtraj.formats import DCDTrajectoryFile

    record(
        STEPS["langevin"](), first(), 30, tmp_path, dt=4 * fs, every=10, checkpoint=10, report=None
    )
    assert export_dcd(tmp_path / "trajectory.xyz", tmp_path / "t.dcd") == 3
    with DCDTrajectoryFile(str(tmp_path / "t.dcd")) as stream:
        places, lengths, _ = stream.read()
    wanted = [frame.positions for frame in read(tmp_path / "trajectory.xyz", ":")]
    np.testing.assert_allclose(places, wanted, atol=1e-4)
    np.testing.assert_allclose(lengths, 11.2, atol=1e-4)


def test_a_stop_rule_ends_a_run_with_its_reason(tmp_path: Path) -> None:
    told: list[str] = []
    record(
        STEPS["langevin"](), first(), 100, tmp_path, dt=4 * fs, every=10, checkpoint=50,
        stop=lambda state: "too hot", report=told.append,
    )  # fmt: skip
    assert told[-1] == "stopped at step 10: too hot"
    seen = run(STEPS["langevin"](), first(), 100, every=10, stop=lambda state: "too hot")
    assert seen.stopped == "too hot"
    assert len(seen.positions) == 1


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    step = STEPS["langevin"]()
    settings = {"dt": 4 * fs, "every": 5, "checkpoint": 10, "report": None}
    (tmp_path / "file").write_text("here is no folder")
    with pytest.raises(OSError, match="cannot write a trajectory into file/"):
        record(step, first(), 10, tmp_path / "file", **settings)
    with pytest.raises(ValueError, match="multiple of every"):
        record(step, first(), 10, tmp_path, dt=fs, every=7, checkpoint=10)
    record(step, first(), 10, tmp_path / "a", **settings)
    with pytest.raises(ValueError, match="is of a run with"):
        record(step, first(), 20, tmp_path / "a", seed=1, **settings)
    with pytest.raises(ValueError, match="other atoms"):
        record(step, first(2), 20, tmp_path / "a", **settings)
