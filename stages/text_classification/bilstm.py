"""Bidirectional LSTM over the words of a text (documents 000, 002 and 003).

Schuster and Paliwal 1997, Bidirectional Recurrent Neural Networks; Hochreiter and Schmidhuber 1997 with the forget gate
of Gers et al. 2000, as in `torch.nn.LSTM`. Of each unit the greatest value over the words of a text counts (Conneau et
al. 2017, Supervised Learning of Universal Sentence Representations, section 3.2.2, BiLSTM-max).
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.text_classification.train import Network, NetworkArgs, train_network, vector_size

DATA_KINDS, train = ("folds", "embed"), train_network


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        num_hiddens: units of each direction.
    """

    num_hiddens: int = Field(default=100, ge=1)


class BiLSTM(Network):
    """Two layers, one from left to right, one from right to left."""

    def __init__(self, args: Args, info: dict[str, Any]) -> None:
        """Draw the recurrent weights from U(-1/sqrt(h), 1/sqrt(h)) for h hidden units: torch's initial values."""
        super().__init__(args, info, 2 * args.num_hiddens)
        size = vector_size(args, info)
        self.forwards = nn.LSTM(size, args.num_hiddens, batch_first=True)
        self.backwards = nn.LSTM(size, args.num_hiddens, batch_first=True)

    def features(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return the maximum of each unit over the words of a text, (batch, 2 * num_hiddens).

        The text is turned round and not the padded row, so that both directions begin with a word.
        """
        step = torch.arange(vectors.shape[1], device=vectors.device)
        inside = step < lengths[:, None]
        mirrored = torch.where(inside, lengths[:, None] - 1 - step, step)[:, :, None]
        h_forwards, _ = self.forwards(vectors)
        h_backwards, _ = self.backwards(vectors.gather(1, mirrored.expand_as(vectors)))
        h = torch.cat([h_forwards, h_backwards], 2)  # at other places, but the maximum is over all of them
        return h.masked_fill(~inside[:, :, None], -torch.inf).amax(1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different words."""
    return BiLSTM(args, info)
