"""What is wrong with this machine, in plain words, and what to do about it: `mdlearn doctor`.

Each check looks at one thing and returns a `Finding`; none of them changes anything.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from mdlearn.data.fetch import cache_folder

PYTHON = (3, 11)
MEMORY = 850.0  # MB, what a chapter may take
DISK = 500.0  # MB, room for the larger data sets
PATIENCE = 120  # seconds for a kernel to start
MARKS = {"good": "✓", "poor": "○", "bad": "✗"}


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: Of the check.
        state: "good", "poor" (works, with a limit) or "bad" (something will fail).
        found: In words.
        cure: What to do; empty if there is nothing to do.
    """

    name: str
    state: str
    found: str
    cure: str = ""


def python() -> Finding:
    """Python is new enough."""
    here = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= PYTHON:
        return Finding("python", "good", f"{here}, {sys.prefix}")
    wanted = ".".join(map(str, PYTHON))
    cure = f"install Python {wanted} or newer, then: make clean lab PYTHON=/path/to/python"
    return Finding("python", "bad", f"{here}, and mdlearn needs {wanted}", cure)


def packages(wanted: Sequence[str] | None = None) -> Finding:
    """Every package that mdlearn stands on is there, in a version that it knows.

    Args:
        wanted: Requirements as in `pyproject.toml`; those of the installed mdlearn if none.
    """
    if wanted is None:
        wanted = [text for text in requires("mdlearn") or [] if "extra ==" not in text]
    wrong, told = [], []
    for need in map(Requirement, wanted):
        try:
            found = version(need.name)
        except PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if need.specifier.contains(Version(found), prereleases=True):
            told.append(f"{need.name} {found}")
        else:
            wrong.append(f"{need.name} is {found}, and {need.specifier} is wanted")
    if wrong:
        return Finding("packages", "bad", "; ".join(wrong), 'pip install --upgrade "mdlearn"')
    return Finding("packages", "good", ", ".join(told))


def memory(free: float | None = None) -> Finding:
    """There is room for a chapter.

    Args:
        free: Memory to be had (MB); measured if not given.
    """
    free = _free_memory() if free is None else free
    if free is None:
        return Finding("memory", "poor", f"unknown here; a chapter takes up to {MEMORY:.0f} MB")
    told = f"{free:,.0f} MB free, a chapter takes up to {MEMORY:.0f} MB"
    if free >= MEMORY:
        return Finding("memory", "good", told)
    cure = "shut down other kernels (in JupyterLab: Kernel, Shut Down All Kernels)"
    return Finding("memory", "bad", told, f"{cure} or close other programs")


def cores() -> Finding:
    """How many cores this process may use; more threads than cores make everything slow."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdigit() and int(told) > here:
        found = f"{here}, but OMP_NUM_THREADS asks for {told} threads"
        return Finding("cores", "poor", found, f"export OMP_NUM_THREADS={here}")
    return Finding("cores", "good", f"{here}; a chapter needs one")


def device() -> Finding:
    """Where networks run, and whether a GPU lies idle."""
    import torch

    if torch.cuda.is_available():
        return Finding("device", "good", f"cuda: {torch.cuda.get_device_name()}")
    if shutil.which("nvidia-smi") is None:
        return Finding("device", "good", "cpu; no NVIDIA GPU, and no chapter needs one")
    found = f"cpu, though NVIDIA's driver is here: torch {torch.__version__} cannot use it"
    cure = "look whether nvidia-smi lists a GPU; if it does: make clean lab, which takes its torch"
    return Finding("device", "poor", found, cure)


def viewer() -> Finding:
    """JupyterLab has the front end of the 3D viewer, and Python agrees with it on the version."""
    from jupyter_core.paths import jupyter_path

    from mdlearn.view.ngl import ngl

    for folder in jupyter_path("labextensions", "nglview-js-widgets"):
        if (package := Path(folder) / "package.json").is_file():
            front = json.loads(package.read_text(encoding="utf-8"))["version"]
            break
    else:
        cure = "pip install --force-reinstall nglview, then restart JupyterLab"
        return Finding("viewer", "bad", "nglview's front end for JupyterLab is missing", cure)
    asks = ngl().widget.__frontend_version__
    if asks == front:
        return Finding("viewer", "good", f"nglview {version('nglview')}, front end {front}")
    found = f"Python asks for the front end {asks}, JupyterLab has {front}: 3D views stay empty"
    return Finding("viewer", "bad", found, "import nglview only through mdlearn.view")


def kernel(name: str = "python3") -> Finding:
    """A notebook's kernel starts, is this Python, and finds this mdlearn."""
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import start_new_kernel

    cure = f"{sys.executable} -m ipykernel install --sys-prefix, then restart JupyterLab"
    try:
        manager, client = start_new_kernel(startup_timeout=PATIENCE, kernel_name=name)
    except (NoSuchKernel, RuntimeError, OSError) as error:
        return Finding("kernel", "bad", f"{name} does not start: {error}", cure)
    try:
        told = _ask(client, "__import__('sys').executable, __import__('mdlearn').__file__")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    here = (sys.executable, str(Path(__file__).with_name("__init__.py")))
    if told == repr(here):
        return Finding("kernel", "good", f"{name} starts and is this Python")
    return Finding("kernel", "bad", f"{name} is not this Python, it says {told}", cure)


def cache(folder: Path | None = None) -> Finding:
    """Downloads have a place to go to.

    Args:
        folder: The place; mdlearn's cache folder if none is given.
    """
    folder = folder or cache_folder()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        cure = "export MDLEARN_CACHE=/a/folder/you/may/write (chapters need no downloads)"
        return Finding("cache", "bad", f"{folder} cannot be written: {error.strerror}", cure)
    room = shutil.disk_usage(place).free / 1e6
    if room < DISK:
        found = f"{folder} has {room:,.0f} MB left"
        return Finding("cache", "poor", found, "make room, or name another place: MDLEARN_CACHE")
    return Finding("cache", "good", f"{folder} can be written, {room / 1000:,.0f} GB free")


CHECKS: tuple[Callable[[], Finding], ...] = (
    *(python, packages, memory, cores),
    *(device, viewer, kernel, cache),
)


def examine(checks: Sequence[Callable[[], Finding]] = CHECKS) -> list[Finding]:
    """Every check, in order; one that fails itself is a finding too."""
    findings = []
    for check in checks:
        try:
            findings.append(check())
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            found = f"{type(error).__name__}: {error}"
            cure = "the lines above tell what is broken; else make clean lab builds all anew"
            findings.append(Finding(check.__name__, "bad", found, cure))
    return findings


def told(findings: Sequence[Finding], *, as_json: bool = False) -> str:
    """The findings for people, or as JSON for programs."""
    if as_json:
        return json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False)
    lines = []
    for finding in findings:
        lines.append(f"{MARKS[finding.state]} {finding.name:<9} {finding.found}")
        if finding.cure:
            lines.append(f"{'':<12}do: {finding.cure}")
    bad = sum(finding.state == "bad" for finding in findings)
    lines.append(f"{bad} of {len(findings)} checks failed" if bad else "all is well")
    return "\n".join(lines)


def _free_memory() -> float | None:
    """What the system and a container around us still give (MB); None where neither tells."""
    rooms, system = [], Path("/proc/meminfo")
    if system.is_file():
        rooms.append(int(re.search(r"MemAvailable:\s+(\d+)", system.read_text())[1]) / 1024)
    limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
    if limit.is_file() and used.is_file() and limit.read_text().strip().isdigit():
        rooms.append((int(limit.read_text()) - int(used.read_text())) / 2**20)
    return min(rooms) if rooms else None


def _ask(client: object, expression: str) -> str:
    """The value of an expression in a kernel, as Python writes it."""
    identifier = client.execute("", user_expressions={"value": expression}, store_history=False)
    while (reply := client.get_shell_msg(timeout=PATIENCE))["parent_header"][
        "msg_id"
    ] != identifier:
        pass
    value = reply["content"]["user_expressions"]["value"]
    return (
        value["data"]["text/plain"] if "data" in value else f"{value['ename']}: {value['evalue']}"
    )
