"""Files that are whole or not there, and arrays without pickle: reading one never runs code."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` when the block ends without an error.

    Killed in the middle, the old file is still there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, str]) -> None:
    """Tensors and short notes as a safetensors file."""
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, dict(notes))
