"""Tests run on one thread, without development data, with every shape in a signature checked."""

import os

from jaxtyping import install_import_hook

install_import_hook("mdlearn", "beartype.beartype")
os.environ.pop("MDLEARN_DATA", None)  # tests see what ships, nothing else
os.environ["MPLBACKEND"] = "Agg"

import torch  # noqa: E402

torch.set_num_threads(1)
