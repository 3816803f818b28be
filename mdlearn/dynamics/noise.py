"""Random numbers for steps: from one seed for all systems, or from one seed for each.

With a seed for each, a replica in a batch sees the numbers that it would see alone.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mdlearn.potentials.system import System

BLOCK = 300_000  # random numbers drawn at once, at most
LONGEST = 64  # steps in a block, at most


class Source:
    """Gives the noise of one step after the other: rows for the atoms, then three for each system.

    Numbers are drawn in blocks of steps, since a generator for each of many replicas is slow to ask.

    Args:
        system: How many atoms and systems, on which device, in which precision.
        seed: One for everything, or one for each system.
    """

    def __init__(self, system: System, seed: int | Sequence[int]) -> None:
        self.like = system.positions
        sizes = torch.bincount(system.index, minlength=system.systems).tolist()
        if isinstance(seed, int):
            self.sizes, self.cells, seeds = [sum(sizes)], [system.systems], [seed]
        else:
            self.sizes, self.cells, seeds = sizes, [1] * len(sizes), list(seed)
            if len(seeds) != len(sizes):
                raise ValueError(
                    f"got {len(seeds)} seeds for {len(sizes)} systems; give one for each"
                )
        device = self.like.device
        self.generators = [torch.Generator(device).manual_seed(one) for one in seeds]
        widest = max(size + 3 * cell for size, cell in zip(self.sizes, self.cells, strict=True))
        self.length = max(1, min(LONGEST, BLOCK // (3 * widest)))
        self.place, self.block = self.length, None
        self.begins = [generator.get_state() for generator in self.generators]

    def next(self) -> Float[Tensor, "rows 3"]:
        """The noise of the next step."""
        if self.place == self.length:
            self._draw()
        row = self.block[self.place]
        self.place += 1
        return row

    def state(self) -> dict[str, Tensor]:
        """What is needed to go on from here with the same numbers."""
        return {"generators": torch.stack(self.begins), "place": torch.tensor(self.place)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        for generator, begin in zip(self.generators, state["generators"], strict=True):
            generator.set_state(begin)
        place = int(state["place"])
        self.place, self.block = self.length, None
        if place < self.length:
            self._draw()
            self.place = place

    def _draw(self) -> None:
        self.begins = [generator.get_state() for generator in self.generators]
        atoms, cells = [], []
        for generator, size, cell in zip(self.generators, self.sizes, self.cells, strict=True):
            shape, kind = (self.length, size + 3 * cell, 3), {"device": self.like.device}
            drawn = torch.randn(shape, generator=generator, dtype=self.like.dtype, **kind)
            atoms.append(drawn[:, :size])
            cells.append(drawn[:, size:])
        self.block, self.place = torch.cat([*atoms, *cells], 1), 0
