"""Skip-gram with the full softmax: a word's vector predicts the words around it, out of all words.

Mikolov, Sutskever, Chen, Corrado and Dean 2013, Distributed Representations of Words and Phrases and their
Compositionality, section 2, equations 1 and 2; document 000, section 2. For a word I and a word O in its window

    p(O | I) = exp(v'_O . v_I) / sum_w exp(v'_w . v_I)

with the sum over the whole vocabulary, which is what negative sampling avoids. It is the same for all words of one
window and is computed once for them.
"""

from collections.abc import Iterator
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.device import matmul_precision
from stages.word_vectors.data import Corpus
from stages.word_vectors.train import BLOCK, Blocks, InputOutput, Seen, WindowArgs, in_reach, train_on_windows

DATA, DATA_KINDS = Corpus, ("subsample",)


class Args(WindowArgs):
    """Hyperparameters.

    Every output vector is moved by every position of a step, so that the sum over many goes too far: with 256 training
    diverges.
    """

    batch_size: int = Field(default=32, ge=BLOCK, multiple_of=BLOCK)


class SkipGramSoftmax(InputOutput):
    """The vectors, and the loss of the words around a place."""

    def forward(self, centers: Tensor, contexts: Tensor, in_window: Tensor) -> Tensor:
        """Return the loss of each place in nats, summed over the words of its window, float32 (places,).

        Args:
            centers: the words I, int64 (places,).
            contexts: words around each place, int64 (places, reach).
            in_window: which of them are the words O, bool (places, reach).
        """
        log_p = torch.log_softmax(self.input(centers) @ self.output.weight.T, dim=1)  # (places, words)
        return -(log_p.gather(1, contexts) * in_window).sum(1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained vectors of `info["num_words"]` words."""
    return SkipGramSoftmax(info["num_words"], args.dimensions)


def example_loss(model: SkipGramSoftmax, args: Args) -> tuple[Tensor, int]:
    """Return the loss of a place with as many pairs as places have on average, and their number."""
    pairs = args.window + 1
    words = torch.zeros(1, pairs, dtype=torch.int64, device=model.input.weight.device)
    return model(words[:, 0], words, torch.ones_like(words, dtype=torch.bool)).sum(), pairs


def train(model: SkipGramSoftmax, data: Corpus, args: Args, draws: torch.Generator) -> Iterator[float]:
    """Train `model` in place; yield the loss of each epoch in nats a pair."""
    with matmul_precision("medium"):  # the products with the whole vocabulary are nearly all of the work
        yield from train_on_windows(step, model, data, args, draws)


@torch.no_grad()
def step(model: SkipGramSoftmax, blocks: Blocks, args: Args, learning_rate: float, look: bool) -> Seen | None:
    """Take a step of gradient descent on the summed loss of all pairs in `blocks`; return that loss if `look`."""
    inputs, outputs = model.input.weight, model.output.weight
    near = blocks.near.flatten(0, 1)  # (positions, reach)
    contexts = in_reach(blocks.tokens[:, None], blocks.window).transpose(1, 2).expand(blocks.near.shape).flatten(0, 1)
    v = inputs.index_select(0, blocks.centers)
    logits = v @ outputs.T  # (positions, words)
    size = near.sum(1, keepdim=True)
    seen = None
    if look:
        of_pairs = (logits.gather(1, contexts) * near).sum()
        seen = Seen((torch.logsumexp(logits, 1, keepdim=True) * size).sum() - of_pairs, near.sum())
    # Derivative of the loss by the logits: p for each word of the window, minus 1 where that word stands.
    slope = torch.softmax(logits, 1).mul_(size)
    slope.scatter_add_(1, contexts, -near.to(slope.dtype))
    move_v = slope @ outputs
    outputs.addmm_(slope.T, v, alpha=-learning_rate)
    inputs.index_add_(0, blocks.centers, move_v, alpha=-learning_rate)
    return seen
