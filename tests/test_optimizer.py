"""The optimizer: its directions, its blocks, and Adam as the case without directions."""

import pytest
import torch
from torch import Tensor

from mdlearn.optimizer import Soap


def weight(*shape: int, seed: int = 0) -> Tensor:
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return made.requires_grad_()


def descend(some: list[Tensor], optimizer: torch.optim.Optimizer, steps: int = 25) -> list[Tensor]:
    for step in range(steps):
        for k, one in enumerate(some):
            one.grad = weight(*one.shape, seed=100 * step + k).detach()
        optimizer.step()
    return [one.detach().clone() for one in some]


def test_vectors_and_blocks_of_one_number_get_adam() -> None:
    betas = (0.95, 0.95)
    plain = descend(some := [weight(5), weight(3, 4)], torch.optim.Adam(some, 0.1, betas=betas))
    found = descend(some := [weight(5), weight(3, 4)], Soap(some, 0.1, betas=betas, block=1))
    for one, other in zip(found, plain, strict=True):
        torch.testing.assert_close(one, other)


def test_turned_gradients_turn_the_steps() -> None:
    """Adam depends on the axes that weights are written in; this does not (once its own have settled)."""
    turn = torch.linalg.qr(weight(6, 6, seed=5).detach()).Q
    factors = torch.tensor([8.0, 4, 2, 1, 0.5, 0.25]).double()
    gaps = {}
    for make in (Soap, torch.optim.Adam):
        one, other = (torch.zeros(6, 4).double().requires_grad_() for _ in range(2))
        first, second = make([one], 0.01), make([other], 0.01)
        for step in range(600):
            if step == 300:
                settled = one.detach().clone(), other.detach().clone()
            one.grad = factors[:, None] * weight(6, 4, seed=step).detach()
            other.grad = turn @ one.grad
            first.step(), second.step()
        path, turned = one.detach() - settled[0], other.detach() - settled[1]
        gaps[make] = float((turned - turn @ path).norm() / path.norm())
    assert gaps[Soap] < 0.1 < 0.5 < gaps[torch.optim.Adam]


@pytest.mark.parametrize("shape", [(6, 8), (2, 6, 8), (2, 3, 6, 8), (7, 8), (1, 8)])
def test_blocks_are_matrices_of_their_own(shape: tuple[int, ...]) -> None:
    rows = max(part for part in range(1, 5) if shape[-2] % part == 0)
    whole = descend([one := weight(*shape)], Soap([one], 0.1, block=4))[0]
    start = weight(*shape).detach()
    for i in range(0, shape[-2], rows):
        for j in range(0, shape[-1], 4):
            part = start[..., i : i + rows, j : j + 4].clone().requires_grad_()
            optimizer = Soap([part], 0.1)
            for step in range(25):
                grad = weight(*shape, seed=100 * step).detach()
                part.grad = grad[..., i : i + rows, j : j + 4]
                optimizer.step()
            torch.testing.assert_close(whole[..., i : i + rows, j : j + 4], part.detach())


def test_weights_of_one_shape_do_not_mix() -> None:
    alone = descend([one := weight(4, 6)], Soap([one], 0.1))[0]
    together = descend(some := [weight(4, 6), weight(4, 6, seed=9)], Soap(some, 0.1))[0]
    torch.testing.assert_close(together, alone)


def test_groups_have_rates_of_their_own() -> None:
    some = [weight(4, 6), weight(4, 6, seed=1)]
    start = [one.detach().clone() for one in some]
    still, moved = descend(some, Soap([{"params": some[:1], "lr": 0.0}, {"params": some[1:]}], 0.1))
    assert torch.equal(still, start[0])
    assert not torch.equal(moved, start[1])


def test_a_weight_without_gradients_stays_and_may_get_some_later() -> None:
    still, moving = weight(4, 6), weight(4, 6, seed=1)
    optimizer, start = Soap([still, moving], 0.1), still.detach().clone()
    for grad in (None, torch.zeros_like(still)):
        moving.grad, still.grad = moving.detach().clone(), grad
        optimizer.step()
        assert torch.equal(still, start)
    still.grad = start.clone()
    optimizer.step()
    assert not torch.equal(still, start)


def test_correlated_parameters_are_no_obstacle() -> None:
    """Least squares with inputs that are nearly the same: Adam of the same rate is far away still."""
    x = weight(64, 6, seed=3).detach() @ torch.diag(torch.logspace(0, -2, 6).double())
    x = x @ torch.linalg.qr(weight(6, 6, seed=4).detach()).Q
    y = x @ weight(6, 3, seed=2).detach()
    losses = {}
    for make in (Soap, torch.optim.Adam):
        matrix = torch.zeros(6, 3).double().requires_grad_()
        optimizer = make([matrix], 0.05)
        for _ in range(300):
            optimizer.zero_grad()
            loss = (x @ matrix - y).square().mean()
            loss.backward()
            optimizer.step()
        losses[make] = float(loss.detach())
    assert losses[Soap] < 0.1 * losses[torch.optim.Adam]
