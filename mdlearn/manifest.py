"""What a result came from: versions, hardware and hashes, to be written beside it."""

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("mdlearn", "torch", "numpy", "scipy", "ase", "rdkit", "papermill", "tblite", "pyscf")


def sha256(content: Path | str) -> str:
    """Hash of a file, or of a text."""
    data = content.encode() if isinstance(content, str) else content.read_bytes()
    return hashlib.sha256(data).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder, by its path from there."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def code_sha256() -> str:
    """Hash of the package's own code: another version gives another result."""
    root = Path(__file__).parent
    files = sorted(root.rglob("*.py"))
    return sha256("".join(f"{path.relative_to(root)} {sha256(path)}\n" for path in files))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, as far as installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # an extra that is not installed
    return found


def hardware() -> dict[str, str | int | None]:
    """Processor, cores, GPU if there is one, and operating system."""
    import torch

    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(),
    }
