"""Read a network that chemprop 2 trained, without running anything that its file says.

A checkpoint is a zip archive of tensors and a pickle. The pickle is read by a reader that knows
how to rebuild tensors and turns every other name into an inert note: no foreign code is imported
or called. The result is a `DMPNN` that gives chemprop's outputs.
"""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mdlearn.properties.dmpnn import DMPNN

STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
}
READOUTS = {"NormAggregation": "norm", "MeanAggregation": "mean", "SumAggregation": "sum"}
UNKNOWN = (  # parts that DMPNN has not
    *("message_passing.V_d", "message_passing.W_d", "message_passing.W_i.bias"),
    "X_d_transform",
)
HEADS = {"RegressionFFN": "regression", "BinaryClassificationFFN": "classification"}
RENAMED = {
    "message_passing.W_i.weight": "first.weight",
    "message_passing.W_h.weight": "message.weight",
    "message_passing.W_o.weight": "atom.weight",
    "message_passing.W_o.bias": "atom.bias",
}


class Note(dict):
    """What stands in place of an object that is not built: its name, arguments, entries, state."""

    def __init__(self, *given: Any) -> None:
        super().__init__()
        self.given, self.state = given, {}

    def __setstate__(self, state: Any) -> None:
        self.state = state


def load_chemprop(path: Path | str) -> DMPNN:
    """A chemprop 2 network from its `.pt` or `.ckpt` file, ready to predict.

    Args:
        path: The file that `chemprop train` wrote.

    Raises:
        ValueError: No such archive, or a network of another kind than bond messages with chemprop
            2's default features, a plain head and one of the readouts norm, mean, sum.
    """
    stored = read_archive(path)
    state, settings = stored["state_dict"], stored.get("hyper_parameters", {})
    unknown = [name for name in state if name.startswith(UNKNOWN)]
    if unknown or "message_passing.W_h.weight" not in state:
        raise ValueError(f"{Path(path).name} has parts that DMPNN has not: {', '.join(unknown)}")
    messages, head = settings.get("message_passing", {}), settings.get("predictor", {})
    if messages.get("undirected") or state["message_passing.W_i.weight"].shape[1] != 86:
        raise ValueError("only directed messages with chemprop 2's default 72 + 14 features")
    layers = sorted({int(name.split(".")[2]) for name in state if name.startswith("predictor.ffn")})
    weights = [
        next(state[f"predictor.ffn.{k}.{place}.weight"] for place in (0, 2)
             if f"predictor.ffn.{k}.{place}.weight" in state) for k in layers
    ]  # fmt: skip
    width = state["message_passing.W_h.weight"].shape[0]
    model = DMPNN(
        width=width,
        depth=int(messages.get("depth", 3)),
        tasks=weights[-1].shape[0],
        extra=weights[0].shape[1] - width,
        hidden=weights[0].shape[0],
        layers=len(layers) - 1,
        dropout=float(messages.get("dropout", 0.0)),
        readout=READOUTS[_named(settings.get("agg", {}), "NormAggregation", READOUTS)],
        activation=_activation(messages.get("activation", "relu")),
    )
    _named(head, "RegressionFFN", HEADS)
    _fill(model, state, layers)
    return model.eval()


def _fill(model: DMPNN, state: dict[str, Tensor], layers: list[int]) -> None:
    """Copy the weights under our names; batch norm and label scale become part of them."""
    ours = {RENAMED[name]: tensor for name, tensor in state.items() if name in RENAMED}
    for k in layers:
        place = 0 if f"predictor.ffn.{k}.0.weight" in state else 2
        for kind in ("weight", "bias"):
            ours[f"head.{k}.{kind}"] = state[f"predictor.ffn.{k}.{place}.{kind}"].clone()
    if "bn.running_mean" in state:  # over the fingerprint: an affine map before the head
        width = len(state["bn.running_mean"])
        factor = state["bn.weight"] / (state["bn.running_var"] + 1e-5).sqrt()
        offset = state["bn.bias"] - state["bn.running_mean"] * factor
        ours["head.0.bias"] += ours["head.0.weight"][:, :width] @ offset
        ours["head.0.weight"][:, :width] *= factor
    tasks = len(model.shift)
    mean = state.get("predictor.output_transform.mean", torch.zeros(tasks))
    scale = state.get("predictor.output_transform.scale", torch.ones(tasks))
    ours |= {"shift": mean.reshape(-1), "scale": scale.reshape(-1)}
    model.load_state_dict({name: tensor.float() for name, tensor in ours.items()})


def read_archive(path: Path | str) -> dict[str, Any]:
    """What a file of `torch.save` holds: tensors, containers, numbers; everything else as notes."""
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{Path(path).name} is no archive of torch.save")
    with zipfile.ZipFile(path) as archive:
        index = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if index is None:
            raise ValueError(f"{Path(path).name} holds no data.pkl; is it a torch.save file?")
        with archive.open(index) as stream:
            found = _Reader(stream, archive, index.removesuffix("data.pkl")).load()
    if not isinstance(found, dict) or "state_dict" not in found:
        raise ValueError(f"{Path(path).name} holds no state_dict: not a model of chemprop 2")
    return found


class _Reader(pickle.Unpickler):
    """Rebuilds tensors, containers and numbers; imports and calls nothing that a file names."""

    def __init__(self, stream: Any, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream)
        self.archive, self.folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        return type(name, (Note,), {"__module__": "note"})

    def persistent_load(self, identifier: tuple) -> Tensor:
        _, kind, key, _, count = identifier
        if kind.__name__ not in STORAGES:
            raise ValueError(f"a tensor of the unknown kind {kind.__name__}")
        data = bytearray(self.archive.read(f"{self.folder}data/{key}"))
        if not count:
            return torch.empty(0, dtype=STORAGES[kind.__name__])
        return torch.frombuffer(data, dtype=STORAGES[kind.__name__], count=count)


def _tensor(storage: Tensor, offset: int, size: tuple, stride: tuple, *_: Any) -> Tensor:
    return storage.as_strided(size, stride, offset)


def _parameter(tensor: Tensor, *_: Any) -> Tensor:
    return tensor


def _named(settings: Any, default: str, known: dict[str, str]) -> str:
    """Name of the class that a chemprop setting asks for."""
    told = settings.get("cls", default) if isinstance(settings, dict) else default
    name = told.__name__ if isinstance(told, type) else str(told)
    if name not in known:
        raise ValueError(f"chemprop's {name} is not known here; known are {', '.join(known)}")
    return name


def _activation(told: Any) -> str:
    """Name of the activation: a word, an enum's note or a module's note."""
    if isinstance(told, Note):
        told = told.given[0] if told.given else type(told).__name__
    return str(told).lower()
