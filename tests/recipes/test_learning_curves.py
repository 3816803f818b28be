"""The recipe of chapter 13 goes on where it was killed and says what it did."""

import json
from pathlib import Path

import pytest

from mdlearn.recipes.grid import read
from mdlearn.recipes.learning_curves import MODELS, RESULT, Job, chosen, learn, main, pool


def test_more_labels_hold_the_fewer_and_never_a_test_frame():
    few, many = chosen(5, seed=3), chosen(20, seed=3)
    assert many[:5] == few
    assert chosen(5, seed=4) != few
    seen = {frame.info["seed"] for frame in chosen(len(pool()[0]), seed=0)}
    assert not seen & {frame.info["seed"] for frame in pool()[1]}
    with pytest.raises(ValueError, match="label more first"):
        chosen(10**6, seed=0)


@pytest.mark.parametrize("model", MODELS)
def test_equal_seeds_learn_equal_potentials(model):
    records = [learn(model, chosen(5, seed=0), seed=1, steps=2)[1] for _ in range(2)]
    assert records[0].step == 2
    assert records[0].valid == records[1].valid


def test_a_killed_recipe_goes_on_where_it_was(tmp_path: Path):
    words = ["--sizes", "4", "--seeds", "1", "--budget", "0.4", "--quick", "0.2"]
    words += ["--models", "invariant", "--work", str(tmp_path), "--out", str(tmp_path / "out.json")]
    (tmp_path / "learning_curves-costs.json").write_text('{"invariant": 0.1}')
    main(words)
    result = json.loads((tmp_path / "out.json").read_text())
    assert [(run["steps"], run["budget"]) for run in result["runs"]] == [(4, 0.4), (2, 0.2)]
    (log,) = tmp_path.glob("*.jsonl")
    log.write_text(log.read_text().rstrip()[:-30])  # killed while it wrote the second run
    assert len(read(log, Job)) == 1
    main(words)
    again = json.loads((tmp_path / "out.json").read_text())["runs"]
    assert again[0] == result["runs"][0]
    assert again[1]["force_mae"] == result["runs"][1]["force_mae"]
    assert len(read(log, Job)) == 2


def test_the_result_that_ships_is_whole():
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    found = {(run["model"], run["frames"], run["seed"], run["budget"]) for run in result["runs"]}
    for model in result["models"]:
        for seed in range(result["seeds"]):
            for frames in result["sizes"]:
                assert (model, frames, seed, result["budget (CPU s)"]) in found
            assert (model, min(result["sizes"]), seed, result["quick budget (CPU s)"]) in found
