"""Neural n-gram model: a word from the vectors of the n - 1 words before it (document 004, section 3.5.2).

Bengio, Ducharme, Vincent and Jauvin 2003, A Neural Probabilistic Language Model, JMLR 3, section 2, equation 1:

    y = b + W x + U tanh(d + H x),    x = the vectors of w_{t-1}, …, w_{t-n+1}, one after the other

The direct connections W may be left out, as in some rows of the paper's table 1. Deviations: Adam on a sampled softmax
instead of gradient descent on the full one, dropout instead of weight decay.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.language_modeling.train import Network, NetworkArgs, train_network

DATA_KINDS, train = ("divide",), train_network


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        order: n.
        embedding_size: m, of a word's vector.
        num_hiddens: h.
        direct: whether there are connections from the vectors to the output.
    """

    order: int = Field(ge=2)
    embedding_size: int = Field(ge=1)
    num_hiddens: int = Field(ge=1)
    direct: bool = True


class NeuralNGram(Network):
    """The network; its state is the last n - 2 tokens, int64 (n - 2, batch)."""

    def __init__(self, args: Args, num_words: int) -> None:
        """Draw H and d from torch's initial values."""
        size = (args.order - 1) * args.embedding_size
        super().__init__(num_words, args.embedding_size, size * args.direct + args.num_hiddens, args)
        self.order, self.direct = args.order, args.direct
        self.hidden = nn.Linear(size, args.num_hiddens)

    def features(self, tokens: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return x and tanh(d + H x), one after the other; before the text there are zeros, that is `<unk>`."""
        past = self.order - 2
        state = tokens.new_zeros((past, tokens.shape[1])) if state is None else state
        seen = torch.cat([state, tokens])
        vectors = self.embed(seen)  # (past + time, batch, m)
        x = torch.cat([vectors[past - back : len(seen) - back] for back in range(self.order - 1)], dim=2)
        hidden = torch.tanh(self.hidden(x))
        return torch.cat([x.to(hidden.dtype), hidden], dim=2) if self.direct else hidden, seen[len(seen) - past :]


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different tokens."""
    return NeuralNGram(args, info["num_words"])
