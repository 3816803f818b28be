"""Save a trained potential with its card, load it again; loading never runs code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from mdlearn.files import replacing, write_tensors
from mdlearn.potentials.ace import ACE

SHIPPED = Path(__file__).parents[1] / "weights"


def save(model: ACE, path: Path | str, card: Mapping[str, Any]) -> None:
    """Weights, settings and card as one safetensors file; the card once more as JSON beside it.

    The card says data, split, seed, minutes, test errors and limits.
    """
    path = Path(path)
    tensors = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    notes = {"settings": json.dumps(model.settings), "card": json.dumps(dict(card))}
    with replacing(path) as part:
        write_tensors(part, tensors, notes)
    with replacing(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(dict(card), indent=2) + "\n")


def load(path: Path | str, *, dtype: torch.dtype = torch.float64) -> ACE:
    """A trained potential, from a file or by the name of one that ships (`load("ethanol")`).

    Raises:
        FileNotFoundError: Neither a file nor a shipped name; the message lists the names.
    """
    found = Path(path) if Path(path).exists() else SHIPPED / f"{path}.safetensors"
    if not found.exists():
        names = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
        raise FileNotFoundError(
            f"no file {path}, and no shipped potential of that name; shipped are {names}"
        )
    with safe_open(found, "pt") as stored:
        settings = json.loads(stored.metadata()["settings"])
        state = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    return _build(settings, state, dtype)


def exact(model: ACE, dtype: torch.dtype) -> ACE:
    """A copy for use in another precision, its constants computed anew rather than rounded twice."""
    return _build(model.settings, model.state_dict(), dtype)


def _build(settings: dict[str, Any], state: dict[str, Tensor], dtype: torch.dtype) -> ACE:
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
            model = ACE(**settings)
    finally:
        torch.set_default_dtype(default)
    model.load_state_dict(state)
    return model.requires_grad_(False)


def card(path: Path | str) -> dict[str, Any]:
    """The card of a saved potential."""
    found = Path(path) if Path(path).exists() else SHIPPED / f"{path}.safetensors"
    with safe_open(found, "pt") as stored:
        return json.loads(stored.metadata()["card"])
