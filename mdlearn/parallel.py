"""Map a pure function over many items, in local processes or on any dask cluster.

There is no cluster code here: `client` is whatever `dask.distributed.Client` you have
(a laptop, SLURM through dask-jobqueue, Kubernetes), and the results are the same.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

MAX_LOSSES = 3  # workers lost without a single finished item in between


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes started here keep to one thread each: the processes are the parallelism.

    The limit has to be there before a process begins: libraries read it when they are loaded, and a
    worker loads those of the main script before anything else.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    before = {name: os.environ.get(name) for name in limits}
    os.environ.update(limits)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def completed(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    workers: int = 1,
    client: Any = None,
) -> Iterator[tuple[int, Any]]:
    """Results as they finish, each with the place of its item: `(i, function(items[i]))`.

    A lost worker (killed, out of memory) costs only the items it held: they run again.

    Args:
        function: Pure and picklable (a module-level function, `functools.partial`, a dataclass).
        items: What it is applied to, each picklable.
        workers: Local processes; 1 runs in this process.
        client: A `dask.distributed.Client` to use instead of local processes.

    Raises:
        RuntimeError: Workers keep dying before any item is finished.
    """
    if client is not None:
        yield from _on_dask(function, items, client)
    elif workers == 1:
        for i, item in enumerate(items):
            yield i, function(item)
    elif workers > 1:
        yield from _in_processes(function, items, workers)
    else:
        raise ValueError(f"workers must be 1 or more, got {workers}")


def pmap(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    workers: int = 1,
    client: Any = None,
) -> list[Any]:
    """`[function(item) for item in items]`, spread over workers, in the order of the items."""
    results = dict(completed(function, items, workers=workers, client=client))
    return [results[i] for i in range(len(items))]


def _in_processes(
    function: Callable[[Any], Any], items: Sequence[Any], workers: int
) -> Iterator[tuple[int, Any]]:
    left, losses = set(range(len(items))), 0
    while left:
        before = len(left)
        try:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                with _one_thread():
                    futures = {pool.submit(function, items[i]): i for i in sorted(left)}
                try:
                    for future in as_completed(futures):
                        result = future.result()
                        left.discard(futures[future])
                        yield futures[future], result
                finally:
                    for future in futures:
                        future.cancel()
        except BrokenProcessPool as error:
            losses = losses + 1 if len(left) == before else 0
            if losses >= MAX_LOSSES:
                raise RuntimeError(
                    f"workers died {losses} times in a row without finishing one of the {len(left)} items left; "
                    "most often memory ran out: use fewer workers or smaller items"
                ) from error


def _on_dask(
    function: Callable[[Any], Any], items: Sequence[Any], client: Any
) -> Iterator[tuple[int, Any]]:
    from dask.distributed import as_completed as dask_completed

    futures = [client.submit(function, item, pure=False) for item in items]
    places = {future.key: i for i, future in enumerate(futures)}
    for future, result in dask_completed(futures, with_results=True):
        yield places[future.key], result
