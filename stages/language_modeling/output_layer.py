"""The layer that gives each word of a large vocabulary a probability, and its loss: exact, or from a sample of words.

Logits are w . h + b for features h, a vector w and a bias b of each word. Products are computed in bfloat16 where the
features are, sums in float32. Exact probabilities are computed a few rows at a time, so that memory stays bounded.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 128  # of features at once: their logits stay in the processor's cache


def sampled_cross_entropy(
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    num_frequent: int | None,
    num_sampled: int,
    draws: torch.Generator,
) -> Tensor:
    """Return an estimate of the mean negative log-likelihood in nats, a scalar whose gradient trains the layer.

    The sum over all words in softmax's denominator is that over the `num_frequent` first words, which are the most
    frequent ones and hold nearly all of it, plus that over `num_sampled` of the others, drawn without replacement and
    weighted by the inverse of their probability to be drawn (Botev, Zheng and Barber 2017, Complementary Sum Sampling
    for Likelihood Approximation in Large Scale Classification, section 3). The target's own term is always exact.

    Args:
        features: h, float32 or bfloat16 (n, d).
        weight: float32 (words, d); gets a sparse gradient where words are sampled.
        bias: float32 (words,).
        targets: int64 (n,).
        num_frequent: how many words are always in the sum; None for all, which is the usual loss.
        num_sampled: how many of the others are drawn, the same for all n.
        draws: what they are drawn from, on the CPU.
    """
    num_words, device, sparse = len(weight), features.device, num_frequent is not None
    own_weight = functional.embedding(targets, weight, sparse=sparse)  # (n, d)
    own_logits = (features.float() * own_weight).sum(1) + bias[targets]
    if num_frequent is None or num_frequent >= num_words:
        return _CrossEntropy.apply(features, weight, bias, own_logits, targets)
    rare = num_words - num_frequent
    sampled = torch.randperm(rare, generator=draws)[:num_sampled] + num_frequent
    candidates = torch.cat([torch.arange(num_frequent), sampled]).to(device)
    place = torch.full((num_words,), -1, device=device)
    place[candidates] = torch.arange(len(candidates), device=device)
    correction = torch.zeros(len(candidates), device=device)
    correction[num_frequent:] = math.log(rare / len(sampled))
    rows = functional.embedding(candidates, weight, sparse=sparse)  # (candidates, d)
    return _CrossEntropy.apply(features, rows, bias[candidates] + correction, own_logits, place[targets])


class _CrossEntropy(torch.autograd.Function):
    """The mean of log(exp(own) + sum of exp(others)) - own, with its gradient, a few rows at a time.

    Autograd would write each intermediate table of all rows and words to memory and read it again.
    """

    @staticmethod
    def forward(
        context: Any, features: Tensor, weight: Tensor, offset: Tensor, own_logits: Tensor, own_place: Tensor
    ) -> Tensor:
        """Return the loss; `own_place` is where a target is among the candidates, whose term it replaces, or -1.

        Args:
            context: keeps the gradients.
            features: (n, d).
            weight: of the candidates, float32 (candidates, d).
            offset: added to their logits, float32 (candidates,).
            own_logits: of the targets, float32 (n,).
            own_place: int64 (n,).
        """
        n, products = len(features), features.dtype
        weight = weight.to(products)
        shares = torch.empty((n, len(weight)), dtype=products, device=features.device)
        log_sums = torch.empty_like(own_logits)
        total = torch.zeros_like(offset)
        for begin in range(0, n, ROWS):
            part = slice(begin, begin + ROWS)
            logits = (features[part] @ weight.T).float().add_(offset)
            (rows,) = (own_place[part] >= 0).nonzero(as_tuple=True)
            logits[rows, own_place[part][rows]] = -math.inf
            log_sums[part] = torch.logaddexp(logits.logsumexp(1), own_logits[part])
            probabilities = logits.sub_(log_sums[part][:, None]).exp_().div_(n)
            total += probabilities.sum(0)
            shares[part] = probabilities
        own = (own_logits - log_sums).exp().sub_(1).div_(n)
        context.save_for_backward(shares @ weight, (shares.T @ features).float(), total, own)
        return (log_sums - own_logits).mean()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, weight, offset and own logits."""
        return *(gradient.to(saved.dtype) * saved for saved in context.saved_tensors), None


@torch.no_grad()
def log_likelihood(features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """Return the log-probability of each target in nats, float32 (n,), normalised over all words.

    Args:
        features: h, (n, d), of the dtype that products are computed in.
        weight: of the same dtype, (words, d).
        bias: float32 (words,).
        targets: int64 (n,).
    """
    parts = []
    for rows, wanted in zip(features.split(ROWS), targets.split(ROWS), strict=True):
        logits = (rows @ weight.T).float().add_(bias)
        parts.append(logits.gather(1, wanted[:, None])[:, 0] - logits.logsumexp(1))
    return torch.cat(parts)
