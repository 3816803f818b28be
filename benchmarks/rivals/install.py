"""Environments for the rivals, one each, since they cannot share one: about 1.4 GB and 2 minutes apiece.

    python -m benchmarks.rivals.install --folder build/rivals

A plain `pip install torch` may bring the GPU build (7 GB): name an index of CPU builds with --index.
torch-sim wants Python 3.12: the one on PATH is taken, or the one that --python names.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.common import RIVALS

TORCH = "torch==2.13.0"
PACKAGES = {
    "mace": ["mace-torch==0.3.16"],
    "painn": ["schnetpack==2.0.4"],
    "chemprop": ["chemprop==2.3.1"],
    "openmm": ["openmm==8.6.1", "numpy"],
    "jaxmd": ["jax-md==0.2.29"],
    "pydca": [
        "numba==0.68.1",
        "numpy==2.2.6",
        "scipy",
        "biopython==1.88",
        "matplotlib",
        "requests",
        "setuptools",
        "wheel",
    ],
    "torchsim": ["torch-sim-atomistic[vesin]==0.6.2", "nvalchemi-toolkit-ops[torch]==0.5.0"],
}
ALONE = {"openmm", "jaxmd", "pydca"}  # need no torch
APART = {"torchsim"}  # needs nothing of ours
NEWER = {"torchsim": "3.12"}  # wants this Python; on an older one pip brings a far slower 0.3.0
BARE = {"pydca": "pydca==1.23"}  # asks for packages of 2019: goes in without them, on newer ones
CONTRACT = ["ase", "jaxtyping", "safetensors"]  # what mdlearn.train and mdlearn.potentials import


def main() -> None:
    """Make the environments that are not there yet."""
    parser = argparse.ArgumentParser(description="Make environments for the rivals.")
    parser.add_argument("names", nargs="*", default=list(PACKAGES), help="which of them")
    parser.add_argument("--folder", type=Path, default=RIVALS)
    parser.add_argument("--index", help="package index with CPU builds of torch")
    parser.add_argument("--python", help="a newer Python, for a rival that wants one")
    options = parser.parse_args()
    for name in options.names:
        if name not in PACKAGES:
            parser.error(f"no rival {name!r}; there are {', '.join(PACKAGES)}")
        try:
            python = interpreter(NEWER[name], options.python) if name in NEWER else sys.executable
        except FileNotFoundError as error:
            parser.error(f"{name} is not installed: {error}")
        install(name, options.folder / name, options.index, python)


def interpreter(wanted: str, named: str | None = None) -> str:
    """The Python of this version: the one that is named, or `python3.12` on PATH.

    Raises:
        FileNotFoundError: There is none, or it is of another version.
    """
    path = named or shutil.which(f"python{wanted}")
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    known = path and shutil.which(path)  # a shim may be there and start nothing
    found = (
        subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
        if known
        else None
    )
    if found is None or found.stdout.strip() != wanted:
        raise FileNotFoundError(
            f"it wants Python {wanted}, and {path or f'python{wanted} on PATH'} is not one that starts; "
            f"install it, or name it with --python /path/to/python{wanted}"
        )
    return path


def install(
    name: str, folder: Path, index: str | None = None, python: str = sys.executable
) -> None:
    """A virtual environment with one rival; a finished one is left alone."""
    done = folder / ".installed"
    ours = [] if name in APART else CONTRACT
    needed = PACKAGES[name] if name in ALONE else [TORCH, *PACKAGES[name], *ours]
    wanted = "\n".join(needed)
    if done.exists() and done.read_text() == wanted:
        print(f"{name}: {folder} is there")
        return
    print(f"{name}: installing into {folder}")
    subprocess.run([python, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    if TORCH in needed:
        subprocess.run([*pip, TORCH, *(["--index-url", index] if index else [])], check=True)
    subprocess.run([*pip, *needed], check=True)
    if name in BARE:
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", BARE[name]], check=True)
    done.write_text(wanted)


if __name__ == "__main__":
    main()
