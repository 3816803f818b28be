"""Keep a fitted model of properties in one file, without pickle: arrays and words only."""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from mdlearn.files import replacing, write_tensors
from mdlearn.properties.dmpnn import DMPNN
from mdlearn.properties.estimators import MODELS
from mdlearn.properties.features import Scaler
from mdlearn.properties.kernels import Kernel
from mdlearn.properties.model import PropertyModel
from mdlearn.properties.trees import Trees

PARTS = {"Trees": Trees, "Scaler": Scaler, "Kernel": Kernel}
BY_CLASS = {kind.__name__: kind for kind in MODELS.values()}


def save(model: PropertyModel, path: Path | str, card: Mapping[str, Any] | None = None) -> None:
    """A fitted model and a card (what it learned from, its errors) as a safetensors file."""
    arrays: dict[str, torch.Tensor] = {}
    notes = {"model": json.dumps(_packed(model, "", arrays)), "card": json.dumps(dict(card or {}))}
    with replacing(path) as part:
        write_tensors(part, arrays, notes)


def load(path: Path | str) -> PropertyModel:
    """A model from `save`, ready to predict.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is another kind of file.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    with safe_open(path, "pt") as stored:
        notes = stored.metadata() or {}
        if "model" not in notes:
            raise ValueError(f"{Path(path).name} holds no model of properties; make one with save")
        arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    return _unpacked(json.loads(notes["model"]), "", arrays)


def card(path: Path | str) -> dict[str, Any]:
    """The card that was saved with a model."""
    with safe_open(path, "pt") as stored:
        return json.loads((stored.metadata() or {}).get("card", "{}"))


def _packed(value: Any, name: str, arrays: dict[str, torch.Tensor]) -> Any:
    """A description of a value in words and numbers; its arrays go to `arrays`."""
    if isinstance(value, PropertyModel):
        inside = {k: v for k, v in vars(value).items() if k.endswith("_") and k != "problems_"}
        made = {k: _packed(v, f"{name}{k}.", arrays) for k, v in inside.items()}
        return {"is": "model", "class": type(value).__name__, "settings": value.get_params(), "has": made}  # fmt: skip
    if isinstance(value, DMPNN):
        arrays |= {f"{name}{k}": tensor for k, tensor in value.state_dict().items()}
        return {"is": "network", "settings": value.settings}
    if isinstance(value, Trees | Scaler | Kernel):
        made = {f.name: _packed(getattr(value, f.name), f"{name}{f.name}.", arrays) for f in fields(value)}  # fmt: skip
        return {"is": type(value).__name__, "has": made}
    if isinstance(value, np.ndarray):
        arrays[name] = torch.from_numpy(value)
        return {"is": "array"}
    if isinstance(value, list):
        return {"is": "list", "has": [_packed(v, f"{name}{k}.", arrays) for k, v in enumerate(value)]}  # fmt: skip
    if isinstance(value, dict):
        return {"is": "dict", "has": {k: _packed(v, f"{name}{k}.", arrays) for k, v in value.items()}}  # fmt: skip
    if value is None or isinstance(value, bool | int | float | str):
        return {"is": "plain", "value": value}
    raise TypeError(f"cannot keep a {type(value).__name__} in a file")


def _unpacked(told: Any, name: str, arrays: Mapping[str, torch.Tensor]) -> Any:
    kind = told["is"]
    if kind == "plain":
        return told["value"]
    if kind == "array":
        return arrays[name].numpy()
    if kind == "list":
        return [_unpacked(v, f"{name}{k}.", arrays) for k, v in enumerate(told["has"])]
    if kind == "network":
        model = DMPNN(**told["settings"])
        own = {k.removeprefix(name): v for k, v in arrays.items() if k.startswith(name)}
        model.load_state_dict(own)
        return model.eval()
    inside = {k: _unpacked(v, f"{name}{k}.", arrays) for k, v in told["has"].items()}
    if kind == "dict":
        return inside
    if kind in PARTS:
        return PARTS[kind](**inside)
    made = BY_CLASS[told["class"]](**told["settings"])
    vars(made).update(inside)
    return made
