"""Potentials turned into machine code, where a compiler is; the numbers stay the same but for rounding."""

import os
import shutil
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mdlearn.potentials.pair import Pairwise, half_sum

QUICK = {  # a list names no atom that is not there; a · b + c may be rounded once
    "assert_indirect_indexing": False,
    "cpp.enable_floating_point_contract_flag": "fast",
}


def can_compile() -> bool:
    """A C++ compiler is here, and the headers of Python that it needs."""
    compiler = any(shutil.which(name) for name in ("g++", "clang++", "c++"))
    return compiler and Path(sysconfig.get_path("include"), "Python.h").is_file()


def compiled(
    potential: Any, *, report: Callable[[str], None] | None = print, device: str = "cpu"
) -> Any:
    """The potential with its inner loop compiled; as it is, and one line said, where no compiler is.

    The first call takes from ten seconds to a minute; it pays for runs of thousands of steps. Sizes
    may change without compiling anew.

    Args:
        potential: A potential of pairs, or a module such as `ACE`.
        report: Is told when nothing can be compiled.
        device: Where it will run; only the CPU needs a compiler of its own.
    """
    if device == "cpu" and not can_compile():
        if report:
            report("no C++ compiler here (g++, python3-dev): the potential runs uncompiled")
        return potential
    # a pool of compilers, 200 MB each, has nothing to do for one loop
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    if isinstance(potential, Pairwise):
        return replace(potential, kernel=_any_size(torch.compile(half_sum, options=QUICK)))
    return torch.compile(potential, dynamic=True)


def _any_size(kernel: Callable[..., tuple]) -> Callable[..., tuple]:
    """The compiled `half_sum`, told that only sizes will change.

    With `dynamic=True` the potential's constants would be variables too, worked out for every pair. So
    they are where a second potential with other constants is compiled.
    """

    def call(curve: Callable[..., tuple], *rest: Tensor | bool) -> tuple:
        for tensor, axis in zip(rest, (0, 1, 1), strict=False):  # positions, pairs, moves
            torch._dynamo.maybe_mark_dynamic(tensor, axis)  # loaded when something compiles
        return kernel(curve, *rest)

    return call
