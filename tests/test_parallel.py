"""Results come in order, once each, from processes and from dask, also when a worker is lost."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from dask.distributed import Client, LocalCluster

from mdlearn.parallel import completed, pmap


def square(x: int) -> int:
    return x * x


def last(folder: Path, x: int) -> int:
    """The first item waits until another one is done."""
    end = time.monotonic() + 120
    while x == 0 and not list(folder.iterdir()) and time.monotonic() < end:
        time.sleep(0.01)
    (folder / str(x)).touch()
    return x


def refuse_three(x: int) -> int:
    if x == 3:
        raise ValueError("not three")
    return x


def die_once(folder: Path, x: int) -> int:
    (folder / f"{x}-{time.monotonic_ns()}").touch()
    mark = folder / "died"
    if x == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def die(x: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return x


def threads(x: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_in_the_order_of_the_items(workers):
    assert pmap(square, range(5), workers=workers) == [0, 1, 4, 9, 16]


def test_completed_yields_what_is_ready_first(tmp_path: Path):
    order = [i for i, _ in completed(partial(last, tmp_path), [0, 1, 2, 3], workers=2)]
    assert sorted(order) == [0, 1, 2, 3] and order[0] != 0


def test_an_error_reaches_the_caller():
    with pytest.raises(ValueError, match="not three"):
        pmap(refuse_three, range(5), workers=2)


def test_a_lost_worker_costs_only_what_it_held(tmp_path):
    assert pmap(partial(die_once, tmp_path), range(5), workers=2) == [0, 1, 4, 9, 16]
    runs = [path.name.split("-")[0] for path in tmp_path.glob("*-*")]
    assert len(runs) <= 5 + 2  # at most the two items in flight ran again


def test_workers_that_keep_dying_are_reported():
    with pytest.raises(RuntimeError, match="workers died 3 times in a row"):
        pmap(die, range(2), workers=1 + 1)


def test_a_worker_has_one_thread_also_where_the_script_loads_torch_first(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import torch\n"
        "from mdlearn.parallel import pmap\n"
        "def threads(x):\n    return torch.get_num_threads()\n"
        "if __name__ == '__main__':\n    print(pmap(threads, [0], workers=2))\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[1]\n"
    assert pmap(threads, [0], workers=2) == ["1"]


def test_the_limit_of_workers_is_not_left_behind(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    pmap(square, range(2), workers=2)
    assert os.environ["OMP_NUM_THREADS"] == "2"
    assert "MKL_NUM_THREADS" not in os.environ


def test_no_workers_is_refused():
    with pytest.raises(ValueError, match="1 or more, got 0"):
        pmap(square, [1], workers=0)


@pytest.mark.slow
def test_dask_gives_the_same_also_with_a_worker_killed(tmp_path):
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        assert pmap(square, range(5), client=client) == [0, 1, 4, 9, 16]
        assert pmap(partial(die_once, tmp_path), range(5), client=client) == [0, 1, 4, 9, 16]
