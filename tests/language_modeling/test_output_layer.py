"""The output layer: its loss is that of the full softmax, sampled on average; probabilities are exact."""

import math

import pytest
import torch
from torch.nn import functional

from stages.language_modeling.output_layer import ROWS, log_likelihood, sampled_cross_entropy

WORDS, SIZE, NUM = 50, 8, 2 * ROWS + 7  # rows that do not fill the last chunk


@pytest.fixture
def layer():
    draws = torch.Generator().manual_seed(0)
    features, weight, bias = (
        torch.randn(shape, generator=draws, requires_grad=True) for shape in ((NUM, SIZE), (WORDS, SIZE), (WORDS,))
    )
    return features, weight, bias, torch.randint(WORDS, (NUM,), generator=draws)


def sampled(layer, num_frequent, num_sampled, seed=0):
    features, weight, bias, targets = layer
    draws = torch.Generator().manual_seed(seed)
    return sampled_cross_entropy(
        features, weight, bias, targets, num_frequent=num_frequent, num_sampled=num_sampled, draws=draws
    )


def gradients(loss, layer):
    found = torch.autograd.grad(loss, layer[:3])
    return [gradient.to_dense() if gradient.is_sparse else gradient for gradient in found]


@pytest.mark.parametrize(("num_frequent", "num_sampled"), [(None, 1), (WORDS, 1), (20, 30), (1, 1000)])
def test_with_all_words_it_is_the_full_softmax(layer, num_frequent, num_sampled):
    """Loss and gradients by autograd of the usual cross-entropy, whichever way all words come to be candidates."""
    features, weight, bias, targets = layer
    full = functional.cross_entropy(features @ weight.T + bias, targets)
    loss = sampled(layer, num_frequent, num_sampled)
    torch.testing.assert_close(loss, full)
    for found, expected in zip(gradients(loss, layer), gradients(full, layer), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_the_sum_over_sampled_words_is_right_on_average(layer):
    """The mean over draws of the estimated denominator is the exact one: sampled words are weighted as they must be."""
    features, weight, bias, targets = (tensor.detach()[:1] if tensor.shape[0] == NUM else tensor for tensor in layer)
    one = (features, weight.detach(), bias.detach(), targets)
    own = (features @ weight.T + bias)[0, targets[0]].item()
    sums = [math.exp(sampled(one, 10, 8, seed).item() + own) for seed in range(2000)]
    exact = (features @ weight.T + bias).exp().sum().item()
    assert sum(sums) / len(sums) == pytest.approx(exact, rel=0.03)


def test_most_words_get_no_gradient(layer):
    """Only candidates and targets are in the sparse gradient: that is what makes a step cheap."""
    features, weight, bias, _ = layer
    targets = torch.full((NUM,), 3)
    draws = torch.Generator().manual_seed(0)
    loss = sampled_cross_entropy(features, weight, bias, targets, num_frequent=5, num_sampled=4, draws=draws)
    (gradient,) = torch.autograd.grad(loss, weight)
    assert gradient.is_sparse
    assert len(gradient.coalesce().indices()[0]) == 9


def test_log_likelihood_is_normalised(layer):
    """The probabilities of all words add up to one, and each is log-softmax's."""
    features, weight, bias, targets = (tensor.detach() for tensor in layer)
    expected = (features @ weight.T + bias).log_softmax(1)
    found = torch.stack([log_likelihood(features, weight, bias, torch.full((NUM,), word)) for word in range(WORDS)], 1)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.exp().sum(1), torch.ones(NUM))
    torch.testing.assert_close(
        log_likelihood(features, weight, bias, targets), expected.gather(1, targets[:, None])[:, 0]
    )
