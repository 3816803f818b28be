"""Device-correctness without a GPU: run a step on `meta` tensors and refuse whatever leaves the device.

On a GPU, a tensor of the CPU in the middle of a step is an error or a slow copy, and a value that
Python reads makes the host wait. `meta` tensors have shapes and no numbers, so they show both anywhere.
"""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class OneDevice(TorchDispatchMode):
    """Every tensor of an operation lives on one device (0-dimensional scalars are exempt), nothing is read back.

    A copy to the host or a value read by Python (`item`, `bool`, `nonzero`) does not exist on `meta`
    and raises by itself; a stray tensor of the CPU raises here.
    """

    def __init__(self, device: str = "meta") -> None:
        super().__init__()
        self.device, self.calls = device, 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        for leaf in tree_leaves((args, kwargs or {})):
            if isinstance(leaf, torch.Tensor) and leaf.dim() and leaf.device.type != self.device:
                raise RuntimeError(
                    f"{func} got a {leaf.device} tensor of shape {tuple(leaf.shape)}"
                )
        self.calls += 1
        return func(*args, **(kwargs or {}))
