"""A step recorded once on a GPU and replayed as a whole: no launch of small kernels by Python, one by one.

A step of a small molecule is several hundred kernels of microseconds, and launching them takes longer
than running them. A CUDA graph launches all of them at once. It is possible because a step never asks
the host for a value (`device.py`).
"""

from dataclasses import fields, replace

import torch
from torch import Tensor

from mdlearn.dynamics.integrators import Noise, State, Step
from mdlearn.potentials.system import System

ROOM = 16  # tables are widened to a multiple, so that a new one rarely needs a new recording
FAR = 1e6  # Å, where the pairs that fill up a list stand: no potential reaches


def captured(step: Step) -> Step:
    """The same step, replayed from a CUDA graph where the state is on a GPU; elsewhere the step itself.

    The first call, and one with a table of another width, records anew: a tenth of a second. Between
    two frames of `run` nothing else changes.

    Args:
        step: From `integrators` or `ensembles`; its temperature and time step are part of the recording.

    References:
        A. Gray, "Getting started with CUDA graphs", NVIDIA developer blog (2019).
    """
    recordings: dict[tuple, _Recording] = {}

    def replayed(state: State, noise: Noise | None = None) -> State:
        if not state.velocities.is_cuda:
            return step(state, noise)
        state = replace(state, system=roomy(state.system))
        key = _shapes(state, noise)
        if key not in recordings:
            recordings.clear()  # the memory of the old one
            recordings[key] = _Recording(step, state, noise)
        return recordings[key](state, noise)

    return replayed


def roomy(system: System) -> System:
    """The system with its neighbor table filled up to a multiple of `ROOM` columns, or its list of pairs.

    What is filled in is masked, or stands too far away to be felt: energies and forces are the same.
    """
    if system.pairs is not None:
        more = -system.pairs.shape[1] % (ROOM * 64)
        if not more:
            return system
        nobody = system.pairs.new_zeros(2, more)
        away = system.moves.new_full((3, more), FAR)
        return replace(
            system,
            pairs=torch.cat([system.pairs, nobody], 1),
            moves=torch.cat([system.moves, away], 1),
        )
    if system.neighbors is None or not -system.neighbors.shape[1] % ROOM:
        return system
    atoms, width = system.neighbors.shape
    more = -width % ROOM
    itself = torch.arange(atoms, device=system.neighbors.device).unsqueeze(1).expand(-1, more)
    shifts = system.shifts
    if shifts is not None:
        shifts = torch.cat([shifts, shifts.new_zeros(atoms, more, 3)], 1)
    return replace(
        system,
        neighbors=torch.cat([system.neighbors, itself], 1),
        mask=torch.cat([system.mask, system.mask.new_zeros(atoms, more)], 1),
        shifts=shifts,
    )


class _Recording:
    """A CUDA graph of one step, with the tensors that it reads and writes."""

    def __init__(self, step: Step, state: State, noise: Noise | None) -> None:
        self.inputs = [tensor.clone() for tensor in _tensors(state, noise)]
        self.seen: list[Tensor | None] = [None] * len(self.inputs)
        here, row = _filled(state, noise, self.inputs)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries choose and allocate before the recording
                step(here, row)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.after = step(here, row)
        self.own = {id(tensor) for tensor in self.inputs}

    def __call__(self, state: State, noise: Noise | None) -> State:
        for place, tensor in enumerate(_tensors(state, noise)):
            if self.seen[place] is not tensor:  # tables and masses stay for many steps
                self.inputs[place].copy_(tensor)
                self.seen[place] = tensor
        self.graph.replay()
        return _given(self.after, state, self.own)


def _given(after: State, before: State, own: set[int]) -> State:
    """What the graph wrote, copied; what it only passed on comes from the state before."""

    def copy(new: object, old: object) -> object:
        if not isinstance(new, Tensor):
            return new
        return old if id(new) in own else new.clone()

    system = {
        f.name: copy(getattr(after.system, f.name), getattr(before.system, f.name))
        for f in fields(System)
    }
    rest = {
        f.name: copy(getattr(after, f.name), getattr(before, f.name))
        for f in fields(State)
        if f.name != "system"
    }
    return State(system=System(**system), **rest)


def _tensors(state: State, noise: Noise | None) -> list[Tensor]:
    parts = [*vars(state.system).values(), *vars(state).values(), noise]
    return [part for part in parts if isinstance(part, Tensor)]


def _filled(state: State, noise: Noise | None, tensors: list[Tensor]) -> tuple[State, Noise | None]:
    """State and noise made of other tensors, in the order of `_tensors`."""
    left = iter(tensors)

    def take(values: dict[str, object]) -> dict[str, object]:
        return {k: next(left) if isinstance(v, Tensor) else v for k, v in values.items()}

    system = replace(state.system, **take(vars(state.system)))
    rest = {k: v for k, v in vars(state).items() if k != "system"}
    whole = State(system=system, **take(rest))
    return whole, None if noise is None else next(left)


def _shapes(state: State, noise: Noise | None) -> tuple:
    return (
        state.system.systems,
        *((tuple(part.shape), part.dtype) for part in _tensors(state, noise)),
        *(part is None for part in (*vars(state.system).values(), *vars(state).values())),
    )
