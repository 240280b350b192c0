"""Descent: an optimizer, a rate and a function give a path of points."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.errors import UserError
from stages.core.schema import Strict
from stages.optimization import optimizers
from stages.optimization.functions import Function
from stages.optimization.optimizers import FirstOrder, SecondOrder

FAR = 1e3  # from the origin in any variable: there a path that diverges stays, so that all numbers are finite

Rates = Annotated[list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=1)]


class DescentArgs(Strict):
    """Hyperparameters of a descent.

    Attributes:
        optimizer: see `optimizers.py`; second-order ones use the Hessian.
        learning_rates: each gives a path; `damped_newton` searches along its line instead, and has one path.
        num_steps: of each path.
    """

    optimizer: FirstOrder | SecondOrder
    learning_rates: Rates = [1.0]
    num_steps: int = Field(ge=1)


class Descent(nn.Module):
    """Where paths lead: `x`, float64 (variables,), is the lowest end, `paths` (rates, steps + 1, variables) are all."""

    def __init__(self, num_rates: int, num_steps: int, num_variables: int) -> None:
        """Fill both with NaN, which no descent leaves."""
        super().__init__()
        nothing = torch.full((num_rates, num_steps + 1, num_variables), torch.nan, dtype=torch.float64)
        self.x = nn.Parameter(nothing[0, 0].clone())
        self.register_buffer("paths", nothing)


def descend(function: Function, start: Tensor, optimizer: str, learning_rate: float, num_steps: int) -> Tensor:
    """Return the points, float64 (num_steps + 1, variables), from `start`, float64 (variables,), on.

    Raises:
        UserError: the Hessian that Newton's method divides by is singular.
    """
    x, state, points = start, {}, [start]
    for _ in range(num_steps):
        if x.abs().max() < FAR:
            g = torch.func.grad(function)(x)
            try:
                if optimizer == "newton":
                    x = optimizers.newton(x, g, torch.func.hessian(function)(x), learning_rate)
                elif optimizer == "damped_newton":
                    x = optimizers.damped_newton(x, g, torch.func.hessian(function)(x), function)
                else:
                    x = getattr(optimizers, optimizer)(x, g, state, learning_rate)
            except torch.linalg.LinAlgError as error:
                raise UserError(f"{optimizer}: the Hessian at {x.tolist()} is singular") from error
            x = x.nan_to_num(FAR, FAR, -FAR).clamp(-FAR, FAR)
        points.append(x)
    return torch.stack(points)
