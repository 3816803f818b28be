"""Tests run on one thread, without development data, with every shape in a signature checked."""

import os

from jaxtyping import install_import_hook

import tests.shapes  # noqa: F401  # the hook finds it by name

install_import_hook("mdlearn", "tests.shapes.checked")
os.environ.pop("MDLEARN_DATA", None)  # tests see what ships, nothing else

import matplotlib  # noqa: E402
import torch  # noqa: E402

matplotlib.use("agg")
torch.set_num_threads(1)
