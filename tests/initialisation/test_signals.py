"""Signals by layer equal those of a network of torch's modules, and units that are equal stay equal bit for bit."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional

from stages.activations.side_by_side import train_side_by_side
from stages.activations.stacked_mlp import StackedMLP
from stages.core.data import Split
from stages.initialisation.rules import initialise
from stages.initialisation.signals import signals, unit_difference


def images(num: int = 64, size: int = 12) -> Split:
    draws = torch.Generator().manual_seed(0)
    return Split(torch.randn(num, 1, size, size, generator=draws), torch.randint(10, (num,), generator=draws))


def network_of(rule: str, activation: str, depth: int, width: int = 16, sd: float | None = None) -> StackedMLP:
    network = StackedMLP([144, *[width] * depth, 10], activation)
    initialise(network, rule, sd, torch.Generator().manual_seed(1))
    return network


@pytest.mark.parametrize(("activation", "module"), [("tanh", nn.Tanh), ("relu", nn.ReLU), ("sigmoid", nn.Sigmoid)])
def test_signals_are_those_of_torchs_modules(activation, module):
    """Each layer's values and their gradients, found by hooks, in float64."""
    network, split = network_of("kaiming", activation, 3), images()
    h, values, grads = split.inputs.double().flatten(1), [], []
    values.append(h)
    for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        z = h @ weight.detach()[0].double() + bias.detach()[0, 0].double()
        z.requires_grad_() if layer == 0 else None
        z.retain_grad()
        grads.append(z)
        if layer < 3:
            h = module()(z)
            values.append(h)
    functional.cross_entropy(z, split.targets, reduction="none").sum().backward()
    activation_sd, gradient_sd = signals(network, split)
    torch.testing.assert_close(activation_sd, torch.stack([deviation(value.detach()) for value in values]))
    torch.testing.assert_close(gradient_sd, torch.stack([deviation(z.grad) for z in grads]))


def deviation(values: torch.Tensor) -> torch.Tensor:
    """Return the root of the mean over units of the variance over images; `values` are (images, units)."""
    return (values - values.mean(0)).square().mean().sqrt()


def test_units_that_differ_alike_for_all_images_are_no_signal():
    """Twenty layers of sigmoid differ from unit to unit, but hardly from image to image: what they tell is lost."""
    activation_sd, _ = signals(network_of("xavier", "sigmoid", 20, width=64), images())
    assert activation_sd[-1] / activation_sd[0] < 1e-9
    network = network_of("zeros", "sigmoid", 1)
    with torch.no_grad():
        network.biases[0].copy_(torch.linspace(-3, 3, 16))
    assert signals(network, images())[0][1] == 0


def test_signals_vanish_and_explode_by_a_factor_a_layer():
    """Without a loss of float32's range: 40 layers of ReLU multiply the signal by sd * sqrt(width / 2) each."""
    for sd, factor in ((1e-3, 1e-3 * 32**0.5), (100.0, 100 * 32**0.5)):
        activation_sd, gradient_sd = signals(network_of("normal", "relu", 40, width=64, sd=sd), images())
        per_layer = [(after / before).item() for before, after in pairwise(activation_sd[2:])]
        assert torch.tensor(per_layer).log().mean().exp().item() == pytest.approx(factor, rel=0.15)
        assert activation_sd.isfinite().all() and gradient_sd.isfinite().all() and (gradient_sd > 0).all()
        assert (gradient_sd[0] / gradient_sd[-1] < 1e-40) == (sd < 1)


def test_zeros_pass_nothing_on():
    activation_sd, gradient_sd = signals(network_of("zeros", "relu", 3), images())
    assert activation_sd[0] > 0 and (activation_sd[1:] == 0).all()
    assert gradient_sd[-1] > 0 and (gradient_sd[:-1] == 0).all()


def trained(network: StackedMLP, rates: list[float], num_epochs: int = 3) -> StackedMLP:
    stack = network.repeated(len(rates))
    options = {"num_epochs": num_epochs, "batch_size": 50, "momentum": 0.9, "seed": 1}
    train_side_by_side(stack, images(400), images(), rates, lambda *found: None, **options)
    return stack


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("depth", [2, 6, 20])
def test_equal_units_stay_equal_bit_for_bit(activation, depth):
    """Each bit of the weights of each hidden unit after training, at the width of the rows."""
    network = network_of("constant", activation, depth, width=64)
    stack = trained(network, [0.003, 0.03, 0.3])
    for layer in range(depth):
        bits = torch.cat([stack.weights[layer], stack.biases[layer]], 1).view(torch.int32)
        assert torch.equal(bits, bits[..., :1].expand_as(bits))
    moved = [
        not torch.equal(after[-1], before[0]) for after, before in zip(stack.weights, network.weights, strict=True)
    ]
    assert moved[-1] and (all(moved) or activation == "sigmoid")  # whose gradient is lost on the way
    assert unit_difference(stack) == 0


def test_one_unit_that_begins_otherwise_breaks_the_symmetry():
    network = network_of("constant", "tanh", 2)
    with torch.no_grad():
        network.weights[0][0, 0, 3] += 0.1
    assert unit_difference(trained(network, [0.03])) > 0.05


def test_the_difference_of_units_by_hand():
    """Largest over layers and relative to a layer's largest weight; the output layer does not count."""
    network = StackedMLP([2, 2, 2, 2], "relu")
    with torch.no_grad():
        for weight, bias in zip(network.weights, network.biases, strict=True):
            weight.fill_(1.0), bias.zero_()
        network.weights[2][0, 0, 1] = 50.0
        assert unit_difference(network) == 0
        network.biases[0][0, 0, 1] = 0.5
        assert unit_difference(network) == 0.5
        network.weights[1][0, 1, 1] = -4.0
        assert unit_difference(network) == 1.25
