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
from torch import Tensor, nn

from stages.core.device import matmul_precision
from stages.word_vectors.data import Corpus
from stages.word_vectors.train import Blocks, InputOutput, Seen, WindowArgs, in_reach, train_on_windows

DATA, DATA_KINDS = Corpus, ("subsample",)
PLACES = 32  # of a step of gradient descent: with 256 it diverges


class Args(WindowArgs):
    """Hyperparameters."""


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
    """Take a step of gradient descent for every `PLACES` places; return the losses of all before them if `look`.

    Not one step for all of `blocks`, because every output vector is moved by every place, and the sum over many places
    goes too far.
    """
    inputs, outputs = model.input.weight, model.output.weight
    near = blocks.near.flatten(0, 1)  # (places, reach)
    contexts = in_reach(blocks.tokens[:, None], blocks.window).transpose(1, 2).expand(blocks.near.shape).flatten(0, 1)
    losses = []
    for center, context, in_window in zip(
        blocks.centers.split(PLACES), contexts.split(PLACES), near.split(PLACES), strict=True
    ):
        v = inputs.index_select(0, center)
        logits = v @ outputs.T  # (PLACES, words)
        size = in_window.sum(1, keepdim=True)
        if look:
            loss = (torch.logsumexp(logits, 1, keepdim=True) * size).sum() - (
                logits.gather(1, context) * in_window
            ).sum()
            losses.append(loss)
        # Derivative of the loss by the logits: p for each word of the window, minus 1 where that word stands.
        slope = torch.softmax(logits, 1).mul_(size)
        slope.scatter_add_(1, context, -in_window.to(slope.dtype))
        move_v = slope @ outputs
        outputs.addmm_(slope.T, v, alpha=-learning_rate)
        inputs.index_add_(0, center, move_v, alpha=-learning_rate)
    return Seen(torch.stack(losses).sum(), near.sum()) if look else None
