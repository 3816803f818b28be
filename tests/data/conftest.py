"""Fixtures of the data tests: a server that misbehaves, and labeled frames with known faults."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator

CONTENT = np.random.default_rng(0).bytes(50_000)


@pytest.fixture
def server(monkeypatch):
    spec = importlib.util.spec_from_file_location("server", Path(__file__).with_name("server.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with module.serve(CONTENT) as running:
        yield running


class Springs(Calculator):
    """Every pair of atoms on a spring whose rest length is that of ethanol; `slip` scales forces."""

    implemented_properties = ("energy", "forces")

    def __init__(self, slip: float = 1.0) -> None:
        super().__init__()
        self.slip = slip
        rest = molecule("CH3CH2OH").positions
        self.rest = np.linalg.norm(rest[:, None] - rest, axis=-1)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        arrows = atoms.positions[:, None] - atoms.positions  # (atoms, atoms, 3)
        distances = np.linalg.norm(arrows, axis=-1) + np.eye(len(atoms))
        stretch = distances - self.rest - np.eye(len(atoms))
        forces = -(6.0 * stretch / distances)[..., None] * arrows
        self.results = {
            "energy": 1.5 * (stretch**2).sum() - 4200.0,
            "forces": self.slip * forces.sum(1),
        }


def labeled(atoms: Atoms, calculator: Calculator | None = None) -> Atoms:
    """The frame with energy and forces of the springs."""
    copy = atoms.copy()
    copy.calc = calculator or Springs()
    energy, forces = copy.get_potential_energy(), copy.get_forces()
    copy.calc = SinglePointCalculator(copy, energy=energy, forces=forces)
    return copy


@pytest.fixture
def springs():
    return Springs


@pytest.fixture
def label():
    return labeled


@pytest.fixture
def ethanol(made_ethanol):
    """Eighty independent geometries, each turned its own way; put others into the list at will."""
    return list(made_ethanol)


@pytest.fixture(scope="session")
def made_ethanol():
    rng = np.random.default_rng(1)
    frames = []
    for _ in range(80):
        atoms = molecule("CH3CH2OH")
        atoms.positions += 0.08 * rng.normal(size=(9, 3))
        atoms.rotate(rng.uniform(0, 360), rng.normal(size=3))
        frames.append(labeled(atoms))
    return frames
