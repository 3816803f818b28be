"""These tests compare a GPU with the processor; they are collected where there is a GPU."""

import torch

collect_ignore_glob = [] if torch.cuda.is_available() else ["test_*.py"]
