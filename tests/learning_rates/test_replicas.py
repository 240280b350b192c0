"""Copies that train side by side beside single networks trained by torch."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from stages.learning_rates.replicas import Replicas

RATES = [0.05, 0.2, 0.4]


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 7), nn.ReLU(), nn.Linear(7, 4)).double()


def drawn(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(count, 12, generator=draws).double(), torch.randint(4, (count,), generator=draws)


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_each_copy_trains_as_torch_would_train_it(network, momentum, batch_size):
    """Because the gradients and the optimizer are written out."""
    replicas, network_after = Replicas(network, RATES, momentum), copy.deepcopy(network)
    peers = [copy.deepcopy(network) for _ in RATES]
    optimizers = [torch.optim.SGD(peer.parameters(), rate, momentum) for peer, rate in zip(peers, RATES, strict=True)]
    for step in range(30):
        inputs, targets = drawn(batch_size, step)
        scale = 1 / (1 + step % 3)
        losses = replicas.step(inputs, targets, scale)
        for peer, optimizer, rate, loss in zip(peers, optimizers, RATES, losses, strict=True):
            optimizer.param_groups[0]["lr"] = rate * scale
            optimizer.zero_grad()
            expected = functional.cross_entropy(peer(inputs), targets)
            expected.backward()
            optimizer.step()
            assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    for number, peer in enumerate(peers):
        replicas.write_to(network_after, number)
        for ours, theirs in zip(network_after.parameters(), peer.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_losses_are_those_of_single_networks(network):
    replicas = Replicas(network, RATES, 0.0)
    replicas.step(*drawn(6), 1.0)
    inputs, targets = drawn(20, 1)
    for number, loss in enumerate(replicas.losses(inputs, targets)):
        replicas.write_to(network, number)
        assert loss.item() == pytest.approx(functional.cross_entropy(network(inputs), targets).item())


def test_a_copy_that_diverges_leaves_the_others_alone(network):
    """Their rates share products, so that a NaN must not spread."""
    together, alone = Replicas(network, [0.1, 1e300], 0.9), Replicas(network, [0.1], 0.9)
    for step in range(5):
        for replicas in (together, alone):
            replicas.step(*drawn(6, step), 1.0)
    assert not together.losses(*drawn(6))[1].isfinite()
    assert together.losses(*drawn(6))[0].item() == pytest.approx(alone.losses(*drawn(6))[0].item())


def test_the_network_that_is_copied_keeps_its_weights(network):
    """With one rate, too, where a view would do for a copy."""
    before = copy.deepcopy(network.state_dict())
    Replicas(network, [0.5], 0.0).step(*drawn(6), 1.0)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
