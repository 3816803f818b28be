"""The optimizer of potentials: Adam, in the directions in which the gradients of a matrix are independent.

Next: `train.py`, the loop that uses it.
"""

from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

State = dict[str, Tensor]


class Soap(torch.optim.Optimizer):
    r"""Adam divides each number of a gradient by its usual size; where they are correlated, that misleads.

    For a matrix with gradient $G$ this optimizer follows $L = \langle G G^T \rangle$ and
    $R = \langle G^T G \rangle$, turns the gradient into their eigenvectors, $G' = Q_L^T G Q_R$, where its
    numbers are nearly independent, makes Adam's step there, and turns the step back. The eigenvectors
    follow by orthogonal iteration, $Q \leftarrow \mathrm{qr}(L Q)$, every tenth step. A weight with more
    than two dimensions is a batch of matrices, a large matrix is cut into blocks, a vector gets plain
    Adam.

    Args:
        weights: Weights, or groups of them, each with an `lr` of its own if need be.
        lr: Learning rate.
        betas: Decays of the means of gradients and of their squares.
        memory: Decay of L and R.
        every: Steps between turns of the eigenvectors.
        block: Most rows and columns of a block.
        eps: Added to the root of the mean square.

    References:
        Vyas et al., ICLR (2025), arXiv:2409.11321, algorithm 3; Anil et al., arXiv:2002.09018: blocks.
    """

    def __init__(
        self,
        weights: Iterable[Tensor] | Iterable[dict],
        lr: float = 1e-2,
        *,
        betas: tuple[float, float] = (0.95, 0.95),
        memory: float = 0.95,
        every: int = 10,
        block: int = 64,
        eps: float = 1e-8,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "memory": memory, "every": every, "eps": eps}
        super().__init__(weights, settings | {"block": block})

    @torch.no_grad()
    def step(self) -> None:
        """Move each weight; no gradient counts as zero."""
        for group in self.param_groups:
            alike: dict[tuple[int, ...], list[Tensor]] = {}  # moved at once, for speed
            for weight in group["params"]:
                alike.setdefault(_block(weight.shape, group["block"]), []).append(weight)
            for shape, some in alike.items():
                self._move(some, shape, group)

    def _move(self, weights: list[Tensor], shape: tuple[int, ...], group: dict) -> None:
        """Weights that have blocks of one shape; the first of them keeps the state."""
        grads = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        blocks = [_cut(one, shape) for one in grads]
        state, grad = self.state[weights[0]], torch.cat(blocks)
        if not state:
            state.update(_start(grad))
        moves = _direction(grad, state, group).split([len(part) for part in blocks])
        for weight, move in zip(weights, moves, strict=True):
            weight.sub_(_joined(move, weight), alpha=group["lr"])


@cache
def _block(shape: tuple[int, ...], largest: int) -> tuple[int, ...]:
    """Rows and columns of a block: the largest divisors that are not over the limit; () of a vector."""
    sides = shape[-2:] if len(shape) > 1 else ()
    return tuple(
        next(part for part in range(min(side, largest), 0, -1) if side % part == 0)
        for side in sides
    )


def _cut(matrix: Tensor, block: tuple[int, ...]) -> Tensor:
    """Blocks (number, rows, columns) of a matrix or of several; a vector as it is."""
    if not block:
        return matrix.flatten()
    rows, columns = block
    cut = matrix.unflatten(-1, (-1, columns)).unflatten(-3, (-1, rows))
    return cut.transpose(-3, -2).reshape(-1, rows, columns)


def _joined(blocks: Tensor, like: Tensor) -> Tensor:
    """The inverse of `_cut`."""
    if blocks.dim() < 2:
        return blocks.view_as(like)
    rows, columns = blocks.shape[-2:]
    grid = (*like.shape[:-2], like.shape[-2] // rows, like.shape[-1] // columns, rows, columns)
    return blocks.view(grid).transpose(-3, -2).reshape(like.shape)


def _start(blocks: Tensor) -> State:
    """Nothing seen yet; the eigenvectors are the axes."""
    state = {"step": torch.tensor(0.0)}  # on the CPU, where it is read
    state |= {"mean": torch.zeros_like(blocks), "squares": torch.zeros_like(blocks)}
    for side, size in zip(("left", "right"), blocks.shape[1:], strict=False):
        if size > 1:
            axes = torch.eye(size, dtype=blocks.dtype, device=blocks.device)
            state[f"{side}axes"] = axes.repeat(len(blocks), 1, 1)
            state[side] = torch.zeros_like(state[f"{side}axes"])
    return state


def _direction(grad: Tensor, state: State, settings: dict) -> Tensor:
    """Where to go: Adam's step, made among the eigenvectors, where the means are kept."""
    step = int(state["step"].add_(1))
    first, second = settings["betas"]
    for side in ("left", "right"):
        if side in state:
            product = grad @ grad.mT if side == "left" else grad.mT @ grad
            state[side].lerp_(product, 1 - settings["memory"])
    if step % settings["every"] == 0:
        mean = _turn(state["mean"], state, back=True)
        for side in ("left", "right"):
            if side in state:
                axes = state[f"{side}axes"]
                axes.copy_(torch.linalg.qr(state[side] @ axes).Q)
        state["mean"].copy_(_turn(mean, state))
    turned = _turn(grad, state)
    state["mean"].lerp_(turned, 1 - first)
    state["squares"].mul_(second).addcmul_(turned, turned, value=1 - second)
    size = (state["squares"] / (1 - second**step)).sqrt() + settings["eps"]
    return _turn(state["mean"] / size, state, back=True) / (1 - first**step)


def _turn(matrix: Tensor, state: State, *, back: bool = False) -> Tensor:
    """Into the eigenvectors, or back."""
    left, right = state.get("leftaxes"), state.get("rightaxes")
    if left is not None:
        matrix = (left if back else left.mT) @ matrix
    if right is not None:
        matrix = matrix @ (right.mT if back else right)
    return matrix
