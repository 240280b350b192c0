"""Recurrent network that classifies a text by its last hidden state (documents 002 and 004).

Elman 1990, Finding Structure in Time: h_t = tanh(W x_t + U h_{t-1} + b), as in `torch.nn.RNN`.
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
        num_hiddens: units.
    """

    num_hiddens: int = Field(default=100, ge=1)


class RNN(Network):
    """One layer, read from left to right."""

    def __init__(self, args: Args, info: dict[str, Any]) -> None:
        """Draw the recurrent weights from U(-1/sqrt(h), 1/sqrt(h)) for h hidden units: torch's initial values."""
        super().__init__(args, info, args.num_hiddens)
        self.recurrent = nn.RNN(vector_size(args, info), args.num_hiddens, batch_first=True)

    def features(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return the state after the last word of each text, (batch, num_hiddens)."""
        h, _ = self.recurrent(vectors)
        return h[torch.arange(len(h), device=h.device), lengths - 1]


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different words."""
    return RNN(args, info)
