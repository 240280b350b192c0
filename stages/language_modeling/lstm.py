"""LSTM language model (document 003, "Language models"; document 004, section 3.1).

Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, as in `torch.nn.LSTM`. With dropout
as Zaremba, Sutskever and Vinyals 2014, Recurrent Neural Network Regularization, between layers and not in time; that of
inputs and outputs is the same at all times of a batch (Gal and Ghahramani 2016). Weights may be tied (Press and Wolf
2017).
"""

from typing import Any

from torch import nn

from stages.language_modeling.train import Recurrent, RecurrentArgs, train_network

DATA_KINDS, train = ("divide",), train_network


class Args(RecurrentArgs):
    """Hyperparameters."""


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different tokens."""
    return Recurrent(nn.LSTM, args, info["num_words"])
