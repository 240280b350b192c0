"""The two-layer network: linear, ReLU, linear (documents 000 and 003, "a simple two-layer network")."""

from typing import Any

from pydantic import Field
from torch import nn

from stages.core.training import TrainingArgs


class Args(TrainingArgs):
    """Hyperparameters: sizes of the three layers of units."""

    num_inputs: int = Field(ge=1)
    num_hiddens: int = Field(ge=1)
    num_outputs: int = Field(ge=1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the network (batch, num_inputs) -> (batch, num_outputs), with PyTorch's default initial values."""
    return nn.Sequential(
        nn.Linear(args.num_inputs, args.num_hiddens),
        nn.ReLU(),
        nn.Linear(args.num_hiddens, args.num_outputs),
    )
