"""Device-correctness without a GPU, for the tests: the law itself is part of the package."""

from mdlearn.dynamics.device import OneDevice

__all__ = ["OneDevice"]
