"""Plain recurrent network (document 002, Task02, section 3; document 003, "Language models").

H_t = tanh(X_t W_xh + H_{t-1} W_hh + b_h), O_t = H_t W_hq + b_q (document 002), as in `torch.nn.RNN` (Elman 1990,
Finding Structure in Time).
"""

from typing import Any

from torch import nn

from stages.language_modeling.train import Recurrent, RecurrentArgs, train_network

DATA_KINDS, train = ("divide",), train_network


class Args(RecurrentArgs):
    """Hyperparameters."""


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different tokens."""
    return Recurrent(nn.RNN, args, info["num_words"])
