"""First weights have the scale that their rule says, and come from the given generator alone."""

import math

import pytest
import torch

from stages.activations.stacked_mlp import StackedMLP
from stages.initialisation.rules import initialise

SIZES = [300, 400, 400, 10]
VARIANCES = {  # of the second layer, 400 by 400
    "zeros": 0.0,
    "constant": 0.0,
    "normal": 0.7**2,
    "xavier": 2 / 800,
    "kaiming": 2 / 400,
    "pytorch": 1 / (3 * 400),
    "orthogonal": 1 / 400,
}


def initialised(rule: str, copies: int = 1, seed: int = 1) -> StackedMLP:
    network = StackedMLP(SIZES, "relu", copies)
    initialise(network, rule, 0.7 if rule == "normal" else None, torch.Generator().manual_seed(seed))
    return network


@pytest.mark.parametrize("rule", VARIANCES)
def test_weights_have_the_variance_of_their_rule(rule):
    network = initialised(rule)
    assert network.weights[1].var().item() == pytest.approx(VARIANCES[rule], rel=0.02, abs=1e-12)
    assert all((bias == 0).all() for bias in network.biases) == (rule != "pytorch")


def test_bounds_and_shapes_of_the_distributions():
    xavier, default = initialised("xavier"), initialised("pytorch")
    assert xavier.weights[0].abs().max().item() == pytest.approx(math.sqrt(6 / 700), rel=1e-3)
    assert default.weights[0].abs().max().item() == pytest.approx(300**-0.5, rel=1e-3)
    assert default.biases[1].abs().max().item() == pytest.approx(400**-0.5, rel=0.03)
    assert (initialised("constant").weights[0] == 1 / 300).all()
    weight = initialised("orthogonal").weights[1][0]
    torch.testing.assert_close(weight.T @ weight, torch.eye(400), rtol=0, atol=1e-4)


@pytest.mark.parametrize("rule", ["normal", "xavier", "kaiming", "pytorch", "orthogonal"])
def test_weights_come_from_the_given_generator_alone(rule):
    state = torch.random.get_rng_state()
    network = StackedMLP(SIZES, "relu")
    torch.random.set_rng_state(state)
    initialise(network, rule, 0.7, torch.Generator().manual_seed(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert all(map(torch.equal, network.weights, initialised(rule).weights))
    assert not torch.equal(network.weights[0], initialised(rule, seed=2).weights[0])


def test_all_copies_are_the_same():
    network = initialised("pytorch", copies=3)
    for parameter in network.parameters():
        assert torch.equal(parameter[0], parameter[2])
