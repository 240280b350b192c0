"""GloVe: the products of word vectors fit the logarithms of how often words occur together.

Pennington, Socher and Manning 2014, GloVe: Global Vectors for Word Representation, section 3, equations 8 and 9
(document 002, Task07, section 3). For counts X, with two vectors and two biases a word,

    J = sum_{i,j} f(X_ij) (w_i . w~_j + b_i + b~_j - log X_ij)^2,   f(x) = min(1, (x / x_max)^alpha)

over the pairs that occur. The vectors used afterwards are w + w~ (section 4.2).

Deviations: AdaGrad (Duchi, Hazan and Singer 2011) keeps one sum of squared gradients a vector, their mean over its
components, and not one a component; a step is taken for many pairs at once. Pairs are dealt to slots of `SLOT` pairs
with the same first word, so that the vector of that word is read and moved once a slot; a step takes `SLOTS` slots.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from stages.word_vectors.data import Cooccurrences
from stages.word_vectors.train import VectorArgs

DATA, DATA_KINDS = Cooccurrences, ("cooccur",)
SLOT = 16
SLOTS = 256


class Args(VectorArgs):
    """Hyperparameters.

    Attributes:
        x_max: counts above it weigh no more.
        alpha: exponent of the weighting function.
    """

    x_max: float = Field(default=100.0, gt=0, allow_inf_nan=False)
    alpha: float = Field(default=0.75, gt=0, le=1)


class Glove(nn.Module):
    """The vectors and biases of words (`input`) and of words as context (`output`): (words, dimensions), (words,)."""

    def __init__(self, num_words: int, dimensions: int) -> None:
        """Draw vectors from U(-1/2, 1/2) / dimensions, as the authors' program does; biases are zero."""
        super().__init__()
        self.input = nn.Embedding(num_words, dimensions)
        self.output = nn.Embedding(num_words, dimensions)
        self.input_bias = nn.Parameter(torch.zeros(num_words))
        self.output_bias = nn.Parameter(torch.zeros(num_words))
        for vectors in (self.input, self.output):
            nn.init.uniform_(vectors.weight, -0.5 / dimensions, 0.5 / dimensions)

    def forward(self, words: Tensor, contexts: Tensor, counts: Tensor, x_max: float, alpha: float) -> Tensor:
        """Return the loss of each pair, float32 (pairs,).

        Args:
            words: i, int64 (pairs,).
            contexts: j, int64 (pairs,).
            counts: X_ij, float32 (pairs,), above 0.
            x_max: where the weighting function f ends to grow.
            alpha: its exponent.
        """
        product = (self.input(words) * self.output(contexts)).sum(1)
        difference = product + self.input_bias[words] + self.output_bias[contexts] - counts.log()
        return weight(counts, x_max, alpha) * difference.square()

    def vectors(self) -> Tensor:
        """Return what represents the words: the sum of both vectors, (words, dimensions)."""
        return (self.input.weight + self.output.weight).detach()


def weight(counts: Tensor, x_max: float, alpha: float) -> Tensor:
    """Return the weighting function f of counts."""
    return (counts / x_max).clamp(max=1).pow(alpha)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained vectors of `info["num_words"]` words."""
    return Glove(info["num_words"], args.dimensions)


class Slots(NamedTuple):
    """Pairs dealt to slots with the same word; where pairs run out, a slot is filled with pairs of weight 0.

    Attributes:
        words: i of each slot, int64 (slots,).
        contexts: j, int32 (slots, SLOT).
        logs: log X_ij, float32 (slots, SLOT).
        weights: f(X_ij), float32 (slots, SLOT).
    """

    words: Tensor
    contexts: Tensor
    logs: Tensor
    weights: Tensor

    def select(self, slots: Tensor) -> "Slots":
        """Return some of the slots, with int64 contexts."""
        words, contexts, logs, weights = (tensor.index_select(0, slots) for tensor in self)
        return Slots(words, contexts.long(), logs, weights)


class Sums(NamedTuple):
    """AdaGrad's sums of squared gradients, one a vector and one a bias: float32 (words,) each, 1 at the beginning."""

    input: Tensor
    output: Tensor
    input_bias: Tensor
    output_bias: Tensor


def deal(data: Cooccurrences, args: Args, draws: torch.Generator) -> Slots:
    """Return all pairs in slots; the pairs of a word are in random order, drawn once."""
    per_word = data.row_starts.diff()
    slots_per_word = (per_word + SLOT - 1) // SLOT
    words = torch.arange(len(per_word))
    # Sorting by word + random number in [0, 1) shuffles within each word. NumPy sorts in half of torch's memory.
    keys = torch.rand(len(data.counts), generator=draws, dtype=torch.float64)
    keys += words.repeat_interleave(per_word)
    order = torch.from_numpy(np.argsort(keys.numpy()))
    del keys
    columns, counts = data.columns[order], data.counts[order]
    del order
    first = (slots_per_word.cumsum(0) - slots_per_word) * SLOT  # place of a word's first pair
    places = (first - data.row_starts[:-1]).repeat_interleave(per_word)
    places += torch.arange(len(places))

    def placed(values: Tensor) -> Tensor:
        size = int(slots_per_word.sum()) * SLOT
        return torch.zeros(size, dtype=values.dtype).index_copy_(0, places, values).view(-1, SLOT)

    return Slots(
        words.repeat_interleave(slots_per_word),
        placed(columns),
        placed(counts.log()),
        placed(weight(counts, args.x_max, args.alpha)),
    )


def train(model: Glove, data: Cooccurrences, args: Args, draws: torch.Generator) -> Iterator[float]:
    """Train `model` in place; yield the mean loss of a pair in each epoch, as it was seen."""
    device = model.input_bias.device
    slots = Slots(*(tensor.to(device) for tensor in deal(data, args, draws)))
    sums = Sums(*(torch.ones(len(model.input_bias), device=device) for _ in Sums._fields))
    for _ in range(args.num_epochs):
        order = torch.randperm(len(slots.words), generator=draws).to(device)
        losses = [step(model, slots.select(chosen), sums, args.learning_rate) for chosen in order.split(SLOTS)]
        yield torch.stack(losses).sum(dtype=torch.float64).item() / len(data.counts)


@torch.no_grad()
def step(model: Glove, slots: Slots, sums: Sums, learning_rate: float) -> Tensor:
    """Take a step of AdaGrad for all pairs in `slots`; return the sum of their losses before it."""
    words, contexts, logs, weights = slots
    flat = contexts.flatten()
    w = model.input.weight.index_select(0, words)[:, :, None]  # (slots, dimensions, 1)
    c = model.output.weight.index_select(0, flat).view(*contexts.shape, -1)  # (slots, SLOT, dimensions)
    difference = torch.bmm(c, w).squeeze(2)
    difference += model.input_bias[words, None] + model.output_bias[contexts] - logs
    # As in the authors' program the factor 2 of the derivative is left to the learning rate.
    slope = weights * difference
    loss = (slope * difference).sum()

    dimensions = w.shape[1]
    square = slope.square()
    sums.input.index_add_(0, words, (square * torch.linalg.vecdot(c, c)).sum(1) / dimensions)
    sums.output.index_add_(0, flat, (square * (w.square().sum(1) / dimensions)).flatten())
    sums.input_bias.index_add_(0, words, square.sum(1))
    sums.output_bias.index_add_(0, flat, square.flatten())

    slope *= -learning_rate
    move_w = torch.bmm(slope[:, None], c).squeeze(1) * sums.input[words, None].rsqrt()
    move_c = torch.bmm((slope * sums.output[contexts].rsqrt())[:, :, None], w.transpose(1, 2))
    model.input.weight.index_add_(0, words, move_w)
    model.output.weight.index_add_(0, flat, move_c.view(-1, dimensions))
    model.input_bias.index_add_(0, words, slope.sum(1) * sums.input_bias[words].rsqrt())
    model.output_bias.index_add_(0, flat, (slope * sums.output_bias[contexts].rsqrt()).flatten())
    return loss
