"""Each planted fault is found and named; a sound set passes."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator

from mdlearn.data.audit import audit
from mdlearn.data.consistency import agreement, check_consistency, rotation_onto
from mdlearn.data.fingerprints import fingerprint, fingerprints, nearest
from mdlearn.data.splits import split_at_random, split_in_blocks
from mdlearn.data.suspect import suspect_units
from mdlearn.units import bohr, hartree, kcal_per_mol


def relabeled(frame, *, energy=None, forces=None):
    copy = frame.copy()
    copy.calc = SinglePointCalculator(
        copy,
        energy=frame.get_potential_energy() if energy is None else energy,
        forces=frame.get_forces() if forces is None else forces,
    )
    return copy


def test_a_sound_set_passes(ethanol):
    report = audit(ethanol[:60], ethanol[60:70], ethanol[70:])
    assert report.ok, str(report)
    assert "audited 60 train, 10 valid, 10 test frames: no findings" in str(report)


def test_fingerprints_know_a_molecule_again(ethanol):
    copy = ethanol[0].copy()
    copy.rotate(77, [1, 2, 3])
    copy.positions = copy.positions[::-1] * [1, 1, -1] + 5
    copy.numbers = copy.numbers[::-1]
    np.testing.assert_allclose(fingerprint(copy), fingerprint(ethanol[0]), atol=1e-12)


def test_nearest_equals_the_plain_formula(ethanol):
    points = fingerprints(ethanol)
    table = np.sqrt(((points[:, None] - points) ** 2).mean(-1)) + 9 * np.eye(len(points))
    distance, other = nearest(points, count=3)
    np.testing.assert_allclose(distance, np.sort(table, 1)[:, :3])
    np.testing.assert_array_equal(other, np.argsort(table, 1)[:, :3])
    across, _ = nearest(points[:5], points[5:])
    np.testing.assert_allclose(across[:, 0], table[:5, 5:].min(1))
    assert nearest(points[:3], count=9)[0].shape == (3, 2)


def test_a_planted_duplicate_is_found(ethanol):
    twin = relabeled(ethanol[7], energy=ethanol[7].get_potential_energy() + 0.003)
    twin.rotate(50, "x")
    report = audit([*ethanol, twin])
    (finding,) = [f for f in report.findings if f.kind == "duplicates"]
    assert finding.frames == (80,)
    assert "differ by up to 3 meV" in finding.text


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_a_planted_leak_is_found(ethanol, noise, label):
    leak = ethanol[3].copy()
    leak.rotate(77, [1, 2, 3])
    leak.positions += noise * np.random.default_rng(0).normal(size=(9, 3))
    report = audit(ethanol[:60], test=[*ethanol[60:], label(leak)])
    (finding,) = report.findings
    assert (finding.kind, finding.split, finding.frames) == ("leak", "test", (20,))


def test_a_random_split_of_a_dense_trajectory_is_a_leak_and_blocks_are_none(label):
    rng = np.random.default_rng(4)
    modes, phases = rng.normal(size=(6, 9, 3)), rng.uniform(0, 6.28, 6)
    speeds = np.array([1.0, 1.3, 1.7, 2.1, 2.9, 3.7])
    frames = []
    for time in np.arange(0, 12, 0.05):
        atoms = molecule("CH3CH2OH")
        swing = np.sin(speeds * time + phases)
        atoms.positions += 0.03 * np.einsum("m,mai->ai", swing, modes)
        frames.append(label(atoms))
    texts = []
    for split in (split_at_random(len(frames)), split_in_blocks(len(frames), blocks=10)):
        train, test = ([frames[i] for i in part] for part in (split.train, split.test))
        texts.append([f.text for f in audit(train, test=test).findings if f.kind == "leak"])
    assert "between train frames of the same trajectory" in texts[0][0]
    assert not any("between train frames" in text for text in texts[1])


def test_a_test_far_from_train_is_called_extrapolation(ethanol, label):
    hot = []
    for frame in ethanol[60:]:
        copy = frame.copy()
        copy.positions *= 1.3
        hot.append(label(copy))
    assert "extrapolation" in audit(ethanol[:60], test=hot).kinds()


def test_a_planted_energy_outlier_is_found(ethanol):
    ethanol[5] = relabeled(ethanol[5], energy=ethanol[5].get_potential_energy() + 30.0)
    findings = [f for f in audit(ethanol).findings if f.kind == "outliers"]
    assert [f.frames for f in findings] == [(5,)]


def test_a_planted_force_outlier_is_found(ethanol):
    forces = ethanol[5].get_forces() * 50
    ethanol[5] = relabeled(ethanol[5], forces=forces)
    findings = [f for f in audit(ethanol).findings if f.kind == "outliers"]
    assert [f.frames for f in findings] == [(5,)]


def test_forces_that_do_not_sum_to_zero_are_found(ethanol):
    forces = ethanol[9].get_forces()
    forces[0] += [0.2, 0, 0]
    ethanol[9] = relabeled(ethanol[9], forces=forces)
    (finding,) = audit(ethanol).findings
    assert finding.kind == "net force" and finding.frames == (9,)


def test_forces_in_another_orientation_are_found_by_their_torque(ethanol):
    forces = ethanol[9].get_forces() @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    ethanol[9] = relabeled(ethanol[9], forces=forces)
    (finding,) = audit(ethanol).findings
    assert finding.kind == "net force" and finding.frames == (9,)


def test_infinite_numbers_stop_the_audit(ethanol):
    ethanol[2] = relabeled(ethanol[2], energy=np.inf)
    (finding,) = audit(ethanol).findings
    assert finding.kind == "broken" and finding.frames == (2,)


def test_empty_and_unlabeled_splits_are_refused(ethanol):
    with pytest.raises(ValueError, match="test has no frames"):
        audit(ethanol, test=[])
    with pytest.raises(ValueError, match="label the frames first"):
        audit([ethanol[0].copy()])


def trajectory(label, slip=1.0, energy_scale=1.0):
    """Near frames, as dynamics gives them, with forces scaled by `slip`."""
    rng = np.random.default_rng(2)
    atoms = molecule("CH3CH2OH")
    atoms.positions += 0.05 * rng.normal(size=(9, 3))
    frames = []
    for _ in range(40):
        atoms.positions += 0.01 * rng.normal(size=(9, 3))
        turned = atoms.copy()
        turned.rotate(rng.uniform(0, 360), rng.normal(size=3))
        frame = label(turned)
        energy = frame.get_potential_energy() * energy_scale
        frames.append(relabeled(frame, energy=energy, forces=slip * frame.get_forces()))
    return frames


@pytest.mark.parametrize(
    ("slip", "scale", "said"),
    [
        (-1.0, 1.0, "sign of the forces is flipped"),
        (0.5, 1.0, "half of what they should be"),
        (1.0, 1 / hartree, "energies in hartree beside forces in eV/Å"),
        (bohr / hartree, 1.0, "forces in hartree/bohr"),
        (-1.0, 1 / kcal_per_mol, "energies in kcal/mol beside forces in eV/Å?, and the sign"),
    ],
)
def test_forces_that_do_not_belong_to_the_energies_are_named(label, slip, scale, said):
    findings = [f.text for f in audit(trajectory(label, slip, scale)).findings]
    assert any(said in text for text in findings), findings


def test_forces_that_belong_to_the_energies_agree(label):
    seen = agreement(trajectory(label))
    assert seen.telling and seen.ok and seen.factor == pytest.approx(1, abs=0.1)


def test_few_frames_tell_nothing(ethanol):
    assert agreement(ethanol[:1]).ok and not agreement(ethanol[:1]).telling


@pytest.mark.parametrize(
    ("slip", "ok", "said"),
    [
        (1.0, True, "forces are minus the gradient"),
        (-1.0, False, "sign of the forces is flipped"),
        (2.0, False, "twice too large"),
        (1.01, False, "NOT minus the gradient"),
    ],
)
def test_central_differences_catch_wrong_forces(ethanol, springs, slip, ok, said):
    found = check_consistency(springs(slip), ethanol[0])
    assert found.ok is ok and said in str(found)
    assert found.factor == pytest.approx(1 / slip, rel=1e-4)


def test_the_rotation_is_found_again():
    rng = np.random.default_rng(0)
    fixed = rng.normal(size=(5, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    np.testing.assert_allclose(rotation_onto(fixed @ turn, fixed), turn, atol=1e-12)
    mirror = rotation_onto(fixed * [1, 1, -1], fixed)
    assert np.linalg.det(mirror) == pytest.approx(1)


@pytest.mark.parametrize(
    ("length", "energy", "force", "said"),
    [
        (1 / bohr, 1, 1, "positions in bohr"),
        (0.1, 1, 1, "positions in nm"),
        (1, 1 / hartree, 1, "in hartree?"),
        (1, 1 / kcal_per_mol, 1, "in kcal/mol?"),
        (1, 1, bohr / hartree, "in hartree/bohr"),
        (1, 1, 1 / kcal_per_mol, "in kcal/mol/Å"),
    ],
)
def test_other_units_are_suspected(ethanol, length, energy, force, said):
    spoiled = []
    for frame in ethanol:
        copy = Atoms(frame.numbers, frame.positions * length)
        copy.calc = SinglePointCalculator(
            copy, energy=frame.get_potential_energy() * energy, forces=frame.get_forces() * force
        )
        spoiled.append(copy)
    warnings = suspect_units(spoiled)
    assert len(warnings) == 1 and said in warnings[0]


def test_good_units_are_not_suspected(ethanol):
    assert suspect_units(ethanol) == []
    argon = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 3.8]])
    argon.calc = SinglePointCalculator(argon, energy=-0.01, forces=np.full((2, 3), 0.2))
    assert suspect_units([argon]) == []
