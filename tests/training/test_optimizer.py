"""The optimizer against a singular value decomposition, PyTorch's Adam, and itself after a checkpoint."""

import copy
import math

import pytest
import torch

from training.run import checkpoint as ck
from training.run.optimizer import Optimizer, is_inner

RATE = 1e-2


def network():
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 24, 3), torch.nn.Conv2d(24, 32, 3), torch.nn.Conv2d(32, 16, 1), torch.nn.Linear(2, 2))
    return torch.nn.Sequential(*layers)


def descend(model, optimizer, steps=1):
    for step in range(steps):
        optimizer.zero_grad()
        torch.manual_seed(step)
        model(torch.randn(4, 3, 6, 6)).square().mean().backward()
        optimizer.step()


def given_slope(model):
    """Give the inner convolution a gradient of known singular values, from 1 down to 0.1. Returns it as a matrix."""
    torch.manual_seed(1)
    u, _, v = torch.linalg.svd(torch.randn(32, 24 * 9), full_matrices=False)
    slope = u * torch.linspace(1.0, 0.1, 32) @ v
    model[1].weight.grad = slope.view(32, 24, 3, 3)
    return slope


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_inner_convolutions_move_alike_in_all_directions(layout):
    """The step has the gradient's singular vectors, and all its singular values are about the rate's."""
    model = network().to(memory_format=layout)
    before, slope = model[1].weight.detach().clone(), given_slope(model)
    Optimizer(model, RATE).step()
    step = (before - model[1].weight.detach()).flatten(1) / (RATE * 0.2 * math.sqrt(24 * 9))
    u, _, v = torch.linalg.svd(slope, full_matrices=False)
    along = u.T @ step @ v.T
    assert 0.6 < along.diagonal().min() and along.diagonal().max() < 1.3  # Muon's iteration is meant to be that rough
    assert (along - along.diagonal().diag()).abs().max() < 0.05


def test_everything_else_is_adams():
    """Without Muon every parameter moves as with PyTorch's Adam; with it, only the inner convolution does not."""
    plain, ours, mixed = network(), network(), network()
    descend(plain, torch.optim.Adam(plain.parameters(), RATE, betas=(0.9, 0.99)))
    descend(ours, Optimizer(ours, RATE, inner=False))
    descend(mixed, Optimizer(mixed, RATE))
    for a, b, c in zip(plain.parameters(), ours.parameters(), mixed.parameters()):
        assert torch.equal(a, b)
        assert torch.equal(a, c) != is_inner(a)
    assert [is_inner(p) for p in plain.parameters()] == [False, False, True] + [False] * 5


def test_the_rate_is_set_for_both():
    model = network()
    optimizer = Optimizer(model, RATE)
    before = copy.deepcopy(model)
    optimizer.set_rate(0.0)
    descend(model, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before.parameters()))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_checkpoint_holds_the_momentum(layout):
    model, again = (network().to(memory_format=layout) for _ in range(2))
    optimizer, other = Optimizer(model, RATE), Optimizer(again, RATE)
    descend(model, optimizer, 3)
    ck.unpack(ck.settle(model, model, optimizer), again, again, other)
    for parameter, twin in zip(model.parameters(), again.parameters()):
        for ours, theirs in zip(optimizer.moments(parameter), other.moments(twin)):
            assert ours is theirs is None or torch.equal(ours, theirs)
    descend(model, optimizer)
    descend(again, other)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters()))
