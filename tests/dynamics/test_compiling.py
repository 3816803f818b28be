"""Compiled potentials give the same numbers; without a compiler one line is said."""

import subprocess
import sys
from pathlib import Path

import pytest

from mdlearn.dynamics.compiling import can_compile, compiled
from mdlearn.potentials.pair import LennardJones

WHOLE = """
import torch
from mdlearn.potentials.pair import LennardJones, Morse, half_sum
from mdlearn.potentials.terms import Tabulated
places = torch.rand(20, 3, generator=torch.Generator().manual_seed(0)) * 9
pairs = torch.triu_indices(20, 20, 1)
curves = [LennardJones(ending=ending) for ending in ("switch", "shift", "cut")]
for pair in [*curves, Morse(), Tabulated(torch.linspace(1, 0, 9), 2.0, 8.0)]:
    whole = torch.compile(half_sum, backend="eager", dynamic=True, fullgraph=True)
    args = (pair.curve, places, pairs, torch.zeros(3, 190), True)
    torch.testing.assert_close(whole(*args), half_sum(*args))
"""
SAME = """
import torch
from mdlearn.dynamics.compiling import can_compile, compiled
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones
from mdlearn.potentials.system import evaluate, from_atoms
from tests.dynamics.liquids import argon
potential = LennardJones(cutoff=5.0)
quick = compiled(potential)
assert (quick is not potential) == can_compile()  # a bare machine has no compiler

def agree(potential, quick, frames):
    system = table(from_atoms(frames), 5.0, skin=1.0, half=True)
    plain, fast = (evaluate(p, system, virial=True) for p in (potential, quick))
    torch.testing.assert_close(fast.forces, plain.forces, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(fast.virial, plain.virial, rtol=1e-9, atol=1e-9)

agree(potential, quick, [argon(2)])
with torch.compiler.set_stance("fail_on_recompile"):
    agree(potential, quick, [argon(3)])
    agree(potential, quick, [argon(2), argon(2, seed=1)])
other = LennardJones(sigma=3.0, cutoff=5.0)
agree(other, compiled(other), [argon(2)])
"""


@pytest.mark.parametrize(
    "script", [WHOLE, SAME], ids=["taken whole", "same forces, and no new code for a new size"]
)
def test_the_compiler_takes_a_pair(script: str) -> None:
    """In a process of its own: shapes are checked in this one, which the compiler cannot follow."""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


def test_a_compiler_without_the_headers_of_python_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    assert not can_compile()


def test_without_a_compiler_it_says_so_once_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    told: list[str] = []
    potential = LennardJones()
    assert compiled(potential, report=told.append) is potential
    assert len(told) == 1
    assert "no C++ compiler" in told[0]
