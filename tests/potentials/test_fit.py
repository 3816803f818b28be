"""Labelled frames, the loss, and what training must learn."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from mdlearn.potentials.ace import ACE
from mdlearn.potentials.calculator import PotentialCalculator
from mdlearn.potentials.fit import Labelled, baseline, errors, fit_potential, force_loss
from mdlearn.potentials.pair import Morse
from mdlearn.potentials.system import evaluate
from mdlearn.potentials.weights import exact
from tests.potentials.frames import ethanol, random_ace, silicon, water


def labelled(frames: list[Atoms], offset: float = 0.0) -> list[Atoms]:
    """Frames with the labels of a Morse potential."""
    for frame in frames:
        plain = frame.copy()
        plain.calc = PotentialCalculator(Morse(depth=1.0, length=1.2, cutoff=4.0))
        energy, forces = plain.get_potential_energy(), plain.get_forces()
        frame.calc = SinglePointCalculator(frame, energy=energy + offset, forces=forces)
    return frames


MIXED = labelled([ethanol(0), silicon(1), water(2), ethanol(3), water(4)])


def test_take_is_the_frames_themselves() -> None:
    data = Labelled.from_atoms(MIXED, 4.0, dtype=torch.float64)
    model = random_ace([1, 6, 8, 14], cutoff=4.0)
    rows = torch.tensor([3, 1, 4])
    part = data.take(rows)
    fresh = Labelled.from_atoms([MIXED[int(i)] for i in rows], 4.0, dtype=torch.float64)
    torch.testing.assert_close(part.forces, fresh.forces)
    torch.testing.assert_close(part.energies, fresh.energies)
    ours, theirs = evaluate(model, part.system), evaluate(model, fresh.system)
    torch.testing.assert_close(ours.energies, theirs.energies)
    torch.testing.assert_close(ours.forces, theirs.forces)


def test_baseline_recovers_energies_of_elements() -> None:
    frames = [ethanol(0), water(0), Atoms("CO", [(0, 0, 0), (0, 0, 1.1)]), Atoms("H")]
    own = {1: -13.0, 6: -1030.0, 8: -2040.0}
    for frame in frames:
        energy = sum(own[int(z)] for z in frame.numbers)
        frame.calc = SinglePointCalculator(frame, energy=energy, forces=np.zeros((len(frame), 3)))
    found = baseline(Labelled.from_atoms(frames, 4.0), [1, 6, 8])
    assert found.tolist() == pytest.approx(list(own.values()), abs=1e-6)


def test_loss_is_zero_for_its_own_labels_and_knows_the_sign() -> None:
    data = Labelled.from_atoms(MIXED, 4.0, dtype=torch.float64)
    model = random_ace([1, 6, 8, 14], cutoff=4.0)
    seen = evaluate(model, data.system)
    own = Labelled(data.system, seen.energies, seen.forces, data.sizes)
    flipped = Labelled(data.system, seen.energies, -seen.forces, data.sizes)
    rows = torch.arange(len(data))
    assert float(force_loss(own, scale=1.0)(model, rows).detach()) < 1e-20
    wanted = 4 * float(seen.forces.square().mean())
    assert float(force_loss(flipped, scale=1.0)(model, rows).detach()) == pytest.approx(wanted)


def test_errors_in_the_units_they_say() -> None:
    data = Labelled.from_atoms(MIXED, 4.0, dtype=torch.float64)
    model = random_ace([1, 6, 8, 14], cutoff=4.0)
    seen = evaluate(model, data.system)
    off = Labelled(data.system, seen.energies + 0.003 * data.sizes, seen.forces + 0.002, data.sizes)
    found = errors(model, off, batch=2)
    assert found["force_mae"] == pytest.approx(2.0)  # meV/Å
    assert found["energy_mae"] == pytest.approx(3.0)  # meV/atom


def test_training_learns_a_potential_and_its_energy_offset() -> None:
    frames = labelled([ethanol(seed) for seed in range(24)], offset=-4200.0)
    torch.manual_seed(0)
    model = ACE([1, 6, 8], cutoff=4.0, channels=8, layers=1, hidden=16)
    train, valid = (Labelled.from_atoms(part, 4.0) for part in (frames[:20], frames[20:]))
    zero = float(valid.forces.abs().mean()) * 1e3
    history = fit_potential(model, train, valid, epochs=60, every=60, report=None)
    found = errors(
        exact(model, torch.float64), Labelled.from_atoms(frames[20:], 4.0, dtype=torch.float64)
    )
    assert found["force_mae"] < 0.35 * zero
    assert found["force_mae"] == pytest.approx(
        history.records[history.best].valid["force_mae"], rel=0.01
    )
    assert found["energy_mae"] < 50  # meV/atom, of an offset of 467 eV/atom


@pytest.mark.parametrize("missing", ["energy", "forces"])
def test_missing_labels_are_named(missing: str) -> None:
    frame = water()
    known = {"energy": 1.0, "forces": np.zeros((3, 3))}
    del known[missing]
    frame.calc = SinglePointCalculator(frame, **known)
    with pytest.raises(ValueError, match="training needs energy and forces"):
        Labelled.from_atoms([frame], 4.0)


def test_labels_that_are_no_numbers_are_named() -> None:
    frame = water()
    frame.calc = SinglePointCalculator(frame, energy=1.0, forces=np.full((3, 3), np.nan))
    with pytest.raises(ValueError, match="frame 0 has a label that is not a number"):
        Labelled.from_atoms([frame], 4.0)


def test_an_unknown_element_is_named() -> None:
    data = Labelled.from_atoms(MIXED, 4.0)
    torch.manual_seed(0)
    with pytest.raises(ValueError, match=r"got \[14\]"):
        fit_potential(ACE([1, 6, 8], cutoff=4.0), data, data, epochs=1, report=None)
