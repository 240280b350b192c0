"""GRU language model (document 002, Task03, section 3; document 004, section 3.2).

Cho et al. 2014, Learning Phrase Representations using RNN Encoder-Decoder, section 2.3, as in `torch.nn.GRU`, where
the reset gate is applied after the product.
"""

from typing import Any

from torch import nn

from stages.language_modeling.train import Recurrent, RecurrentArgs, train_network

DATA_KINDS, train = ("divide",), train_network


class Args(RecurrentArgs):
    """Hyperparameters."""


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different tokens."""
    return Recurrent(nn.GRU, args, info["num_words"])
