"""Softmax regression: O = X W + b, Y = softmax(O) (document 002, Task01, section 2).

The softmax is part of the cross-entropy loss; the model returns logits.
"""

from typing import Any

from pydantic import Field
from torch import nn

from stages.image_classification.train import ImageArgs


class Args(ImageArgs):
    """Hyperparameters: pixels an image, classes."""

    num_inputs: int = Field(ge=1)
    num_outputs: int = Field(ge=2)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return (batch, 1, height, width) -> (batch, num_outputs) logits, with PyTorch's default initial values."""
    return nn.Sequential(nn.Flatten(), nn.Linear(args.num_inputs, args.num_outputs))
