"""Save a trained network of this wing with its card, load it again; loading never runs code."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from mdlearn.files import replacing, write_tensors

SHIPPED = Path(__file__).parents[1] / "weights"


def save(model: nn.Module, path: Path | str, card: Mapping[str, Any]) -> None:
    """Weights in half precision, settings and card as one safetensors file; the card as JSON beside it.

    The model tells its arguments in `model.settings`.
    """
    path = Path(path)
    tensors = {name: value.detach().cpu().half() for name, value in model.state_dict().items()}
    notes = {"settings": json.dumps(model.settings), "card": json.dumps(dict(card))}
    with replacing(path) as part:
        write_tensors(part, tensors, notes)
    with replacing(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(dict(card), indent=2, ensure_ascii=False) + "\n")


def load(make: Callable[..., nn.Module], path: Path | str) -> nn.Module:
    """A trained network in float32, from a file or by the name of one that ships.

    Args:
        make: Its class.
        path: A file, or a name such as "secondary_structure".

    Raises:
        FileNotFoundError: Neither a file nor a shipped name.
        ValueError: The file belongs to another kind of network.
    """
    found = _find(path)
    with safe_open(found, "pt") as stored:
        settings = json.loads(stored.metadata()["settings"])
        state = {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
        try:
            model = make(**settings)
            model.load_state_dict(state)
        except (TypeError, RuntimeError) as error:
            raise ValueError(f"{found.name} holds no {make.__name__}: {error}") from error
    return model.eval().requires_grad_(False)


def card(path: Path | str) -> dict[str, Any]:
    """The card of a saved network."""
    with safe_open(_find(path), "pt") as stored:
        return json.loads(stored.metadata()["card"])


def _find(path: Path | str) -> Path:
    found = Path(path) if Path(path).is_file() else SHIPPED / f"{path}.safetensors"
    if not found.exists():
        raise FileNotFoundError(
            f"no file {path}, and no shipped network of that name; make it with its recipe in "
            "mdlearn/recipes"
        )
    return found
