"""A straight line: y = slope x + intercept."""

from typing import Any

from torch import nn

from stages.core.training import TrainingArgs


class Args(TrainingArgs):
    """Hyperparameters: those of the training loop."""


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the layer (batch, 1) -> (batch, 1), with PyTorch's default initial values."""
    return nn.Linear(1, 1)
