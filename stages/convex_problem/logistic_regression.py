"""Logistic regression, a convex problem, descended on all examples at once (document 004, section 1.3.1).

The objective is the mean negative log-likelihood in nats and a penalty on the weights, without which classes that a
plane divides have no minimum: f(w, b) = 1/n sum_i log(1 + exp(-s_i (w x_i + b))) + lambda/2 |w|^2, s_i = 1 or -1.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data, Split
from stages.optimization.descent import Descent, DescentArgs
from stages.optimization.functions import Function


class Args(DescentArgs):
    """Hyperparameters.

    Attributes:
        num_inputs: features of an example.
        l2_penalty: lambda.
        start_deviation: standard deviation of the first weights and bias, drawn by the seed around zero.
    """

    num_inputs: int = Field(ge=1)
    l2_penalty: float = Field(gt=0, allow_inf_nan=False)
    start_deviation: float = Field(ge=0, allow_inf_nan=False)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the paths, still empty; the variables are the weights and, last, the bias."""
    return Descent(len(args.learning_rates), args.num_steps, args.num_inputs + 1)


def objective(args: Args, data: Data, seed: int) -> tuple[Function, Tensor]:
    """Return f on the training examples, and the start, float64 (num_inputs + 1,)."""

    def function(x: Tensor) -> Tensor:
        return mean_loss(x, data.train) + args.l2_penalty / 2 * x[:-1].square().sum()

    draws = torch.Generator().manual_seed(seed)
    return function, args.start_deviation * torch.randn(args.num_inputs + 1, generator=draws, dtype=torch.float64)


def mean_loss(x: Tensor, split: Split) -> Tensor:
    """Return the mean negative log-likelihood of a split's examples, without the penalty, in nats."""
    return functional.binary_cross_entropy_with_logits(log_odds(x, split.inputs.double()), split.targets[:, 0].double())


def log_odds(x: Tensor, inputs: Tensor) -> Tensor:
    """Return w x + b, (n,), of inputs (n, num_inputs)."""
    return inputs @ x[:-1] + x[-1]
