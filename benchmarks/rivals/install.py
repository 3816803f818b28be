"""Environments for the rivals, one each, since they cannot share one: about 1.4 GB and 2 minutes apiece.

    python -m benchmarks.rivals.install --folder build/rivals

A plain `pip install torch` may bring the GPU build (7 GB): name an index of CPU builds with --index.
"""

import argparse
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
}
ALONE = {"openmm", "jaxmd", "pydca"}  # need no torch
BARE = {"pydca": "pydca==1.23"}  # asks for packages of 2019: goes in without them, on newer ones
CONTRACT = ["ase", "jaxtyping", "safetensors"]  # what mdlearn.train and mdlearn.potentials import


def main() -> None:
    """Make the environments that are not there yet."""
    parser = argparse.ArgumentParser(description="Make environments for the rivals.")
    parser.add_argument("names", nargs="*", default=list(PACKAGES), help="which of them")
    parser.add_argument("--folder", type=Path, default=RIVALS)
    parser.add_argument("--index", help="package index with CPU builds of torch")
    options = parser.parse_args()
    for name in options.names:
        if name not in PACKAGES:
            parser.error(f"no rival {name!r}; there are {', '.join(PACKAGES)}")
        install(name, options.folder / name, options.index)


def install(name: str, folder: Path, index: str | None = None) -> None:
    """A virtual environment with one rival; a finished one is left alone."""
    done = folder / ".installed"
    needed = PACKAGES[name] if name in ALONE else [TORCH, *PACKAGES[name], *CONTRACT]
    wanted = "\n".join(needed)
    if done.exists() and done.read_text() == wanted:
        print(f"{name}: {folder} is there")
        return
    print(f"{name}: installing into {folder}")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    if TORCH in needed:
        subprocess.run([*pip, TORCH, *(["--index-url", index] if index else [])], check=True)
    subprocess.run([*pip, *needed], check=True)
    if name in BARE:
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", BARE[name]], check=True)
    done.write_text(wanted)


if __name__ == "__main__":
    main()
