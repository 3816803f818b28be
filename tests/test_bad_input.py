"""Bad input at every door: a message that says what is wrong and what to do, before anything runs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.io import write

from mdlearn.data.fetch import load
from mdlearn.data.read import read_frames, read_geometries
from mdlearn.data.suspect import suspect_lengths, suspect_units
from mdlearn.dynamics.integrators import start
from mdlearn.potentials.ace import ACE
from mdlearn.potentials.calculator import PotentialCalculator
from mdlearn.potentials.fit import Labelled
from mdlearn.potentials.labels import DFT, GFN2, Method, label
from mdlearn.potentials.system import from_atoms
from mdlearn.potentials.weights import exact
from mdlearn.units import bohr

Door = Callable[[Atoms, Path], object]


def changed(**changes: object) -> Atoms:
    """A sound water molecule with labels, but for what is changed."""
    atoms = molecule("H2O")
    for name, value in changes.items():
        setattr(atoms, name, value)
    atoms.calc = SinglePointCalculator(atoms, energy=-2000.0, forces=np.zeros((len(atoms), 3)))
    return atoms


def training_file(atoms: Atoms, folder: Path) -> object:
    write(folder / "frames.xyz", [changed(), atoms], format="extxyz")
    return read_frames(folder / "frames.xyz")


def geometry_file(atoms: Atoms, folder: Path) -> object:
    write(folder / "frames.xyz", [changed(), atoms], format="extxyz")
    return read_geometries(folder / "frames.xyz")


def cheap_label(atoms: Atoms, folder: Path) -> object:
    return label([changed(), atoms], GFN2(), folder / "log", report=None)


def dear_label(atoms: Atoms, folder: Path) -> object:
    return label([changed(), atoms], DFT(), folder / "log", report=None)


def small() -> ACE:
    torch.manual_seed(0)
    return exact(ACE([1, 8], channels=2, layers=1, order=2), torch.float64)


def calculator(atoms: Atoms, folder: Path) -> object:
    return PotentialCalculator(small()).get_potential_energy(atoms)


def dynamics(atoms: Atoms, folder: Path) -> object:
    return start(small(), from_atoms(atoms), temperature=300.0)


FILES, LABELS, USE = (
    (training_file, geometry_file),
    (cheap_label, dear_label),
    (calculator, dynamics),
)
SPOILED = {
    "NaN positions": changed(positions=np.full((3, 3), np.nan)),
    "overlap": changed(positions=[[0, 0, 0], [0, 0, 0.1], [0, 0, 2]]),
    "charge": changed(info={"charge": 1}),
    "total charge": changed(info={"total_charge": -1}),
    "box": changed(cell=[9, 9, 9], pbc=True),
    "uranium": changed(symbols="UH2"),
    "carbon": changed(symbols="CH2"),
    "no lattice vector": changed(pbc=True),
    "frozen": changed(constraints=FixAtoms([0])),
}
TABLE = [
    *(("NaN positions", "frame 1.* not a? ?number.*exploded", door) for door in FILES + LABELS),
    *(("NaN positions", "not numbers; look at the file it came from", door) for door in USE),
    *(("overlap", "overlap, 0.100 Å apart; positions must be", door) for door in FILES + LABELS),
    ("charge", r"mixes charges \[0.0, 1.0\].*train one on each", training_file),
    *(("charge", r"says charge 1, .*use \w+\(charge=1\)", door) for door in LABELS),
    *(("total charge", r"says charge -1, .*\(charge=-1\)", door) for door in LABELS),
    ("charge", r"charge 1, .* trained on charge 0; train .*GFN2\(charge=1\)", calculator),
    *(("box", "is periodic, .*cut a cluster or set pbc=False", door) for door in LABELS),
    *(("uranium", "has U, which .* does not know; take another", door) for door in LABELS),
    *(("carbon", r"knows elements \[1, 8\], got \[6\]; train one on data", door) for door in USE),
    *(("no lattice vector", "set atoms.cell, or atoms.pbc = False", door) for door in USE),
    ("frozen", "cannot honor; use `del atoms.constraints`", dynamics),
]


@pytest.mark.filterwarnings("ignore:Basis may be available in basis-set-exchange")
@pytest.mark.parametrize(
    ("what", "message", "door"), TABLE, ids=[f"{what}, {door.__name__}" for what, _, door in TABLE]
)
def test_bad_atoms_get_a_cure_at_every_door(
    what: str, message: str, door: Door, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        door(SPOILED[what].copy() if door not in FILES else SPOILED[what], tmp_path)
    assert not (tmp_path / "log").exists()


def test_a_potential_of_ions_takes_ions() -> None:
    ion = changed(info={"charge": -1})
    settings = small().settings | {"charge": -1.0}
    assert np.isfinite(
        PotentialCalculator(exact(ACE(**settings), torch.float64)).get_potential_energy(ion)
    )
    with pytest.raises(ValueError, match="says charge 0, the potential was trained on charge -1"):
        PotentialCalculator(ACE(**settings)).get_potential_energy(changed(info={"charge": 0}))


@pytest.mark.parametrize("door", [*FILES, cheap_label, *USE])
def test_good_atoms_pass(door: Door, tmp_path: Path) -> None:
    door(changed(), tmp_path)


@pytest.mark.parametrize("read", [read_frames, read_geometries])
@pytest.mark.parametrize("name", ["frames.xyz", "frames.extxyz", "frames.cif", "frames.pdb"])
def test_an_empty_file_is_told(read: Callable, name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match="is empty; did the program that wrote it finish"):
        read(tmp_path / name)


def test_missing_forces_are_told_in_a_file_and_in_memory(tmp_path: Path) -> None:
    atoms = molecule("H2O")
    atoms.info["energy"] = -2000.0
    write(tmp_path / "frames.xyz", atoms, format="extxyz")
    with pytest.raises(ValueError, match=r"has no forces; .*Name the right key with forces=…"):
        read_frames(tmp_path / "frames.xyz")
    atoms.calc = SinglePointCalculator(atoms, energy=-2000.0)
    with pytest.raises(ValueError, match="training needs energy and forces; read the file with"):
        Labelled.from_atoms([atoms], 5.0)


@pytest.mark.filterwarnings("ignore:Basis may be available in basis-set-exchange")
@pytest.mark.parametrize(
    ("method", "message"),
    [
        (DFT(basis="6-31h"), "no basis set '6-31h'; PySCF has names such as"),
        (DFT(functional="wb98x"), "no density functional 'wb98x'; libxc has names such as"),
    ],
)
def test_a_misspelt_method_is_told(method: Method, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        label([changed()], method, tmp_path / "log", report=None)
    assert not (tmp_path / "log").exists()


def test_bohr_are_suspected_with_labels_and_without() -> None:
    frames = load("ethanol")[:5]
    assert suspect_lengths(frames) == suspect_units(frames) == []
    for frame in frames:
        frame.calc, frame.positions = None, frame.positions / bohr
    assert "positions in bohr? They must be in Å" in suspect_lengths(frames)[0]
    assert suspect_lengths([bulk("Si", cubic=True) * 2]) == []
