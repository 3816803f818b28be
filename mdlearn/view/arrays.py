"""Tensors, arrays and lists become NumPy arrays here, at the door of every picture."""

from typing import Any

import numpy as np


def to_numpy(values: Any) -> np.ndarray:
    """A NumPy array of what may be a tensor (on any device, with a graph), an array or a list."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values)
