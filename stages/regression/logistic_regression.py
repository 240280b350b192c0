"""Logistic regression: the log-odds of class 1 are linear in the input (document 004, section 1.3.1).

The document's sigmoid is part of the loss here (BCEWithLogitsLoss, numerically stable): the model returns
log-odds.
"""

from typing import Any

from pydantic import Field
from torch import nn

from stages.core.training import TrainingArgs


class Args(TrainingArgs):
    """Hyperparameters: the number of input features."""

    num_inputs: int = Field(ge=1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the layer (batch, num_inputs) -> (batch, 1) log-odds, with PyTorch's default initial values."""
    return nn.Linear(args.num_inputs, 1)
