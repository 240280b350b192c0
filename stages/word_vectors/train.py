"""Training of word vectors: epochs with a falling learning rate; and windows over a text, many at once.

The models that look at windows are trained by matrix products. A block is `BLOCK` neighbouring positions of the text
with the window on both sides; its products of all positions with all words in reach hold every pair of the windows, and
a mask takes away the others. The positions of a block share its negative samples, one for every `SHARE` that the paper
draws, and each has `SHARE` times the weight: in expectation loss and gradient are the paper's (Ji et al. 2016,
Parallelizing Word2Vec in Shared and Distributed Memory, share them within a window).

A step is several blocks: all of it is computed from the same vectors and then added to them. The most frequent word is
a negative sample of many pairs of a step, and where it is of too many, its vector overshoots and training diverges. So
a step has as many blocks as keep the expected number under `LOAD`; with twice as many a small vocabulary diverges.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from tqdm import tqdm

from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.schema import Strict
from stages.core.training import History
from stages.word_vectors.data import Corpus, TextData

BLOCK = 16
BLOCKS = 16  # of a step, at most: more would not be faster
SHARE = 30
LOAD = 90
LOSS_EVERY = 16  # steps: the loss is looked at, not needed


class VectorArgs(Strict):
    """Hyperparameters of every model.

    Attributes:
        dimensions: of a vector.
        num_epochs: passes over the text.
        learning_rate: at the beginning.
    """

    dimensions: int = Field(ge=1)
    num_epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)


class WindowArgs(VectorArgs):
    """Hyperparameters of models that look at windows of a text.

    Attributes:
        window: the largest distance between a word and its context. Each position draws its own from 1 to this
            (Mikolov et al. 2013, Efficient Estimation, section 3.2), so that near words count more.
        batch_size: positions a step, a multiple of `BLOCK`; null for as many as training bears at a learning rate of
            0.025 (see the module's docstring). A higher rate needs smaller steps.
    """

    window: int = Field(default=5, ge=1)
    batch_size: int | None = Field(default=None, ge=BLOCK, multiple_of=BLOCK)


class NegativeArgs(WindowArgs):
    """Hyperparameters of models that tell the words of a window from negative samples.

    Attributes:
        num_negatives: k, samples a pair.
    """

    num_negatives: int = Field(default=5, ge=1)


class Blocks(NamedTuple):
    """A step's worth of text: `blocks` blocks of `BLOCK` positions, one after the other, with the window around them.

    Attributes:
        tokens: int64 (blocks * BLOCK + 2 * window,); the words left of the first and right of the last block included.
        near: bool (blocks, BLOCK, BLOCK + 2 * window): whether a word in reach is in the window of a position.
        negatives: int64 (blocks, samples).
        weight: how many negative samples of a pair a shared one stands for.
        window: the largest distance.
    """

    tokens: Tensor
    near: Tensor
    negatives: Tensor
    weight: float
    window: int

    @property
    def centers(self) -> Tensor:
        """The words at the positions themselves, int64 (blocks * BLOCK,)."""
        return self.tokens[self.window : len(self.tokens) - self.window]


class InputOutput(nn.Module):
    """Two vectors a word: `input.weight` and `output.weight`, float32 of shape (words, dimensions)."""

    def __init__(self, num_words: int, dimensions: int) -> None:
        """Draw input vectors from U(-1/2, 1/2) / dimensions; output vectors are zero: word2vec's initial values."""
        super().__init__()
        self.input = nn.Embedding(num_words, dimensions)
        self.output = nn.Embedding(num_words, dimensions)
        nn.init.uniform_(self.input.weight, -0.5 / dimensions, 0.5 / dimensions)
        nn.init.zeros_(self.output.weight)

    def vectors(self) -> Tensor:
        """Return what represents the words, (words, dimensions): the input vectors, as the paper's authors do."""
        return self.input.weight.detach()


class Seen(NamedTuple):
    """The sum of a loss before a step, in nats, and how many terms it has: scalars."""

    loss: Tensor
    terms: Tensor


# Moves the vectors by one step of gradient descent; returns what the loss was if it is asked for.
Step = Callable[[nn.Module, Blocks, Any, float, bool], Seen | None]


def fit(run: Run, data: TextData, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history, which holds each epoch's loss.

    Raises:
        UserError: training diverged, or the text does not suit the model.
    """
    module = family_module(run.family, run.model)
    if not isinstance(data, module.DATA):
        raise UserError(
            f"{run.name}: data = '{run.data}': model '{run.model}' needs a key of data.{' or '.join(module.DATA_KINDS)}"
        )
    if isinstance(run.args, WindowArgs):
        expected = int(data.keep_probability[data.tokens].sum())
        if expected <= run.args.window:
            raise UserError(
                f"{run.name}: args.window = {run.args.window} must be smaller than the text of "
                f"'{run.data}', of which an epoch keeps {expected} words: take more text or a higher threshold"
            )
    draws = torch.Generator().manual_seed(seed)
    model = run.build(data.info).to(run.device)
    history: History = []
    label = f"{run.name} seed {seed}"
    epochs = module.train(model, data, run.args, draws)
    for epoch, loss in enumerate(tqdm(epochs, label, run.args.num_epochs, unit="epoch", leave=False, disable=None), 1):
        if not (math.isfinite(loss) and all(bool(parameter.isfinite().all()) for parameter in model.parameters())):
            rate = run.args.learning_rate
            raise UserError(f"{label}: loss or vectors are not finite in epoch {epoch}; lower learning_rate = {rate}")
        history.append({"epoch": epoch, "train_loss": loss})
    return model.eval(), history


def train_on_windows(
    step: Step, model: nn.Module, data: Corpus, args: WindowArgs, draws: torch.Generator
) -> Iterator[float]:
    """Train `model` in place; yield the mean loss of each epoch, as some of its steps saw it.

    The learning rate falls linearly to a ten thousandth over all epochs, as in word2vec's program.
    """
    device = next(model.parameters()).device
    for epoch in range(args.num_epochs):
        loss = terms = torch.zeros((), device=device)
        for number, (share, blocks) in enumerate(window_batches(data, args, draws, device)):
            rate = args.learning_rate * max(1e-4, 1 - (epoch + share) / args.num_epochs)
            seen = step(model, blocks, args, rate, number % LOSS_EVERY == 0)
            if seen is not None:
                loss, terms = loss + seen.loss, terms + seen.terms
        yield (loss / terms).item()


def window_batches(
    data: Corpus, args: WindowArgs, draws: torch.Generator, device: torch.device
) -> Iterator[tuple[float, Blocks]]:
    """Yield an epoch of the text, subsampled anew, in `Blocks` that together hold every pair of its windows once.

    Beside each stands which share of the epoch was before it.
    """
    shape = step_shape(torch.tensor(data.vocabulary.counts), args)
    kept = data.tokens[torch.rand(len(data.tokens), generator=draws) < data.keep_probability[data.tokens]].long()
    size, reach = shape.blocks * BLOCK, BLOCK + 2 * args.window
    steps = -(-len(kept) // size)
    radius = torch.randint(1, args.window + 1, (steps * size,), generator=draws)
    radius[len(kept) :] = 0  # nothing is near to the positions that only fill the last step
    negatives = draw_negatives(torch.tensor(data.vocabulary.counts), steps * shape.blocks * shape.negatives, draws)
    padded = torch.zeros(steps * size + 2 * args.window, dtype=torch.int64)
    padded[args.window : args.window + len(kept)] = kept
    inside = torch.zeros(len(padded), dtype=torch.bool)
    inside[args.window : args.window + len(kept)] = True
    padded, inside, radius, negatives = (tensor.to(device) for tensor in (padded, inside, radius, negatives))

    distance = (torch.arange(reach, device=device) - args.window - torch.arange(BLOCK, device=device)[:, None]).abs()
    distance[distance == 0] = reach  # a word is no context of itself
    radius = radius.view(steps, shape.blocks, BLOCK, 1)
    negatives = negatives.view(steps, shape.blocks, shape.negatives)
    for step in range(steps):
        part = slice(step * size, (step + 1) * size + 2 * args.window)
        near = distance <= radius[step]
        if step == 0 or (step + 1) * size + args.window > len(kept):  # something in reach is no part of the text
            near &= in_reach(inside[part, None], args.window).view(shape.blocks, 1, reach)
        yield step / steps, Blocks(padded[part], near, negatives[step], shape.weight, args.window)


class StepShape(NamedTuple):
    """How many blocks a step has, how many negative samples a block, and how many of a pair's each stands for."""

    blocks: int
    negatives: int
    weight: float


def step_shape(counts: Tensor, args: WindowArgs) -> StepShape:
    """Return the shape of steps over a text with these counts of words, int64 (words,); see the module's docstring."""
    per_pair = args.num_negatives if isinstance(args, NegativeArgs) else 1
    per_block = BLOCK * (args.window + 1) * per_pair  # a position has window + 1 pairs on average
    negatives = -(-per_block // SHARE)
    if args.batch_size is not None:
        return StepShape(args.batch_size // BLOCK, negatives, per_pair / negatives)
    share_of_most_frequent = (counts.max() ** 0.75 / (counts**0.75).sum()).item()
    blocks = int(LOAD / (per_block * share_of_most_frequent))
    return StepShape(min(max(blocks, 1), BLOCKS), negatives, per_pair / negatives)


def draw_negatives(counts: Tensor, number: int, draws: torch.Generator) -> Tensor:
    """Draw words with probabilities proportional to their counts to the power of 3/4: int64 (number,).

    Mikolov et al. 2013, Distributed Representations of Words and Phrases, section 2.2.
    """
    cumulated = counts.double().pow(0.75).cumsum(0)
    uniform = torch.rand(number, generator=draws, dtype=torch.float64) * cumulated[-1]
    return torch.searchsorted(cumulated, uniform).clamp_(max=len(counts) - 1)


def in_reach(rows: Tensor, window: int) -> Tensor:
    """Return, for each block, the rows of the words in its reach, without a copy.

    (blocks * BLOCK + 2 * window, columns) becomes (blocks, BLOCK + 2 * window, columns); neighbouring blocks overlap.
    """
    length, columns = rows.shape
    blocks = (length - 2 * window) // BLOCK
    return rows.as_strided((blocks, BLOCK + 2 * window, columns), (BLOCK * columns, columns, 1), rows.storage_offset())


def sum_overlaps(blocks: Tensor, window: int) -> Tensor:
    """Add up what `in_reach` made overlap.

    (blocks, BLOCK + 2 * window, columns) becomes (blocks * BLOCK + 2 * window, columns).
    """
    number, reach, columns = blocks.shape
    ahead = -(-reach // BLOCK)  # a block reaches into so many, itself included
    total = blocks.new_empty(number + ahead - 1, BLOCK, columns)
    total[:number] = blocks[:, :BLOCK]
    total[number:] = 0.0
    for shift in range(1, ahead):
        part = blocks[:, shift * BLOCK : (shift + 1) * BLOCK]
        total[shift : shift + number, : part.shape[1]] += part
    return total.view(-1, columns)[: number * BLOCK + 2 * window]
