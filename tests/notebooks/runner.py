"""Executes a chapter once, strictly compared with what is committed, and measures the run."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MAX_CPU = 240.0  # s, on one Binder core
MAX_MEMORY = 850.0  # MB
PATIENCE = 1200.0  # s of wall clock until a chapter is taken for dead


@dataclass(frozen=True)
class Run:
    """What one execution of a chapter cost and said.

    Attributes:
        notebook: Path from the root of the repository.
        passed: Every cell ran and printed what is committed.
        seconds: Wall clock.
        cpu_seconds: User and system time of the kernel, its children, and nbval.
        peak_mb: Largest proportional set size of the kernel and its children.
        claims: What `mdlearn.lesson.claim` wrote down.
        network: Hosts that the chapter asked for.
        output: What nbval printed.
    """

    notebook: str
    passed: bool
    seconds: float
    cpu_seconds: float
    peak_mb: float
    claims: list[dict]
    network: list[str]
    output: str

    def faults(self, *, max_cpu: float = MAX_CPU, max_memory: float = MAX_MEMORY) -> list[str]:
        """What is wrong with the run, in words; nothing if all is well."""
        faults = []
        if not self.passed:
            faults.append(f"nbval failed:\n{self.output}")
        if self.network:
            faults.append(f"asked the network for {', '.join(self.network)}")
        if self.cpu_seconds > max_cpu:
            faults.append(f"took {self.cpu_seconds:.0f} CPU s, the budget is {max_cpu:.0f}")
        if self.peak_mb > max_memory:
            faults.append(f"took {self.peak_mb:.0f} MB, the budget is {max_memory:.0f}")
        faults += [f"claim does not hold: {c['name']}" for c in self.claims if not c["holds"]]
        return faults

    def save(self, folder: Path) -> None:
        """Write the run, without nbval's words, for the table in README."""
        row = {key: value for key, value in asdict(self).items() if key not in ("output", "passed")}
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{Path(self.notebook).stem}.json").write_text(json.dumps(row, indent=1))


def execute(notebook: Path, folder: Path, *, core: int | None = None) -> Run:
    """Run a notebook under nbval as on Binder: one core, one thread, no network.

    Args:
        notebook: What to run.
        folder: An empty folder for logs.
        core: Which core; the first one allowed if none is given.
    """
    core = min(os.sched_getaffinity(0)) if core is None else core
    claims, network, words = (folder / name for name in ("claims", "network", "output"))
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "MDLEARN_METRICS": str(claims),
        "MDLEARN_NETWORK_LOG": str(network),
        "PYTHONPATH": os.pathsep.join([str(HERE / "guard"), str(ROOT)]),  # this tree, not another
    }
    for name in [name for name in environment if name.startswith(("PYTEST_", "MDLEARN_DATA"))]:
        del environment[name]
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    nbval = ["--nbval", "--nbval-sanitize-with", str(ROOT / "tests/sanitize.cfg")]
    command = [
        *(sys.executable, str(HERE / "isolated.py"), str(core), "pytest"),
        *(
            "-q",
            "-p",
            "nbval.plugin",
            "-p",
            "tests.notebooks.nbval_plugin",
            "-p",
            "no:cacheprovider",
            "-W",
            "default",
        ),
        *(
            *nbval,
            "--nbval-cell-timeout",
            "1000",
            "--nbval-kernel-startup-timeout",
            "300",
            "--color",
            "no",
            "--rootdir",
            str(ROOT),
        ),
        str(notebook.resolve()),
    ]
    start, peak = time.perf_counter(), 0.0
    with words.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            peak = max(peak, sum(memory(pid) for pid in descendants(process.pid)))
            if time.perf_counter() - start > PATIENCE:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(ended[1])
    seconds = time.perf_counter() - start
    return Run(
        notebook=os.path.relpath(notebook, ROOT),
        passed=process.returncode == 0,
        seconds=round(seconds, 1),
        cpu_seconds=round(ended[2].ru_utime + ended[2].ru_stime, 1),
        peak_mb=round(peak, 1),
        claims=[json.loads(line) for line in claims.read_text().splitlines()]
        if claims.exists()
        else [],
        network=sorted(set(network.read_text().split())) if network.exists() else [],
        output=words.read_text()[-8000:],
    )


def descendants(pid: int) -> list[int]:
    """Processes below a process."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        parents[int(stat.parent.name)] = int(fields[1])
    below, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        below += new
    return below


def memory(pid: int) -> float:
    """Proportional set size of a process (MB): shared pages count in part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # it ended while we looked
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
