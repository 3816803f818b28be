r"""The equivariant many-body potential: what an atom sees, told in spherical harmonics and multiplied.

1. Density: $A_{i,klm} = \sum_j R_{kl}(r_{ij}, z_j) Y_{lm}(\hat r_{ij})$, a sum over neighbors.
2. Products: $A \otimes A$ and $A \otimes A \otimes A$, coupled to harmonics again by Gaunt coefficients,
   know angles and dihedrals (body order 3 and 4) without a loop over triples.
3. Message: neighbors send what they know, scalars and vectors, and steps 1 and 2 repeat.
4. Readout: a small network turns the rotation-invariant part into the energy of the atom.

References:
    Drautz, Phys. Rev. B 99, 014104 (2019), doi:10.1103/PhysRevB.99.014104: steps 1 and 2.
    Batatia et al., NeurIPS 35 (2022), arXiv:2206.07697: step 3.
    Luo et al., ICLR (2024), arXiv:2401.10216: Gaunt products in place of Clebsch–Gordan ones.
"""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mdlearn.potentials.equivariant import Channels, Couple, degrees
from mdlearn.potentials.harmonics import harmonics, polynomials
from mdlearn.potentials.neighbors import ensure
from mdlearn.potentials.system import System


def envelope(r: Float[Tensor, "..."], cutoff: float) -> Float[Tensor, "..."]:
    """From 1 at zero to 0 at the cutoff, smooth to the second derivative.

    Eq. 8 of Gasteiger, ICLR (2020), arXiv:2003.03123, with p = 5.
    """
    x = (r / cutoff).clamp(max=1)
    return 1 - x**5 * (21 - 35 * x + 15 * x * x)


def waves(
    r: Float[Tensor, "..."], cutoff: float, frequencies: Float[Tensor, " radial"]
) -> Float[Tensor, "... radial"]:
    """Standing waves √(2/c) sin(nπr/c)/r between zero and the cutoff, faded out by the envelope.

    Eq. 7 of Gasteiger, ICLR (2020), arXiv:2003.03123.
    """
    fade = envelope(r, cutoff) / r * math.sqrt(2 / cutoff)
    return torch.sin(r.unsqueeze(-1) * frequencies) * fade.unsqueeze(-1)


class Layer(nn.Module):
    """Products of the density up to the body order, an energy from them, and features to send."""

    def __init__(
        self, degree: int, channels: int, order: int, out: int, hidden: int, memory: int
    ) -> None:
        super().__init__()
        self.order, self.out, paths = order, out, 1
        if order >= 3:
            self.pairs = Couple(degree, degree, degree if order >= 4 else out, same=True)
            paths += self.pairs.paths
        if order >= 4:
            self.narrow = Channels(degree, self.pairs.paths * channels, channels)
            self.triples = Couple(degree, degree, out)
            paths += self.triples.paths
        self.width = paths * channels
        self.readout = nn.Sequential(
            nn.Linear(self.width + memory, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 1),
        )

    def forward(
        self, density: Float[Tensor, "harmonics atoms channels"]
    ) -> Float[Tensor, "out atoms width"]:
        """Features of body order 2, 3 and 4, side by side."""
        keep = (self.out + 1) ** 2
        features = [density[:keep].unsqueeze(2)]
        if self.order >= 3:
            pairs = self.pairs(density, density)
            features.append(pairs[:keep])
        if self.order >= 4:
            features.append(self.triples(self.narrow(pairs.flatten(2)), density))
        return torch.cat(features, 2).flatten(2)


class ACE(nn.Module):
    """Energy of a molecule or crystal as a sum over atoms, each a function of its surroundings.

    Invariant to rotation, reflection, translation and order of equal atoms by construction.
    Weights start from torch's global generator. Train it with `fit.fit_potential`.

    Args:
        elements: Atomic numbers it knows.
        cutoff: How far an atom sees in each layer (Å).
        channels: Features of each harmonic.
        degree: Highest degree of the harmonics, 0 to 3; 0 is a purely distance-based twin.
        radial: Number of radial waves.
        layers: 1 sees neighbors; 2 sees neighbors of neighbors.
        order: Body order of the products, 2 to 4.
        message_degree: Highest degree of what neighbors send: 0 scalars, 1 vectors.
        hidden: Width of the readout network.
        crowd: Number of neighbors that is usual, which keeps sums near one.
        charge: Total charge (e) of the molecules that it is trained on; it cannot see another one.
    """

    portion = 256  # atoms whose intermediate numbers fit in a cache
    paces: ClassVar = {"readout": 0.1}  # it learns slowly, what feeds it fast

    def __init__(
        self,
        elements: Sequence[int],
        *,
        cutoff: float = 5.0,
        channels: int = 32,
        degree: int = 2,
        radial: int = 8,
        layers: int = 2,
        order: int = 4,
        message_degree: int = 1,
        hidden: int = 64,
        crowd: float = 9.0,
        charge: float = 0.0,
    ) -> None:
        super().__init__()
        elements = sorted({int(number) for number in elements})
        self.settings = {
            "elements": elements, "cutoff": cutoff, "channels": channels, "degree": degree,
            "radial": radial, "layers": layers, "order": order, "message_degree": message_degree,
            "hidden": hidden, "crowd": crowd, "charge": charge,
        }  # fmt: skip
        self.charge = charge
        self.cutoff, self.channels, self.sent = cutoff, channels, (message_degree + 1) ** 2
        kinds, crowd_root = len(elements), math.sqrt(crowd)
        species = torch.full((120,), -1)
        species[elements] = torch.arange(kinds)
        self.register_buffer("species", species, persistent=False)
        self.register_buffer("kinds", torch.eye(kinds), persistent=False)
        table = polynomials(degree).to(torch.get_default_dtype())
        self.register_buffer("table", table, persistent=False)
        waves_ = torch.arange(1, radial + 1) * math.pi / cutoff
        self.register_buffer("frequencies", waves_, persistent=False)
        self.register_buffer("baseline", torch.zeros(kinds, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(()))
        self.shift = nn.Parameter(torch.zeros(kinds))

        self.crowd_root = crowd_root
        self.density = Channels(degree, radial * kinds, channels)
        self.center = nn.Parameter(1 + 0.1 * torch.randn(degree + 1, kinds, channels))
        self.register_buffer("degrees", degrees(degree), persistent=False)
        last = [number == layers - 1 for number in range(layers)]
        self.layers = nn.ModuleList(
            Layer(
                degree, channels, order, 0 if end else message_degree, hidden, number and channels
            )
            for number, end in enumerate(last)
        )
        self.sends = nn.ModuleList(
            Message(degree, message_degree, channels, radial, kinds, layer.width)
            for layer in self.layers[:-1]
        )

    def forward(self, system: System) -> Float[Tensor, " systems"]:
        """Energy of each system (eV), summed in float64: thousands of eV do not fit float32."""
        kinds = self.species.index_select(0, system.numbers)
        atoms = self.atomic(system).double() + self.baseline.double().index_select(0, kinds)
        return system.total(atoms)

    def atomic(self, system: System) -> Float[Tensor, " atoms"]:
        """Energy of each atom (eV), without the baseline of its element."""
        if system.neighbors is None:
            self.check(system.numbers)
        system = ensure(system, self.cutoff)
        kinds = self.species.index_select(0, system.numbers)
        y, rays = self.surroundings(system)
        around = self.kinds.index_select(0, kinds).index_select(0, system.neighbors.flatten())
        around = around.view(*system.neighbors.shape, 1, -1)  # (atoms, J, 1, kinds)
        density = y @ (rays.unsqueeze(-1) * around).flatten(2)  # (atoms, harmonics, radial·kinds)
        center = self.center.index_select(0, self.degrees).index_select(1, kinds)
        density = self.density(density.transpose(0, 1)) * center  # (harmonics, atoms, channels)
        energies, memory = self.shift.index_select(0, kinds), None
        for layer, send in zip(self.layers, [*self.sends, None], strict=True):
            features = layer(density)
            scalars = features[0] if memory is None else torch.cat([features[0], memory], -1)
            energies = energies + layer.readout(scalars).squeeze(-1)
            if send is not None:
                density, memory = send(features, density, y, rays, system, kinds)
        return energies * self.scale

    def surroundings(
        self, system: System
    ) -> tuple[Float[Tensor, "atoms harmonics J"], Float[Tensor, "atoms J radial"]]:
        """Where the neighbors are, as harmonics, and how far, as faded waves."""
        arrows = system.arrows()  # (atoms, J, 3)
        fill = (~system.mask).to(arrows.dtype)
        r = (arrows.square().sum(-1) + fill * self.cutoff**2).sqrt()  # filled up: at the cutoff
        y = harmonics(arrows / r.unsqueeze(-1), self.table)
        return y.transpose(1, 2), waves(r, self.cutoff, self.frequencies)

    def check(self, numbers: Int[Tensor, " atoms"]) -> None:
        """Refuse elements that the potential was not made for.

        Raises:
            ValueError: Names the elements that came and those that are known.
        """
        unknown = sorted(set(numbers.tolist()) - set(self.settings["elements"]))
        if unknown:
            raise ValueError(
                f"this potential knows elements {self.settings['elements']}, got {unknown}; "
                "train one on data that contain them"
            )


class Message(nn.Module):
    """What atoms tell their neighbors: scalars and vectors, weighted by distance, coupled to directions."""

    def __init__(
        self, degree: int, sent: int, channels: int, radial: int, kinds: int, width: int
    ) -> None:
        super().__init__()
        self.sent = (sent + 1) ** 2
        self.speak = Channels(sent, width, channels)
        self.accent = nn.Parameter(torch.randn(kinds, channels))
        self.inner = nn.Linear(radial, 32, bias=False)
        self.outer = nn.Parameter(torch.randn(sent + 1, 32, channels) / math.sqrt(32))
        self.register_buffer("degrees", degrees(sent), persistent=False)
        self.couple = Couple(degree, sent, degree)
        self.blend = Channels(degree, (self.couple.paths + 1) * channels, channels)

    def forward(
        self,
        features: Float[Tensor, "sent atoms width"],
        density: Float[Tensor, "harmonics atoms channels"],
        y: Float[Tensor, "atoms harmonics J"],
        rays: Float[Tensor, "atoms J radial"],
        system: System,
        kinds: Int[Tensor, " atoms"],
    ) -> tuple[Float[Tensor, "harmonics atoms channels"], Float[Tensor, "atoms channels"]]:
        """The density after one round of messages, and the scalars that were sent."""
        spoken = self.speak(features[: self.sent])  # (sent, atoms, channels)
        memory = nn.functional.silu(spoken[0] + self.accent.index_select(0, kinds))
        spoken = torch.cat([memory.unsqueeze(0), spoken[1:]])
        spoken = spoken.transpose(0, 1).flatten(1)  # (atoms, sent·channels)
        heard = spoken.index_select(0, system.neighbors.flatten())
        heard = heard.view(*system.neighbors.shape, -1)  # (atoms, J, sent·channels)
        outer = self.outer.index_select(0, self.degrees).transpose(0, 1).flatten(1)
        weights = nn.functional.silu(self.inner(rays)) @ outer
        sums = y @ (weights * heard)  # (atoms, harmonics, sent·channels)
        sums = sums.unflatten(2, (self.sent, -1)).movedim(
            0, 2
        )  # (harmonics, sent, atoms, channels)
        coupled = self.couple.mix(sums.flatten(0, 1))
        blended = self.blend(torch.cat([coupled, density.unsqueeze(2)], 2).flatten(2))
        return blended, memory
