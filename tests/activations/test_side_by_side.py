"""Networks side by side are what each would be alone, trained by torch; one that overflows disturbs no other."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from stages.activations.side_by_side import best, losses, train_side_by_side
from stages.activations.stacked_mlp import StackedMLP
from stages.core.data import Split

RATES = [0.01, 0.1, 0.3]


def images(num: int = 70, seed: int = 0) -> Split:
    draws = torch.Generator().manual_seed(seed)
    return Split(torch.randn(num, 1, 3, 4, generator=draws), torch.randint(5, (num,), generator=draws))


def train(stack: StackedMLP, rates: list[float], num_epochs: int = 4, momentum: float = 0.9, seed: int = 3, **options):
    """Return what is watched, (epoch, training losses, losses of the images watched), and which networks overflow."""
    seen = []
    overflowed = train_side_by_side(
        stack,
        images(),
        images(30, seed=1),
        rates,
        lambda *found: seen.append(found),
        num_epochs=num_epochs,
        batch_size=20,
        momentum=momentum,
        seed=seed,
        **options,
    )
    return seen, overflowed.tolist()


def alone(network: StackedMLP, rate: float, num_epochs: int, momentum: float, seed: int) -> list[nn.Linear]:
    """Train the same network as torch does it: linear layers with torch.optim.SGD."""
    layers = []
    for weight, bias in zip(network.weights, network.biases, strict=True):
        layers.append(nn.Linear(*weight.shape[1:]))
        layers[-1].weight.data, layers[-1].bias.data = weight.data[0].T.clone(), bias.data[0, 0].clone()
    model = nn.Sequential(nn.Flatten(), *[part for layer in layers[:-1] for part in (layer, nn.Tanh())], layers[-1])
    optimizer = torch.optim.SGD(model.parameters(), rate, momentum=momentum)
    split, order = images(), torch.Generator().manual_seed(seed)
    for _ in range(num_epochs):
        for batch in torch.randperm(len(split.inputs), generator=order).split(20):
            optimizer.zero_grad()
            functional.cross_entropy(model(split.inputs[batch]), split.targets[batch]).backward()
            optimizer.step()
    return layers


@pytest.mark.parametrize(("num_epochs", "momentum", "seed"), [(4, 0.9, 3), (2, 0.5, 4), (3, 0.0, 3)])
def test_each_network_is_what_it_would_be_alone(num_epochs, momentum, seed):
    torch.manual_seed(0)
    network = StackedMLP([12, 7, 6, 5], "tanh")
    stack = network.repeated(len(RATES))
    train(stack, RATES, num_epochs, momentum, seed)
    for copy, rate in enumerate(RATES):
        for layer, expected in enumerate(alone(network, rate, num_epochs, momentum, seed)):
            torch.testing.assert_close(stack.weights[layer][copy], expected.weight.data.T, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(stack.biases[layer][copy, 0], expected.bias.data, rtol=1e-4, atol=1e-5)


def test_losses_are_means_over_all_images():
    torch.manual_seed(0)
    stack = StackedMLP([12, 7, 5], "relu", copies=2)
    with torch.no_grad():
        stack.weights[1][1] *= 3
    split = images(1500)  # more than are watched in one step
    for found, logits in zip(losses(stack, split), stack.logits(split.inputs), strict=True):
        assert found.item() == pytest.approx(functional.cross_entropy(logits, split.targets).item(), rel=1e-5)


def test_what_is_watched_begins_before_training():
    torch.manual_seed(0)
    stack = StackedMLP([12, 7, 5], "relu", copies=3)
    before = losses(stack, images())
    seen, _ = train(stack, RATES, num_epochs=2)
    assert [epoch for epoch, *_ in seen] == [0, 1, 2]
    assert torch.equal(seen[0][1], before) and not torch.equal(seen[2][1], seen[1][1])
    assert torch.equal(seen[2][2], losses(stack, images(30, seed=1)))


def test_looks_are_spread_over_an_epoch_and_change_nothing():
    torch.manual_seed(0)
    network, looked = StackedMLP([12, 7, 5], "relu"), []
    stack, unseen = network.repeated(3), network.repeated(3)
    options = {"looks": 2, "look": lambda *found: looked.append(found)}
    seen, _ = train(stack, RATES, num_epochs=2, **options)  # of 70 images, so that an epoch has four batches
    train(unseen, RATES, num_epochs=2)
    assert [epochs for epochs, _ in looked] == [0.5, 1.5]
    assert all(map(torch.equal, stack.parameters(), unseen.parameters()))
    assert not torch.equal(looked[1][1], seen[1][2]) and not torch.equal(looked[1][1], seen[2][2])


def test_a_network_that_overflows_stands_still_and_disturbs_no_other():
    torch.manual_seed(0)
    network = StackedMLP([12, 7, 6, 5], "relu")
    tame, wild = network.repeated(1), network.repeated(2)
    assert train(tame, [0.1])[1] == [False]
    seen, overflowed = train(wild, [0.1, 1e30])
    assert overflowed == [False, True]
    for own, both, first in zip(tame.parameters(), wild.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(both[0], own[0], rtol=1e-5, atol=1e-6)
        assert torch.equal(both[1], first[0])  # the end of the epoch before, which is the beginning
    assert all(found.isfinite().all() for _, *both in seen for found in both)
    for which in (1, 2):
        assert seen[1][which][1].item() == seen[4][which][1].item()
        assert seen[4][which][1].item() == pytest.approx(seen[0][which][1].item(), rel=1e-5)


def test_the_best_network_is_none_that_overflowed():
    scores = torch.tensor([-3.0, -1.0, -2.0, -2.0])
    assert best(scores, torch.tensor([False, True, False, False])) == 2
    assert best(scores, torch.tensor([True] * 4)) == 1  # of nothing but such networks there must be one


def test_a_copy_is_taken_out_of_a_stack():
    torch.manual_seed(0)
    network = StackedMLP([12, 7, 5], "prelu")
    stack = network.repeated(3)
    train(stack, RATES)
    network.load_copy(stack, 2)
    split = images()
    torch.testing.assert_close(network(split.inputs), stack.logits(split.inputs)[2])


def test_maxout_is_the_larger_of_two_affine_maps():
    torch.manual_seed(0)
    network = StackedMLP([12, 7, 5], "maxout")
    x, (weight, last), (bias, last_bias) = images().inputs.flatten(1), network.weights, network.biases
    first, second = (x @ weight[0, :, part] + bias[0, :, part] for part in (slice(7), slice(7, 14)))
    torch.testing.assert_close(network(images().inputs), torch.max(first, second) @ last[0] + last_bias[0])
