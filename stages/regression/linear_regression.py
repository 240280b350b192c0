"""Linear regression: y = w x + b, one linear layer (document 002, section 1; document 004, section 1.2.1)."""

from typing import Any

from pydantic import Field
from torch import nn

from stages.core.training import TrainingArgs


class Args(TrainingArgs):
    """Hyperparameters: the number of input features."""

    num_inputs: int = Field(ge=1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the layer (batch, num_inputs) -> (batch, 1), with PyTorch's default initial values."""
    return nn.Linear(args.num_inputs, 1)
