"""Activations equal torch's own, and their slopes the derivatives that torch finds."""

from typing import get_args

import pytest
import torch
from torch.nn import functional

from stages.activations.activation_functions import GAINS, GREATEST_SLOPES, ActivationName, activate, slope

NAMES = get_args(ActivationName)
LEAK = torch.tensor(0.3)
PEERS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": functional.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
    "prelu": lambda z: functional.prelu(z, LEAK.reshape(1)),
    "maxout": lambda z: torch.stack([z[:, :40], z[:, 40:]]).amax(0),
    "gelu": functional.gelu,
}


def pre_activations() -> torch.Tensor:
    return 3 * torch.randn(50, 80, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NAMES)
def test_activations_equal_torchs(name):
    z = pre_activations()
    torch.testing.assert_close(activate(name, z, LEAK), PEERS[name](z))


@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_the_derivatives(name):
    z = pre_activations().requires_grad_()
    (expected,) = torch.autograd.grad(activate(name, z, LEAK).sum(), z)
    torch.testing.assert_close(slope(name, z.detach(), LEAK), expected)
    greatest = slope(name, torch.linspace(-4, 4, 8002), LEAK).max().item()
    assert greatest == pytest.approx(GREATEST_SLOPES.get(name, 1.0), abs=1e-6)


@pytest.mark.parametrize("name", ["relu", "maxout"])
def test_gains_keep_the_mean_square_from_layer_to_layer(name):
    """Of the functions for which the gain is exact; with another gain, ten layers change it at least fivefold."""
    draws = torch.Generator().manual_seed(0)
    width = 400
    h = torch.randn(200, width, generator=draws)
    before = h.square().mean()
    for _ in range(10):
        outputs = width * (2 if name == "maxout" else 1)
        weight = torch.randn(width, outputs, generator=draws) * GAINS[name] / width**0.5
        h = activate(name, h @ weight)
    assert 0.6 < h.square().mean() / before < 1.7
