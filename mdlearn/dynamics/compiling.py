"""Potentials turned into machine code, where a compiler is; the numbers stay the same but for rounding."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from mdlearn.potentials.pair import Pairwise, pull


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
    if device == "cpu" and not any(shutil.which(name) for name in ("g++", "clang++", "c++")):
        if report:
            report("no C++ compiler here (g++): the potential runs uncompiled")
        return potential
    # a pool of compilers, 200 MB each, has nothing to do for one loop
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    if isinstance(potential, Pairwise):
        return replace(potential, kernel=torch.compile(pull, dynamic=True))
    return torch.compile(potential, dynamic=True)
