"""Ours and the rivals as potentials of one kind, so that one loop trains them and one clock times them.

A rival gets pairs of atoms from our neighbor table; its forces come from `evaluate`, as ours do. Its
package is imported only in its own environment.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from mdlearn.potentials.system import System

CUTOFF = 5.0  # Å


class Pairs(NamedTuple):
    """Atom i, its neighbor j, and how far the image of j is away from j (Å)."""

    i: Tensor
    j: Tensor
    offset: Tensor


class Rival(nn.Module):
    """A rival's network as a potential: energies (eV) = baseline of the elements + scale · network."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Callable[[System, Pairs], dict[str, Tensor]],
        call: Callable[[nn.Module, dict[str, Tensor]], Tensor],
        elements: Sequence[int],
    ) -> None:
        super().__init__()
        self.network, self.inputs, self.call = network, inputs, call
        self.settings = {"elements": list(elements)}
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("baseline", torch.zeros(len(elements), dtype=torch.float64))
        self.register_buffer("elements", torch.tensor(elements))
        self.seen: tuple[Tensor, Pairs, dict[str, Tensor]] | None = None

    def forward(self, system: System) -> Tensor:
        """Energy of each system (eV)."""
        if self.seen is None or self.seen[0] is not system.neighbors:
            pairs = pairs_of(system)
            self.seen = system.neighbors, pairs, self.inputs(system, pairs)
        energies = self.call(self.network, self.seen[2] | {"at": system.positions})
        kinds = torch.searchsorted(self.elements, system.numbers)
        return energies.double() * self.scale + system.total(self.baseline[kinds])

    def check(self, numbers: Tensor) -> None:
        """Nothing to refuse: the benchmark makes each model for its data."""


def pairs_of(system: System) -> Pairs:
    """The neighbor table as a list of pairs."""
    i, place = system.mask.nonzero().unbind(1)
    offset = system.positions.new_zeros(len(i), 3)
    if system.shifts is not None:
        cells = system.cell.index_select(0, system.index[i])
        offset = (system.shifts[i, place].unsqueeze(1) @ cells).squeeze(1)
    return Pairs(i, system.neighbors[i, place], offset)


def ours(elements: Sequence[int], crowd: float) -> nn.Module:
    """The equivariant potential as it ships."""
    from mdlearn.potentials.ace import ACE

    return ACE(elements, cutoff=CUTOFF)


def mace(elements: Sequence[int], crowd: float) -> Rival:
    """MACE: 32x0e+32x1o, two layers, correlation 3, harmonics to degree 2."""
    import numpy as np

    torch.serialization.add_safe_globals([slice])  # e3nn 0.4.4 has slices in its table of constants
    from e3nn import o3
    from mace import modules

    kinds = modules.interaction_classes
    network = modules.ScaleShiftMACE(
        r_max=CUTOFF,
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=2,
        interaction_cls=kinds["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=kinds["RealAgnosticInteractionBlock"],
        num_interactions=2,
        num_elements=len(elements),
        hidden_irreps=o3.Irreps("32x0e+32x1o"),
        MLP_irreps=o3.Irreps("16x0e"),
        gate=nn.functional.silu,
        atomic_energies=np.zeros(len(elements)),
        avg_num_neighbors=crowd,
        atomic_numbers=list(elements),
        correlation=3,
        radial_MLP=[64, 64, 64],
        atomic_inter_scale=1.0,
        atomic_inter_shift=0.0,
    )
    known = torch.tensor(elements)

    def inputs(system: System, pairs: Pairs) -> dict[str, Tensor]:
        sizes = torch.bincount(system.index, minlength=system.systems)
        kinds = torch.searchsorted(known, system.numbers)
        return {
            "node_attrs": nn.functional.one_hot(kinds, len(known)).to(system.positions.dtype),
            "edge_index": torch.stack([pairs.j, pairs.i]),  # from the sender to the receiver
            "shifts": -pairs.offset,
            "unit_shifts": torch.zeros_like(pairs.offset),
            "cell": pairs.offset.new_zeros(3 * system.systems, 3),
            "batch": system.index,
            "ptr": torch.cat([sizes.new_zeros(1), sizes.cumsum(0)]),
            "head": torch.zeros_like(sizes),
        }

    def call(network: nn.Module, values: dict[str, Tensor]) -> Tensor:
        values["positions"] = values.pop("at")
        return network(values, training=network.training, compute_force=False)["energy"]

    return Rival(network, inputs, call, elements)


def painn(elements: Sequence[int], crowd: float) -> Rival:
    """PaiNN of SchNetPack: 64 features, three interactions, 20 Gaussians."""
    from torch.utils.data import dataloader

    if not hasattr(dataloader, "T_co"):  # SchNetPack imports a name that torch 2.13 dropped
        dataloader.T_co = TypeVar("T_co", covariant=True)
    from schnetpack import nn as layers
    from schnetpack.atomistic import Atomwise, PairwiseDistances
    from schnetpack.model import NeuralNetworkPotential
    from schnetpack.representation import PaiNN

    representation = PaiNN(
        n_atom_basis=64,
        n_interactions=3,
        radial_basis=layers.GaussianRBF(n_rbf=20, cutoff=CUTOFF),
        cutoff_fn=layers.CosineCutoff(CUTOFF),
    )
    network = NeuralNetworkPotential(
        representation=representation,
        input_modules=[PairwiseDistances()],
        output_modules=[Atomwise(n_in=64, output_key="energy")],
    )

    def inputs(system: System, pairs: Pairs) -> dict[str, Tensor]:
        return {
            "_atomic_numbers": system.numbers,
            "_idx_i": pairs.i,
            "_idx_j": pairs.j,
            "_offsets": pairs.offset,
            "_idx_m": system.index,
            "_n_atoms": torch.bincount(system.index, minlength=system.systems),
        }

    def call(network: nn.Module, values: dict[str, Tensor]) -> Tensor:
        values["_positions"] = values.pop("at")
        return network(values)["energy"].view(-1)

    return Rival(network, inputs, call, elements)


MODELS: dict[str, Callable[[Sequence[int], float], Any]] = {
    "ours": ours,
    "mace": mace,
    "painn": painn,
}
