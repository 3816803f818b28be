"""Plant a bug in a copy of the package, and the law that guards against it must turn red."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BUGS = {
    "sign of the force": (
        "mdlearn/potentials/system.py",
        "return Evaluation(energies, -slopes[0],",
        "return Evaluation(energies, slopes[0],",
        "tests/potentials/test_laws.py::test_forces_are_minus_the_gradient",
    ),
    "missing ½ of a pair that stands twice in the table": (
        "mdlearn/potentials/pair.py",
        "system.total(0.5 * energy.sum(1))",
        "system.total(energy.sum(1))",
        "tests/potentials/test_use.py::test_two_atoms_rest_where_the_docstring_says",
    ),
    "energies in another unit than forces": (
        "mdlearn/potentials/dft.py",
        '"energy": float(energy) * hartree,',
        '"energy": float(energy) * 27.2,',
        "tests/potentials/test_labels.py::test_dft_energy_and_forces_equal_a_direct_call_of_pyscf",
    ),
    "frames of one trajectory on both sides of a split": (
        "mdlearn/data/splits.py",
        "for key in (group,) if group else GROUP_KEYS:",
        "for key in ():",
        "tests/data",
    ),
    "a dropped image of a neighbor": (
        "mdlearn/potentials/neighbors.py",
        "keep = (i != j) | (images[image] != 0).any(1)",
        "keep = i != j",
        "tests/potentials/test_neighbors.py::test_table_equals_ase_and_vesin",
    ),
    "a thermostat with the noise of another mass": (
        "mdlearn/dynamics/integrators.py",
        "((1 - keep**2) * kB * bath / mass) ** 0.5",
        "((1 - keep) * kB * bath / mass) ** 0.5",
        "tests/dynamics/test_dynamics.py::test_langevin_samples_the_right_distribution",
    ),
    "a resume that forgets the average of the weights": (
        "mdlearn/train.py",
        'self.mean[i].copy_(stored.get_tensor(f"mean.{i}"))',
        "pass",
        "tests/test_train.py::test_a_resumed_run_equals_one_that_was_never_stopped",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("file", "right", "wrong", "law"), BUGS.values(), ids=BUGS.keys())
def test_a_planted_bug_turns_its_law_red(
    tmp_path: Path, file: str, right: str, wrong: str, law: str
) -> None:
    for folder in ("mdlearn", "tests"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("__pycache__", "artifacts", "browser"),
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    source = (tmp_path / file).read_text()
    assert source.count(right) == 1, "the line that the bug replaces has changed; mend this test"
    (tmp_path / file).write_text(source.replace(right, wrong))
    plain = {
        name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")
    }
    red = subprocess.run(  # on CI, pytest would write the difference of long sets for minutes
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", law],
        cwd=tmp_path,
        env=plain | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert red.returncode == 1, red.stdout[-2000:]  # 1: a test failed; 2 and more: it did not run
    assert "1 failed" in red.stdout
