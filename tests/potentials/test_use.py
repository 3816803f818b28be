"""Committees, calculators, files of weights, formulas with known values, bad input."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.calculators.fd import FiniteDifferenceCalculator
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.constraints import FixAtoms

from mdlearn.potentials.calculator import FromASE, PotentialCalculator
from mdlearn.potentials.committee import Committee, disagreement, farthest, most_disputed
from mdlearn.potentials.fit import Labelled
from mdlearn.potentials.harmonics import coupling, gaunt, harmonics, polynomials
from mdlearn.potentials.neighbors import table
from mdlearn.potentials.pair import LennardJones, Morse
from mdlearn.potentials.system import evaluate, forces, from_atoms, portions, to_atoms
from mdlearn.potentials.weights import card, load, save
from tests.potentials.frames import ethanol, random_ace, silicon, water


def pair(distance: float, symbols: str = "Ar2") -> Atoms:
    return Atoms(symbols, [(0, 0, 0), (distance, 0, 0)])


@pytest.mark.parametrize(
    ("potential", "rest", "depth"),
    [
        (LennardJones(), 2 ** (1 / 6) * 3.405, 0.0104),
        (Morse(), 0.741, 4.75),
    ],
)
def test_two_atoms_rest_where_the_docstring_says(
    potential: LennardJones | Morse, rest: float, depth: float
) -> None:
    seen = evaluate(potential, from_atoms(pair(rest)))
    assert float(seen.energies) == pytest.approx(-depth, abs=1e-12)
    assert float(seen.forces.abs().max()) < 1e-12


@pytest.mark.parametrize(
    "frames", [[water(), ethanol(), water(), ethanol(), ethanol()], [silicon()] * 6]
)
@pytest.mark.parametrize("known", [True, False])
def test_a_batch_seen_in_portions_is_the_batch(
    frames: list[Atoms], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = from_atoms(frames)
    whole = table(whole, 4.0) if known else whole
    potential = random_ace([1, 6, 8, 14], cutoff=4.0)
    monkeypatch.setattr(type(potential), "portion", 12)
    sizes = [len(part.numbers) for part in portions(potential, whole)]
    assert sizes == ([3 + 9, 3 + 9, 9] if len(frames) == 5 else [12, 12])
    seen = evaluate(potential, whole, virial=True)
    monkeypatch.setattr(type(potential), "portion", 1000)
    plain = evaluate(potential, whole, virial=True)
    for name in ("energies", "forces", "virial"):
        torch.testing.assert_close(
            getattr(seen, name), getattr(plain, name), rtol=1e-12, atol=1e-12
        )


def test_lennard_jones_equals_ase() -> None:
    atoms = Atoms("Ar7", np.random.default_rng(0).uniform(0, 7, (7, 3)))
    ours = evaluate(LennardJones(cutoff=100.0), from_atoms(atoms))
    atoms.calc = AseLennardJones(sigma=3.405, epsilon=0.0104, rc=1e4, smooth=False)
    assert float(ours.energies) == pytest.approx(atoms.get_potential_energy(), rel=1e-9)
    np.testing.assert_allclose(ours.forces.numpy(), atoms.get_forces(), rtol=1e-9)


def test_harmonics_are_orthonormal_and_couplings_keep_rotations() -> None:
    points = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0)).double()
    y = harmonics(points / points.norm(dim=1, keepdim=True), polynomials(3))
    torch.testing.assert_close(y.T @ y / len(y), torch.eye(16).double(), rtol=0, atol=0.02)
    assert gaunt(1, 1, 1) is None  # parity
    assert gaunt(1, 1, 3) is None  # triangle
    matrix, paths = coupling(2, 2, 2)
    assert matrix.shape == (9 * paths, 81)


def test_ase_calculator_gives_what_the_potential_gives() -> None:
    model = random_ace([1, 6, 8, 14], cutoff=4.0)
    for atoms in (ethanol(), silicon()):
        atoms.calc = PotentialCalculator(model)
        for _ in range(2):
            seen = evaluate(model, from_atoms(atoms), virial=True)
            assert atoms.get_potential_energy() == pytest.approx(float(seen.energies))
            np.testing.assert_allclose(atoms.get_forces(), seen.forces.numpy(), atol=1e-10)
            atoms.positions[0] += 0.3  # more than half the skin
        assert atoms.get_potential_energies().shape == (len(atoms),)
    stress = atoms.get_stress(voigt=False)
    virial = evaluate(model, from_atoms(atoms), virial=True).virial[0].numpy()
    np.testing.assert_allclose(stress, -virial / atoms.get_volume(), atol=1e-10)


def test_ase_stress_is_the_numerical_one() -> None:
    atoms = silicon()
    atoms.calc = PotentialCalculator(random_ace([14], cutoff=4.0))
    numerical = FiniteDifferenceCalculator(atoms.calc, eps_strain=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), numerical.get_stress(atoms), atol=1e-6)


def test_a_foreign_calculator_is_a_potential() -> None:
    theirs = FromASE(AseLennardJones(sigma=1.2, epsilon=0.2, rc=4.0))
    seen = evaluate(theirs, from_atoms([ethanol(0), ethanol(1)]))
    for i, atoms in enumerate([ethanol(0), ethanol(1)]):
        atoms.calc = AseLennardJones(sigma=1.2, epsilon=0.2, rc=4.0)
        assert float(seen.energies[i]) == pytest.approx(atoms.get_potential_energy())
        np.testing.assert_allclose(seen.forces[9 * i : 9 * i + 9].numpy(), atoms.get_forces())


def test_committee_is_the_mean_and_its_spread_the_deviation() -> None:
    members = [random_ace([1, 6, 8], seed, cutoff=4.0) for seed in range(3)]
    system = from_atoms([ethanol(), water()])
    committee = Committee(members)
    each = torch.stack([forces(member, system) for member in members])
    torch.testing.assert_close(forces(committee, system), each.mean(0))
    spread = committee.spread(system)[1]
    wanted = ((each - each.mean(0)).square().sum(-1).sum(0) / 2).sqrt()
    torch.testing.assert_close(spread, wanted)
    same = Committee([members[0]] * 3).spread(system)
    assert float(same[1].max()) < 1e-12
    with pytest.raises(ValueError, match="two members or more"):
        Committee(members[:1])


def test_choice_of_what_to_label_next() -> None:
    from tests.potentials.test_fit import labelled

    members = [random_ace([1, 6, 8], seed, cutoff=4.0) for seed in range(2)]
    frames = labelled([ethanol(seed) for seed in range(5)])
    pool = Labelled.from_atoms(frames, 4.0, dtype=torch.float64)
    scores = disagreement(Committee(members), pool, batch=2)
    spread = Committee(members).spread(from_atoms(frames))[1].view(5, 9)
    torch.testing.assert_close(scores, spread.max(1).values)
    assert most_disputed(scores, 2).tolist() == scores.argsort(descending=True)[:2].tolist()
    line = np.array([[0.0], [0.1], [5.0], [9.0], [10.0]])
    assert farthest(line, [0], 2) == [4, 2]
    assert farthest(line, [], 3) == [0, 4, 2]


def test_weights_come_back_exactly_and_without_pickle(tmp_path: Path) -> None:
    model = random_ace([1, 6, 8], cutoff=4.0)
    system = from_atoms(ethanol())
    state = torch.random.get_rng_state()
    save(model, tmp_path / "mine.safetensors", {"seed": 3})
    again = load(tmp_path / "mine.safetensors")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(again(system), model(system))
    assert card(tmp_path / "mine.safetensors") == {"seed": 3}
    assert (tmp_path / "mine.safetensors").read_bytes()[8:24] == b'{"__metadata__":'
    with pytest.raises(FileNotFoundError, match="shipped are"):
        load("unobtainium")


def test_atoms_come_back_as_they_went() -> None:
    for atoms, again in zip(
        [ethanol(), silicon()], to_atoms(from_atoms([ethanol(), silicon()])), strict=True
    ):
        np.testing.assert_array_equal(again.numbers, atoms.numbers)
        np.testing.assert_array_equal(again.positions, atoms.positions)
        assert (again.pbc == atoms.pbc).all()
    np.testing.assert_allclose(again.cell.array, silicon().cell.array)


def frozen() -> Atoms:
    atoms = water()
    atoms.set_constraint(FixAtoms([0]))
    return atoms


BAD = {
    "no atoms": Atoms(),
    "carries ASE constraints": frozen(),
    "not numbers": Atoms("H", [(np.inf, 0, 0)]),
    "no lattice vector": Atoms("H", pbc=True),
}


@pytest.mark.parametrize(("message", "atoms"), BAD.items(), ids=BAD.keys())
def test_bad_atoms_are_refused(message: str, atoms: Atoms) -> None:
    with pytest.raises(ValueError, match=message):
        from_atoms(atoms)


def test_an_unknown_element_is_named() -> None:
    with pytest.raises(ValueError, match=r"knows elements \[1, 8\], got \[6\]"):
        random_ace([1, 8])(from_atoms(ethanol()))
