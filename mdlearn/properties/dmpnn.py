"""The directed message-passing network on colors: exact, and several times cheaper than on bonds.

Directed bonds of one color have equal hidden states, so a batch computes one row per color and
gathers (batches.py). fit.py trains it, chemprop.py reads weights of chemprop 2.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor, nn

from mdlearn.files import replacing, write_tensors
from mdlearn.memory import keep_freed
from mdlearn.properties.batches import Batch, batch, gather_sum
from mdlearn.properties.graphs import ATOM_FEATURES, BOND_FEATURES, Graphs

keep_freed()

ACTIVATIONS = {"relu": nn.ReLU, "leakyrelu": nn.LeakyReLU, "tanh": nn.Tanh, "elu": nn.ELU}
READOUTS = ("norm", "mean", "sum")
NORM = 100.0  # of the readout "norm", as in chemprop


class DMPNN(nn.Module):
    r"""Messages run along directed bonds, never straight back; atoms collect them; a sum reads out.

    $$h^0_{vw} = W_i [x_v, e_{vw}], \quad
    h^{t+1}_{vw} = \tau(h^0_{vw} + W_h \textstyle\sum_{k \in N(v) \setminus w} \tau(h^t_{kv}))$$
    $$h_v = \tau(W_o [x_v, \textstyle\sum_{k} h_{kv}]), \quad
    y = \mathrm{FFN}(\tfrac{1}{100} \textstyle\sum_v h_v)$$

    Args:
        width: Size of a hidden state.
        depth: Rounds, the first included.
        tasks: Numbers predicted.
        extra: Further features of a molecule that join before the last layers.
        hidden: Size of those layers.
        layers: How many of them.
        dropout: Share of hidden values set to zero in training.
        readout: "norm" (sum over 100), "mean" or "sum".
        activation: τ, a name in ACTIVATIONS.

    References:
        Yang et al., J. Chem. Inf. Model. 59, 3370 (2019), doi:10.1021/acs.jcim.9b00237;
        Heid et al., J. Chem. Inf. Model. 64, 9 (2024), doi:10.1021/acs.jcim.3c01250.
    """

    def __init__(
        self,
        *,
        width: int = 300,
        depth: int = 3,
        tasks: int = 1,
        extra: int = 0,
        hidden: int = 300,
        layers: int = 1,
        dropout: float = 0.0,
        readout: str = "norm",
        activation: str = "relu",
    ) -> None:
        super().__init__()
        if readout not in READOUTS or activation not in ACTIVATIONS:
            raise ValueError(
                f"readout is one of {', '.join(READOUTS)}, activation one of "
                f"{', '.join(ACTIVATIONS)}; got {readout!r} and {activation!r}"
            )
        self.settings = {
            "width": width, "depth": depth, "tasks": tasks, "extra": extra, "hidden": hidden,
            "layers": layers, "dropout": dropout, "readout": readout, "activation": activation,
        }  # fmt: skip
        self.depth, self.readout = depth, readout
        self.activate = ACTIVATIONS[activation]()
        self.drop = nn.Dropout(dropout)
        self.first = nn.Linear(ATOM_FEATURES + BOND_FEATURES, width, bias=False)
        self.message = nn.Linear(width, width, bias=False)
        self.atom = nn.Linear(ATOM_FEATURES + width, width)
        sizes = [width + extra, *[hidden] * layers, tasks]
        self.head = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.register_buffer("shift", torch.zeros(tasks))  # of the labels, set by the training
        self.register_buffer("scale", torch.ones(tasks))

    def forward(
        self, batch: Batch, extra: Float[Tensor, "molecules more"] | None = None
    ) -> Float[Tensor, "molecules tasks"]:
        """Predictions, in units of the labels (logits for classes)."""
        x = self.encode(batch)
        x = x if extra is None else torch.cat([x, extra], 1)
        for k, layer in enumerate(self.head):
            x = layer(x if k == 0 else self.drop(self.activate(x)))
        return x * self.scale + self.shift

    def encode(self, batch: Batch) -> Float[Tensor, "molecules width"]:
        """The learned fingerprint of each molecule."""
        x = gather_sum(self.atoms(batch), batch.molecules)
        if self.readout == "sum":
            return x
        return x / (NORM if self.readout == "norm" else batch.sizes[:, None])

    def atoms(self, batch: Batch) -> Float[Tensor, "rows width"]:
        """Hidden states of the atom rows of a batch."""
        if len(batch.rounds) != self.depth - 1:
            raise ValueError(
                f"the graphs are colored for depth {len(batch.rounds) + 1}, the network has "
                f"{self.depth}; make them with graphs(mols, depth={self.depth})"
            )
        start = self.first(batch.pairs)
        h = self.activate(start)
        for own, others in batch.rounds:
            # mapped before they are summed: a batch has fewer rows of the earlier round
            h = self.drop(
                self.activate(gather_sum(start, own) + gather_sum(self.message(h), others))
            )
        weight = self.atom.weight
        own = batch.kinds @ weight[:, :ATOM_FEATURES].T + self.atom.bias
        heard = gather_sum(h @ weight[:, ATOM_FEATURES:].T, batch.incoming)
        return self.drop(self.activate(gather_sum(own, batch.kind) + heard))


@torch.no_grad()
def predict(
    model: DMPNN,
    graphs: Graphs,
    *,
    extra: Float[Tensor, "molecules more"] | None = None,
    size: int = 1024,
) -> Float[Tensor, "molecules tasks"]:
    """Predictions for a whole set, in order; the batches make no difference.

    Args:
        model: On any device.
        graphs: The set.
        extra: Further features, on the device of the model.
        size: Molecules in a batch.
    """
    model.eval()
    device = model.shift.device
    found = [model.shift.new_zeros(0, len(model.shift))]
    for rows in parts(len(graphs), size):
        more = None if extra is None else extra[rows[0] : rows[-1] + 1]
        some = batch(graphs, rows).to(device)
        found.append(model(some.double() if model.shift.dtype == torch.float64 else some, more))
    return torch.cat(found)


def parts(count: int, size: int) -> Iterator[np.ndarray]:
    """Row numbers in order, cut into parts of at most `size`."""
    for start in range(0, count, size):
        yield np.arange(start, min(count, start + size))


def save(model: DMPNN, path: Path | str, card: Mapping[str, Any] | None = None) -> None:
    """Weights, settings and a card as one safetensors file."""
    notes = {"settings": json.dumps(model.settings), "card": json.dumps(dict(card or {}))}
    with replacing(path) as part:
        write_tensors(part, model.state_dict(), notes)


def load(path: Path | str) -> DMPNN:
    """A network from `save`, ready to predict."""
    with safe_open(path, "pt") as stored:
        model = DMPNN(**json.loads(stored.metadata()["settings"]))
        model.load_state_dict({name: stored.get_tensor(name) for name in stored.keys()})  # noqa: SIM118
    return model.eval()
