"""Continuous bag of words: the mean of the words around a place predicts the word there.

Mikolov, Chen, Corrado and Dean 2013, Efficient Estimation of Word Representations in Vector Space, section 3.1, with
negative sampling as in `skip_gram.py`. For the mean h of the input vectors in the window of word O,

    log s(v'_O . h) + sum_{i=1..k} log s(-v'_{w_i} . h)

is maximised. Each vector of the window is moved by the gradient of the mean, that is by 1/(words in the window) of h's;
word2vec's program and gensim move each by the whole of it (Irsoy, Benton and Stratos 2021, Corrected CBOW Performs as
well as Skip-gram, section 3), so that a learning rate here compares with a smaller one there.

Deviations: samples are shared and steps are taken for many windows at once; see `stages/word_vectors/train.py`.
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


class Cbow(InputOutput):
    """The vectors, and the loss of a place."""

    def forward(self, contexts: Tensor, in_window: Tensor, centers: Tensor, negatives: Tensor) -> Tensor:
        """Return the loss of each place in nats, float32 (places,).

        Args:
            contexts: words around each place, int64 (places, reach).
            in_window: which of them count, bool (places, reach); at least one a place.
            centers: the words O, int64 (places,).
            negatives: k samples of each place, int64 (places, k).
        """
        share = in_window / in_window.sum(1, keepdim=True)
        h = torch.bmm(share[:, None], self.input(contexts)).transpose(1, 2)  # (places, dimensions, 1)
        positive = torch.bmm(self.output(centers)[:, None], h).flatten()
        negative = torch.bmm(self.output(negatives), h).squeeze(2)
        return -functional.logsigmoid(positive) - functional.logsigmoid(-negative).sum(1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained vectors of `info["num_words"]` words."""
    return Cbow(info["num_words"], args.dimensions)


def train(model: Cbow, data: Corpus, args: Args, draws: torch.Generator) -> Iterator[float]:
    """Train `model` in place; yield the loss of each epoch in nats a place."""
    return train_on_windows(step, model, data, args, draws)


@torch.no_grad()
def step(model: Cbow, blocks: Blocks, args: Args, learning_rate: float, look: bool) -> Seen | None:
    """Take a step of gradient descent on the summed loss of all places in `blocks`; return that loss if `look`."""
    inputs, outputs = model.input.weight, model.output.weight
    num_blocks, block, _ = blocks.near.shape
    dimensions = inputs.shape[1]
    centers, contexts, negatives = blocks.centers, blocks.tokens, blocks.negatives.flatten()

    share = blocks.near.to(inputs.dtype)  # (blocks, BLOCK, reach)
    size = share.sum(2, keepdim=True)
    share.div_(size.clamp(min=1))
    counts = (size > 0) * learning_rate  # a place without words around it has no loss
    v = in_reach(inputs.index_select(0, contexts), blocks.window)  # (blocks, reach, dimensions)
    u = outputs.index_select(0, centers).view(num_blocks, block, dimensions)
    n = outputs.index_select(0, negatives).view(num_blocks, -1, dimensions)
    h = torch.bmm(share, v)
    positive = torch.linalg.vecdot(h, u)[:, :, None]  # (blocks, BLOCK, 1)
    negative = torch.bmm(h, n.transpose(1, 2))  # (blocks, BLOCK, samples)
    seen = None
    if look:
        log_likelihood = functional.logsigmoid(positive)
        log_likelihood += blocks.weight * functional.logsigmoid(-negative).sum(2, keepdim=True)
        seen = Seen(-(log_likelihood * (size > 0)).sum(), (size > 0).sum())

    positive.neg_().sigmoid_().mul_(counts)
    negative.sigmoid_().mul_(counts * -blocks.weight)
    move_n = torch.bmm(negative.transpose(1, 2), h)
    move_h = u.mul_(positive).baddbmm_(negative, n)
    move_v = sum_overlaps(torch.bmm(share.transpose(1, 2), move_h), blocks.window)
    move_u = h.mul_(positive)
    inputs.index_add_(0, contexts, move_v)
    outputs.index_add_(0, centers, move_u.view(-1, dimensions))
    outputs.index_add_(0, negatives, move_n.view(-1, dimensions))
    return seen
