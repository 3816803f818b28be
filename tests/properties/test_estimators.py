"""Laws of the models: scikit-learn's manners, bad rows, intervals, files, screening."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.svm import SVR

from mdlearn.data.tables import load_table
from mdlearn.properties import store
from mdlearn.properties.estimators import (
    MODELS,
    Blend,
    BoostedTrees,
    DescriptorNetwork,
    FingerprintForest,
    GraphNetwork,
)
from mdlearn.properties.kernels import KernelMachine, fit_kernel
from mdlearn.properties.model import PropertyModel
from mdlearn.properties.screen import screen
from mdlearn.properties.trees import of_boosting, of_forest
from tests.properties.examples import DOUBTED, REFUSED

SMALL = {
    "network": GraphNetwork(epochs=3, width=16, members=2),
    "network with descriptors": DescriptorNetwork(epochs=3, width=16, members=2),
    "kernel": KernelMachine(members=2),
    "trees": BoostedTrees(iterations=10, members=2),
    "forest": FingerprintForest(trees=5),
    "blend": Blend(epochs=2),
}
each = pytest.mark.parametrize("model", SMALL.values(), ids=SMALL.keys())


@pytest.fixture(scope="module")
def free() -> tuple[list[str], np.ndarray]:
    table = load_table("freesolv")
    return table.smiles[:60], table.column("expt")[:60]


def fitted(model: PropertyModel, free, **settings) -> PropertyModel:
    X, y = free
    return clone(model).set_params(**settings).fit(X[:40], y[:40], calibration=(X[40:], y[40:]))


def test_the_list_of_models_is_complete():
    assert SMALL.keys() == MODELS.keys()


@each
def test_a_model_learns_predicts_and_is_the_same_again(model, free):
    first, second = fitted(model, free), fitted(model, free)
    found = first.predict(free[0][:5])
    np.testing.assert_array_equal(found, second.predict(free[0][:5]))
    assert found.shape == (5,) and np.isfinite(found).all()
    mean, std = first.predict(free[0][:5], return_std=True)
    np.testing.assert_allclose(mean, found)
    assert (std >= 0).all() and std.max() > 0
    assert first.get_params() == clone(first).get_params()


@each
def test_a_model_is_the_same_after_a_file(model, free, tmp_path: Path):
    first = fitted(model, free, interval="distance")
    store.save(first, tmp_path / "model.safetensors", {"data": "FreeSolv"})
    again = store.load(tmp_path / "model.safetensors")
    for method in ("predict", "predict_interval", "distance"):
        np.testing.assert_array_equal(
            getattr(first, method)(free[0][:5]), getattr(again, method)(free[0][:5])
        )
    assert store.card(tmp_path / "model.safetensors") == {"data": "FreeSolv"}


@each
def test_bad_rows_are_nan_with_reasons(model, free):
    trained = fitted(model, free)
    found = trained.predict(["CCO", "", "nonsense", "CCN"])
    assert list(np.isnan(found)) == [False, True, True, False]
    assert [problem.row for problem in trained.problems_] == [1, 2]
    assert np.isnan(trained.predict(["x"])).all() and np.isnan(trained.distance(["x"])).all()
    low, high = trained.predict_interval(["x", "CCO"])
    assert np.isnan(low[0]) and low[1] < high[1]
    trained.errors = "drop"
    assert len(trained.predict(["CCO", ""])) == 1
    trained.errors = "raise"
    with pytest.raises(ValueError, match="row 1"):
        trained.predict(["CCO", ""])


def test_every_bad_input_gets_its_answer_from_a_model_and_a_screen(free, tmp_path: Path):
    trained = fitted(SMALL["network"], free)
    texts = [text for text, _ in REFUSED + DOUBTED]
    found = trained.predict(texts)
    assert np.isnan(found[: len(REFUSED)]).all() and np.isfinite(found[len(REFUSED) :]).all()
    reasons = {problem.row: problem.reason for problem in trained.problems_}
    assert sorted(reasons) == list(range(len(REFUSED)))
    assert all(REFUSED[row][1] in reason for row, reason in reasons.items())

    lines = {text: word for text, word in REFUSED if isinstance(text, str) and text.strip()}
    del lines["[C,N]C"]  # in a file, what comes after a comma is a name
    (tmp_path / "bad.smi").write_text("\n".join(["CCO", *lines]), encoding="utf-8")
    store.save(trained, tmp_path / "model.safetensors")
    screen(tmp_path / "bad.smi", tmp_path / "model.safetensors", tmp_path / "out.csv", report=None)
    with (tmp_path / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    told = {row["line"]: row for row in rows}
    assert told["1"]["score"] and len(rows) == len(lines) + 1
    for line, word in enumerate(lines.values(), 2):
        assert told[str(line)]["score"] == "" and word in told[str(line)]["remark"]


@pytest.mark.parametrize("count", [2, 65, 129])
def test_a_last_molecule_alone_in_its_batch_does_no_harm(count, free):
    X, y = (list(free[0]) * 3)[:count], np.tile(free[1], 3)[:count]
    model = GraphNetwork(epochs=2, width=16, holdout=0.0).fit(X, y)
    spread = np.ptp(y) + 1.0
    assert (np.abs(model.predict(X) - y.mean()) < 3 * spread).all()


@each
def test_classes_missing_labels_and_single_classes(model, free):
    X, y = free
    labels = np.stack([y > -4, np.ones(len(y))], 1).astype(float)
    labels[::3, 0] = np.nan
    trained = clone(model).set_params(task="classification").fit(X, labels)
    found = trained.predict_proba(X[:6])
    assert found.shape == (6, 2) and (found >= 0).all() and (found <= 1).all()
    assert (found[:, 1] > 0.5).all()
    assert set(np.unique(trained.predict(X))) <= {0.0, 1.0}
    assert is_classifier(trained) and not is_regressor(trained)
    one = clone(model).set_params(task="classification").fit(X, labels[:, 1])
    np.testing.assert_allclose(one.predict_proba(X[:3]).sum(1), 1)


@each
def test_constant_labels_are_learned(model, free):
    trained = clone(model).set_params(holdout=0.0).fit(free[0][:10], np.full(10, 2.0))
    np.testing.assert_allclose(trained.predict(["CCO", "c1ccccc1"]), 2.0, atol=0.5)


@each
def test_one_molecule_can_be_learned_and_peptides_predicted(model):
    trained = clone(model).fit(["CCO"], [1.0])
    assert np.isfinite(trained.predict(["C", "N[C@@H](C)C(=O)" * 120 + "O"])).all()


def test_scikit_learn_takes_them(free):
    X, y = np.array(free[0]), free[1]
    model = BoostedTrees(iterations=5)
    assert cross_val_score(model, X, y, cv=3).shape == (3,)
    search = GridSearchCV(Pipeline([("model", model)]), {"model__rate": [0.05, 0.2]}, cv=2)
    assert search.fit(X, y).best_params_["model__rate"] in (0.05, 0.2)
    with pytest.raises(NotFittedError):
        model.predict(["CCO"])


def test_our_trees_give_the_predictions_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 6)).astype(np.float32)
    X[rng.random(X.shape) < 0.05] = np.nan
    y = np.nan_to_num(X[:, 0]) ** 2 + np.nan_to_num(X[:, 1])  # (a label, not a prediction)
    boosted = HistGradientBoostingRegressor(max_iter=20, min_samples_leaf=5).fit(X, y)
    np.testing.assert_allclose(of_boosting(boosted)(X.astype(float))[:, 0], boosted.predict(X))
    whole = np.where(np.isnan(X), 0, X)
    forest = RandomForestRegressor(10, random_state=0).fit(whole, y)
    np.testing.assert_allclose(of_forest(forest)(whole)[:, 0], forest.predict(whole))


def test_our_kernel_gives_the_predictions_of_scikit_learn_and_its_start_far_away():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 5))
    y = 3 + 2 * np.sin(x[:, 0]) + 0.1 * rng.normal(size=80)
    made = fit_kernel(x, y, penalty=10.0)
    machine = SVR(C=10.0, epsilon=0.05, gamma=0.05 / x.var()).fit(x, (y - y.mean()) / y.std())
    np.testing.assert_allclose(made(x), y.mean() + y.std() * machine.predict(x))
    np.testing.assert_allclose(made(np.full((1, 5), 1e3)), made.start)
    assert (made(x) - y).std() < 0.3 * y.std()


def test_a_blend_is_the_mean_of_two_networks_a_machine_and_trees(free):
    blend = fitted(SMALL["blend"], free)
    X, y = free
    same = {"holdout": 0.0, "seed": blend.seed}
    parts = [
        GraphNetwork(epochs=2, **same),
        DescriptorNetwork(epochs=2, **same),
        KernelMachine(**same),
        BoostedTrees(**same),
    ]
    said = [part.fit(X[:40], y[:40]).predict(X[:5]) for part in parts]
    np.testing.assert_allclose(blend.predict(X[:5]), np.mean(said, axis=0))


@pytest.mark.parametrize("kind", [GraphNetwork, DescriptorNetwork, Blend])
def test_networks_learn_on_the_device_told(kind, free):
    X, y = free
    with pytest.raises(RuntimeError, match="meta tensor"):  # no number can be read there
        kind(epochs=1, device="meta").fit(X[:8], y[:8])
    trained = kind(epochs=1, device="cpu").fit(X[:8], y[:8])
    np.testing.assert_array_equal(trained.predict(X), kind(epochs=1).fit(X[:8], y[:8]).predict(X))


def test_wrong_labels_and_settings_are_told(free):
    X, y = free
    for labels, message in (
        (["high"] * 60, "must be numbers"), (y[:5], "5 rows"), (y * np.inf, "infinite"),
        (y * np.nan, "no row has both"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            BoostedTrees().fit(X, labels)
    with pytest.raises(ValueError, match="classes are 0 and 1"):
        BoostedTrees(task="classification").fit(X, y)
    with pytest.raises(ValueError, match="classify"):
        BoostedTrees(task="classify").fit(X, y)
    with pytest.raises(ValueError, match="holdout="):
        BoostedTrees(iterations=2, holdout=0.0).fit(X, y).predict_interval(X)
    with pytest.raises(ValueError, match="one member"):
        BoostedTrees(iterations=2).fit(X, y).predict(X, return_std=True)


def test_intervals_cover_what_they_promise():
    table = load_table("logs")
    smiles, y = np.array(table.smiles), table.column("logS")
    order = np.random.default_rng(0).permutation(len(y))
    train, aside, test = np.split(order, [500, 800])
    for interval in ("plain", "distance"):
        model = BoostedTrees(iterations=60, interval=interval)
        model.fit(smiles[train], y[train], calibration=(smiles[aside], y[aside]))
        low, high = model.predict_interval(smiles[test], alpha=0.2)
        inside = ((low <= y[test]) & (y[test] <= high)).mean()
        assert inside == pytest.approx(0.8, abs=0.07)  # three standard errors of both counts
        if interval == "distance":
            assert np.corrcoef(high - low, model.distance(smiles[test]))[0, 1] > 0.99


def test_known_molecules_are_near_and_strange_ones_far(free):
    model = fitted(SMALL["trees"], free)
    number, like = model.nearest(free[0][3])[0]
    assert number == 3 and like == 1.0
    assert model.distance(["F[P](F)(F)(F)F"])[0] > model.distance([free[0][3]])[0]


def write_list(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def ranked(path: Path) -> list[dict]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_screen_ranks_keeps_bad_rows_and_resumes(free, tmp_path: Path):
    store.save(fitted(SMALL["trees"], free), tmp_path / "model")
    lines = ["smiles,name", *(f"{s},m{k}" for k, s in enumerate(free[0][:40])), "bad,one", ""]
    source = write_list(tmp_path / "list.csv", lines)
    target = tmp_path / "ranked.csv"
    counts = screen(source, tmp_path / "model", target, size=7, report=None)
    rows = ranked(target)
    assert counts == {"scored": 40, "not scored": 2}
    scores = [float(row["score"]) for row in rows[:40]]
    assert scores == sorted(scores, reverse=True)
    assert rows[0]["rank"] == "1" and rows[-1]["rank"] == "" and rows[-2]["remark"]
    assert {row["line"] for row in rows} == {str(k) for k in range(2, 44)}
    whole = target.read_bytes()
    for options in ({"size": 1000}, {"size": 7, "workers": 2}):
        screen(source, tmp_path / "model", target, report=None, **options)
        assert target.read_bytes() == whole
    assert not list(tmp_path.glob(".*"))


def test_a_screen_that_was_stopped_does_not_score_twice(free, tmp_path: Path):
    store.save(fitted(SMALL["trees"], free), tmp_path / "model")
    source = write_list(tmp_path / "list.smi", free[0][:30])
    said: list[str] = []

    def stop(text: str) -> None:
        said.append(text)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        screen(source, tmp_path / "model", tmp_path / "a.csv", size=3, report=stop)
    screen(source, tmp_path / "model", tmp_path / "b.csv", size=3, report=None)
    parts = sorted((tmp_path / ".a.csv.parts").glob("0*.csv"))
    before = {part: part.stat().st_mtime_ns for part in parts}
    assert len(parts) == 10
    parts[4].unlink()
    screen(source, tmp_path / "model", tmp_path / "a.csv", size=3, report=said.append)
    assert said[-1] == "10 of 10 chunks" and len(before) == 10
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
