"""Polynomial regression: a linear layer over the powers x, x^2, … of one input (document 004, section 1.2.2)."""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.training import TrainingArgs


class Args(TrainingArgs):
    """Hyperparameters: the highest power."""

    degree: int = Field(ge=1)


class PolynomialRegression(nn.Linear):
    """y = w_1 x + … + w_degree x^degree + b, for x of shape (batch, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 1)."""
        return super().forward(torch.cat([x**power for power in range(1, self.in_features + 1)], dim=1))


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the model, with PyTorch's default initial values."""
    return PolynomialRegression(args.degree, 1)
