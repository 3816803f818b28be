"""Freed memory stays at hand: the same loop takes far fewer pages from the system."""

import os
import platform
import subprocess
import sys

LOOP = """
import resource
import numpy as np
import mdlearn.potentials.system

def loop(rounds):
    for _ in range(rounds):
        kept = [np.ones(400_000) for _ in range(4)]  # 3 MB each
        del kept

loop(5)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
loop(50)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(**settings: str) -> int:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    told = [sys.executable, "-c", LOOP]
    ran = subprocess.run(told, env=kept | settings, capture_output=True, text=True, check=True)
    return int(ran.stdout)


def test_a_loop_gets_its_memory_once() -> None:
    mine, plain = faults(), faults(MALLOC_ARENA_TEST="8")  # whoever sets a variable decides
    assert plain > 0
    if platform.libc_ver()[0] == "glibc":
        assert mine < plain / 5
