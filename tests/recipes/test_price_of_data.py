"""The recipe of chapter 14: money is not overspent, nobody peeks, a killed run goes on."""

import json
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

from mdlearn.recipes.grid import read
from mdlearn.recipes.price_of_data import RESULT, WAYS, Job, buy, difference, main, parts, ranked

FRAMES = 60  # few, for speed


def test_what_is_bought_is_paid_and_the_next_would_be_too_dear():
    prices = np.random.default_rng(0).uniform(5.0, 9.0, 50)
    order = np.random.default_rng(1).permutation(50).tolist()
    bought = buy(order, prices, 100.0)
    assert bought == order[: len(bought)]
    assert prices[bought].sum() <= 100.0 < prices[order[: len(bought) + 1]].sum()
    assert buy(order, prices, 1.0) == []
    assert buy(order, prices, 1e6) == order


def test_no_trajectory_is_in_two_parts():
    mine = parts(FRAMES)
    seeds = [{frame.info["seed"] for frame in part} for part in (mine.pool, mine.way, mine.free)]
    assert sum(map(len, seeds)) == len(set.union(*seeds))
    assert sum(map(len, (mine.pool, mine.way, mine.free))) == FRAMES


@pytest.mark.parametrize("way", WAYS)
def test_a_ranking_has_every_unlabelled_frame_once_and_does_not_see_its_label(way):
    pool, known = parts(FRAMES).pool, [4, 0, 7, 11]
    order = ranked(way, pool, known, seed=1, steps=2)
    assert sorted(order + known) == list(range(len(pool)))
    hidden = [frame.copy() for frame in pool]
    for row, frame in enumerate(hidden):
        energy, forces = pool[row].get_potential_energy(), pool[row].get_forces()
        if row not in known:  # another label for what has none yet
            energy, forces = energy + 7.0, forces[::-1] * 3.0
        frame.calc = SinglePointCalculator(frame, energy=energy, forces=forces)
    assert ranked(way, hidden, known, seed=1, steps=2) == order


def test_what_the_cheap_method_lacks_makes_the_dear_label_and_costs_both():
    dear, cheap = parts(FRAMES).pool, parts(FRAMES, "xtb").pool
    for a, b, lack in zip(dear, cheap, difference(dear, cheap), strict=True):
        np.testing.assert_array_equal(a.positions, b.positions)
        np.testing.assert_allclose(lack.get_forces() + b.get_forces(), a.get_forces(), atol=1e-6)
        total = lack.get_potential_energy() + b.get_potential_energy()
        assert total == pytest.approx(a.get_potential_energy())
        assert lack.info["seconds"] == a.info["seconds"] + b.info["seconds"]
        assert a.info["seconds"] > 100 * b.info["seconds"]


def test_a_killed_recipe_goes_on_where_it_was(tmp_path: Path):
    words = ["--frames", str(FRAMES), "--budgets", "25", "50", "--seeds", "1", "--steps", "2"]
    words += ["--quick", "2", "--work", str(tmp_path), "--out", str(tmp_path / "out.json")]
    main(words)
    result = json.loads((tmp_path / "out.json").read_text())
    (log,) = tmp_path.glob("*.jsonl")
    log.write_text(log.read_text().rstrip()[:-30])  # killed while it wrote the last run
    assert len(read(log, Job)) == len(WAYS) - 1
    main(words)
    again = json.loads((tmp_path / "out.json").read_text())
    assert again["runs"] == result["runs"]
    for run in result["runs"]:
        assert [one["budget"] for one in run["rounds"]][-1] == 50.0
        assert all(one["spent"] <= one["budget"] for one in run["rounds"])
        assert (run["rounds"][-1]["choosing"] > 0.05) == (run["way"] == "committee")
    first = {
        tuple(run["rows"][: result["runs"][0]["rounds"][0]["labels"]]) for run in result["runs"]
    }
    assert len(first) == 1  # all ways start from the same labels


def test_the_result_that_ships_is_whole():
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    found = {(run["way"], run["seed"]): run for run in result["runs"]}
    assert set(found) == {(way, seed) for way in WAYS for seed in range(result["seeds"])}
    for (way, _), run in found.items():
        wanted = result["budgets (CPU s)"][way in ("committee", "farthest") :]
        assert [one["budget"] for one in run["rounds"]] == wanted
        labels = [one["labels"] for one in run["rounds"]]
        assert labels == sorted(labels) and labels[-1] == len(set(run["rows"]))
        assert labels[-1] < 0.8 * result["frames"]["pool"]  # or there is no choice left
