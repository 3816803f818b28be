"""Reference labels against independent values, and a log that survives a kill."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mdlearn.potentials.labels import DFT, GFN2, compute, key, label, read_log
from mdlearn.units import bohr, hartree
from tests.potentials.frames import ethanol, water

SMALL = DFT(basis="sto-3g", grid=1)


def test_dft_energy_and_forces_equal_a_direct_call_of_pyscf() -> None:
    from pyscf import dft, gto

    atoms = water()
    mine = gto.M(
        atom=list(zip(atoms.symbols, atoms.positions, strict=True)), basis="6-31g*", verbose=0
    )
    field = dft.RKS(mine).density_fit()
    field.xc, field.grids.level, field.conv_tol = "wb97x", 3, 1e-10
    energy = field.kernel()
    gradient = field.nuc_grad_method()
    gradient.grid_response = True
    seen = compute(atoms, DFT())
    assert seen.energy == pytest.approx(energy * hartree, abs=1e-6)
    np.testing.assert_allclose(seen.forces, -gradient.kernel() * hartree / bohr, atol=1e-4)


@pytest.mark.parametrize(("method", "tolerance"), [(GFN2(accuracy=0.001), 1e-4), (SMALL, 2e-3)])
def test_forces_are_minus_the_gradient(method: GFN2 | DFT, tolerance: float) -> None:
    atoms, h = water(1), 1e-3
    ends = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[1, 2] += sign * h
        ends.append(compute(moved, method).energy)
    slope = (ends[0] - ends[1]) / (2 * h)
    assert compute(atoms, method).forces[1, 2] == pytest.approx(-slope, abs=tolerance)  # eV/Å


def test_gfn2_energy_of_water_is_the_published_one() -> None:
    """−5.070544 Eh for relaxed water, as the documentation of the authors' xtb program prints it."""
    from ase.optimize import BFGS

    atoms = molecule("H2O")
    atoms.calc = GFN2().calculator()
    BFGS(atoms, logfile=None).run(fmax=0.001)
    assert atoms.get_potential_energy() / hartree == pytest.approx(-5.070544, abs=2e-6)


def test_a_second_call_computes_nothing(tmp_path: Path) -> None:
    frames = [ethanol(seed) for seed in range(4)]
    first = label(frames, GFN2(), tmp_path / "log", report=None)
    size = (tmp_path / "log").stat().st_size
    again = label(frames[::-1], GFN2(), tmp_path / "log", report=None)
    assert (tmp_path / "log").stat().st_size == size
    assert [a.get_potential_energy() for a in again] == [
        a.get_potential_energy() for a in first[::-1]
    ]
    assert all(a.info["seconds"] > 0 for a in again)


def test_processes_and_dask_give_the_labels_of_one_process(tmp_path: Path) -> None:
    from dask.distributed import Client, LocalCluster

    frames = [water(seed) for seed in range(5)]
    alone = label(frames, GFN2(), tmp_path / "one", report=None)
    pooled = label(frames, GFN2(), tmp_path / "two", workers=2, report=None)
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        remote = label(frames, GFN2(), tmp_path / "dask", client=client, report=None)
    for other in (pooled, remote):
        for a, b in zip(alone, other, strict=True):
            np.testing.assert_allclose(a.get_forces(), b.get_forces(), atol=1e-9)


def test_a_kill_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    """SIGKILL while the fourth label is computed, then a line cut short, then the same call."""
    log = tmp_path / "log"
    code = (
        "import os, signal\n"
        "from dataclasses import dataclass\n"
        "from tests.potentials.frames import water\n"
        "from mdlearn.potentials.labels import GFN2, label\n"
        "class Fatal(GFN2):\n"
        "    def calculator(self):\n"
        f"        if open({str(log)!r}).read().count(chr(10)) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return super().calculator()\n"
        f"label([water(s) for s in range(6)], Fatal(), {str(log)!r}, report=None)\n"
    )
    root = Path(__file__).parents[2]
    dead = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        check=False,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert dead.returncode == -signal.SIGKILL
    kept = log.read_bytes()
    assert kept.count(b"\n") == 3
    log.write_bytes(kept + b'{"energy": -13')
    frames = label([water(seed) for seed in range(6)], GFN2(), log, report=None)
    assert len(frames) == 6
    assert log.read_bytes().startswith(kept)
    keys = [json.loads(line)["key"] for line in log.read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 6


def test_a_failure_is_told_and_left_out(tmp_path: Path) -> None:
    """Helium in one function is exact; water cannot converge beyond what floating point holds."""
    heard: list[str] = []
    strict = DFT(basis="sto-3g", grid=0, tolerance=1e-30)
    frames = label([water(), Atoms("He")], strict, tmp_path / "log", report=heard.append)
    assert [len(frame) for frame in frames] == [1]
    assert any("frame 0 left out" in line and "did not converge" in line for line in heard)
    assert any(found.failure for found in read_log(tmp_path / "log").values())


def test_the_key_depends_on_geometry_and_method() -> None:
    a, b = water(0), water(1)
    assert key(a, GFN2()) == key(a.copy(), GFN2())
    assert len({key(a, GFN2()), key(b, GFN2()), key(a, GFN2(accuracy=1.0)), key(a, DFT())}) == 4


def broken(**changes: object) -> Atoms:
    atoms = water()
    for name, value in changes.items():
        setattr(atoms, name, value)
    return atoms


BAD = {
    "has no atoms": Atoms(),
    "is periodic": broken(cell=[5, 5, 5], pbc=True),
    "not a number": broken(positions=np.full((3, 3), np.nan)),
    "Å apart": broken(positions=np.zeros((3, 3))),
    "says charge 1": broken(info={"charge": 1}),
    "unpaired": Atoms("H"),
}


@pytest.mark.parametrize(("message", "atoms"), BAD.items(), ids=BAD.keys())
def test_what_cannot_be_labelled_is_refused_before_anything_runs(
    tmp_path: Path, message: str, atoms: Atoms
) -> None:
    with pytest.raises(ValueError, match=f"frame 1.*{message}"):
        label([water(), atoms], GFN2(), tmp_path / "log", report=None)
    assert not (tmp_path / "log").exists()


def test_the_cheap_method_takes_one_thread():
    code = (
        "import os\nfrom ase.build import molecule\nfrom mdlearn.potentials.labels import GFN2\n"
        "atoms = molecule('CH3CH2OH')\natoms.calc = GFN2().calculator()\n"
        "before = len(os.listdir('/proc/self/task'))\natoms.get_forces()\n"
        "print(len(os.listdir('/proc/self/task')) - before)\n"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
