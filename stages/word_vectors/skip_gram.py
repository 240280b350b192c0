"""Skip-gram with negative sampling: a word's vector predicts the words around it.

Mikolov, Sutskever, Chen, Corrado and Dean 2013, Distributed Representations of Words and Phrases and their
Compositionality, section 2.2, equation 4. For a word I and a word O in its window, with k negative samples w_i,

    log s(v'_O . v_I) + sum_{i=1..k} log s(-v'_{w_i} . v_I)

is maximised, s being the logistic function, v the input and v' the output vectors. Document 003 prints it as a module.

Deviations: negative samples are shared among pairs and weighted, and steps are taken for many windows at once; see
`stages/word_vectors/train.py`. As in word2vec's program, a sample may happen to be a word of the window.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.word_vectors.data import Corpus
from stages.word_vectors.train import (
    Blocks,
    InputOutput,
    NegativeArgs,
    Seen,
    in_reach,
    sum_overlaps,
    train_on_windows,
)

DATA, DATA_KINDS = Corpus, ("subsample",)


class Args(NegativeArgs):
    """Hyperparameters."""


class SkipGram(InputOutput):
    """The vectors, and the loss of a pair."""

    def forward(self, centers: Tensor, contexts: Tensor, negatives: Tensor) -> Tensor:
        """Return the loss of each pair in nats, float32 (pairs,).

        Args:
            centers: the words I, int64 (pairs,).
            contexts: the words O, int64 (pairs,).
            negatives: k samples of each pair, int64 (pairs, k).
        """
        v = self.input(centers)[:, :, None]  # (pairs, dimensions, 1)
        positive = torch.bmm(self.output(contexts)[:, None], v).flatten()  # (pairs,)
        negative = torch.bmm(self.output(negatives), v).squeeze(2)  # (pairs, k)
        return -functional.logsigmoid(positive) - functional.logsigmoid(-negative).sum(1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained vectors of `info["num_words"]` words."""
    return SkipGram(info["num_words"], args.dimensions)


def example_loss(model: SkipGram, args: Args) -> tuple[Tensor, int]:
    """Return the loss of as many pairs as a place has on average, and their number; for counting operations."""
    pairs = args.window + 1
    words = torch.zeros(pairs, dtype=torch.int64, device=model.input.weight.device)
    return model(words, words, words[:, None].expand(-1, args.num_negatives)).sum(), pairs


def train(model: SkipGram, data: Corpus, args: Args, draws: torch.Generator) -> Iterator[float]:
    """Train `model` in place; yield the loss of each epoch in nats a pair."""
    return train_on_windows(step, model, data, args, draws)


@torch.no_grad()
def step(model: SkipGram, blocks: Blocks, args: Args, learning_rate: float, look: bool) -> Seen | None:
    """Take a step of gradient descent on the summed loss of all pairs in `blocks`; return that loss if `look`."""
    inputs, outputs = model.input.weight, model.output.weight
    num_blocks, block, _ = blocks.near.shape
    dimensions = inputs.shape[1]
    centers, contexts, negatives = blocks.centers, blocks.tokens, blocks.negatives.flatten()

    v = inputs.index_select(0, centers).view(num_blocks, block, dimensions)
    u = in_reach(outputs.index_select(0, contexts), blocks.window)  # (blocks, reach, dimensions)
    n = outputs.index_select(0, negatives).view(num_blocks, -1, dimensions)
    positive = torch.bmm(v, u.transpose(1, 2))  # (blocks, BLOCK, reach)
    negative = torch.bmm(v, n.transpose(1, 2))  # (blocks, BLOCK, samples)
    # A position has as many pairs as words in its window, each with num_negatives samples.
    weight = blocks.near.sum(2, keepdim=True) * blocks.weight
    seen = None
    if look:
        log_likelihood = (functional.logsigmoid(positive) * blocks.near).sum()
        log_likelihood += (functional.logsigmoid(-negative) * weight).sum()
        seen = Seen(-log_likelihood, blocks.near.sum())

    # Derivatives of the log-likelihood by the products, times the learning rate: 1 - s(x) and -s(x).
    positive.sigmoid_().neg_().add_(1).mul_(blocks.near).mul_(learning_rate)
    negative.sigmoid_().mul_(weight * -learning_rate)
    move_v = torch.bmm(positive, u).baddbmm_(negative, n)
    move_u = sum_overlaps(torch.bmm(positive.transpose(1, 2), v), blocks.window)
    move_n = torch.bmm(negative.transpose(1, 2), v)
    inputs.index_add_(0, centers, move_v.view(-1, dimensions))
    outputs.index_add_(0, contexts, move_u)
    outputs.index_add_(0, negatives, move_n.view(-1, dimensions))
    return seen
