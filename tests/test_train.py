"""The loop: resumes to the same bits, depends on nothing but its seed, stops when asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mdlearn import train
from mdlearn.history import History, Record


def task() -> tuple[nn.Module, train.Loss, train.Validate]:
    """Fit a line to noisy points; the last five rows are for validation."""
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(28, 3, generator=generator)
    y = x @ torch.tensor([1.0, -2.0, 0.5]) + 0.1 * torch.randn(28, generator=generator)
    torch.manual_seed(0)
    model = nn.Linear(3, 1)

    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        return (model(x[rows]).squeeze(1) - y[rows]).square().mean()

    def validate(model: nn.Module) -> dict[str, float]:
        with torch.no_grad():
            return {"mse": float(loss(model, torch.arange(23, 28)))}

    return model, loss, validate


OPTIONS = {"size": 23, "steps": 60, "batch": 5, "every": 10, "report": None}


def weights(model: nn.Module) -> list[Tensor]:
    return [w.detach().clone() for w in model.parameters()]


def test_training_fits_and_ends_with_its_best_weights() -> None:
    model, loss, validate = task()
    history = train.fit(model, loss, validate, rate=0.05, **OPTIONS | {"steps": 400})
    best = history.records[history.best].valid["mse"]
    assert best == min(record.valid["mse"] for record in history.records) < 0.05
    assert validate(model)["mse"] == best


def test_equal_seed_equal_weights_other_seed_other_weights() -> None:
    found = []
    for seed in (0, 0, 1):
        model, loss, validate = task()
        train.fit(model, loss, validate, seed=seed, **OPTIONS)
        found.append(torch.cat([w.flatten() for w in weights(model)]))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_a_model_sets_the_pace_of_its_weights() -> None:
    found = []
    for paces, rate in (({"bias": 0.0, "": 2.0}, 0.01), ({"bias": 0.0}, 0.02), ({}, 0.02)):
        model, loss, validate = task()
        start = weights(model)
        model.paces = paces
        train.fit(model, loss, validate, rate=rate, **OPTIONS)
        found.append((weights(model), start))
    (twice, start), (once, _), (free, _) = found
    assert torch.equal(twice[0], once[0])
    assert not torch.equal(once[0], start[0])
    assert torch.equal(once[1], start[1])
    assert not torch.equal(free[1], start[1])


@pytest.mark.parametrize("optimizer", train.OPTIMIZERS)
@pytest.mark.parametrize("after", [1, 3])
def test_a_resumed_run_equals_one_that_was_never_stopped(
    tmp_path: Path, after: int, optimizer: str
) -> None:
    options = OPTIONS | {"optimizer": optimizer}
    whole, loss, validate = task()
    straight = train.fit(whole, loss, validate, **options)

    broken, loss, validate = task()
    del options["report"]
    steps = train.training(broken, loss, validate, checkpoint=tmp_path / "run", **options)
    for _ in range(after):
        next(steps)
    steps.close()
    fresh, loss, validate = task()
    nn.init.zeros_(fresh.weight)  # everything must come from the file
    options["report"] = None
    resumed = train.fit(fresh, loss, validate, checkpoint=tmp_path / "run", **options)

    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(fresh), strict=True))
    kept = [(r.step, r.loss, r.valid) for r in resumed.records]
    assert kept == [(r.step, r.loss, r.valid) for r in straight.records]


def test_an_optimizer_is_known_and_that_of_the_checkpoint(tmp_path: Path) -> None:
    run = {"checkpoint": tmp_path / "run", **OPTIONS}
    train.fit(*task(), **run, optimizer="adam")
    with pytest.raises(ValueError, match="written with optimizer 'adam', this run has 'soap'"):
        train.fit(*task(), **run)
    with pytest.raises(ValueError, match="unknown optimizer 'sgd'; there are soap, adam"):
        train.fit(*task(), **run, optimizer="sgd")


def test_a_killed_process_resumes_to_the_same_bits(tmp_path: Path) -> None:
    """The process dies by SIGKILL in the middle of a step, not at a validation."""
    code = (
        "import os, signal, torch\n"
        "from tests.test_train import OPTIONS, task\n"
        "from mdlearn import train\n"
        "model, loss, validate = task()\n"
        "calls = []\n"
        "def fatal(model, rows):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 37: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return loss(model, rows)\n"
        f"train.fit(model, fatal, validate, checkpoint={str(tmp_path / 'run')!r}, **OPTIONS)\n"
    )
    dead = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )
    assert dead.returncode == -9
    whole, loss, validate = task()
    train.fit(whole, loss, validate, **OPTIONS)
    fresh, loss, validate = task()
    train.fit(fresh, loss, validate, checkpoint=tmp_path / "run", **OPTIONS)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(fresh), strict=True))


def test_stop_leaves_the_best_weights() -> None:
    model, loss, validate = task()
    history = train.fit(model, loss, validate, stop=lambda: True, **OPTIONS)
    assert history.stopped
    assert len(history.records) == 1
    assert validate(model)["mse"] == history.records[0].valid["mse"]


def test_batches_are_of_nearly_equal_size() -> None:
    sizes = []
    model, loss, validate = task()

    def counting(model: nn.Module, rows: Tensor) -> Tensor:
        sizes.append(len(rows))
        return loss(model, rows)

    train.fit(model, counting, validate, **OPTIONS | {"size": 21})
    assert set(sizes) == {4, 5}  # 21 rows in batches of 5: not 5, 5, 5, 5, 1


def test_an_epoch_sees_every_row_once() -> None:
    seen: list[int] = []
    model, loss, validate = task()

    def watching(model: nn.Module, rows: Tensor) -> Tensor:
        seen.extend(rows.tolist())
        return loss(model, rows)

    train.fit(model, watching, validate, **OPTIONS)
    assert sorted(seen[:23]) == list(range(23))
    assert sorted(seen[23:46]) == list(range(23))
    assert seen[:23] != seen[23:46]


def test_two_processes_see_the_loss_of_one(tmp_path: Path) -> None:
    """torchrun with two processes on the CPU: same curve as one with the same batches."""
    script = tmp_path / "run.py"
    script.write_text(
        "import json, torch\n"
        "from tests.test_train import OPTIONS, task\n"
        "from mdlearn import train\n"
        "torch.distributed.init_process_group('gloo')\n"
        "model, loss, validate = task()\n"
        "history = train.fit(model, loss, validate, **OPTIONS)\n"
        "if torch.distributed.get_rank() == 0:\n"
        f"    open({str(tmp_path / 'losses')!r}, 'w').write(json.dumps([r.loss for r in history.records]))\n"
        "torch.distributed.destroy_process_group()\n"
    )
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    root = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, *launch],
        check=True, capture_output=True, timeout=900, cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)},
    )  # fmt: skip
    model, loss, validate = task()
    alone = [record.loss for record in train.fit(model, loss, validate, **OPTIONS).records]
    import json

    assert json.loads((tmp_path / "losses").read_text()) == pytest.approx(alone, rel=1e-5)


def test_a_loss_that_is_no_number_is_told() -> None:
    model, _, validate = task()
    with pytest.raises(FloatingPointError, match="lower rate"):
        train.fit(
            model,
            lambda m, rows: sum(w.sum() for w in m.parameters()) * torch.nan,
            validate,
            **OPTIONS,
        )


def test_steps_or_budget_but_not_both() -> None:
    model, loss, validate = task()
    with pytest.raises(ValueError, match="one of them"):
        train.fit(model, loss, validate, **OPTIONS | {"budget": 1.0})


def test_history_knows_its_best() -> None:
    history = History()
    for value in (3.0, 1.0, 2.0):
        history.add(Record(1, 0.1, 1.0, 0.1, 0.0, {"error": value}))
    assert history.best == 1
