"""Descent: an optimizer, its rates and a function give paths of points."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.errors import UserError
from stages.core.schema import Strict
from stages.optimization import optimizers
from stages.optimization.functions import Function
from stages.optimization.optimizers import SECOND_ORDER, FirstOrder, SecondOrder

FAR = 1e3  # from the origin in any variable: there a path that diverges stays, so that all numbers are finite

Rates = Annotated[list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=1)]


class DescentArgs(Strict):
    """Hyperparameters of a descent.

    Attributes:
        optimizer: see `optimizers.py`; second-order ones use the Hessian.
        learning_rates: each gives a path; `damped_newton` searches along its line instead, and has one path.
        num_steps: of each path.
    """

    optimizer: Literal[FirstOrder, SecondOrder]
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


def descend(function: Function, start: Tensor, optimizer: str, rates: list[float], num_steps: int) -> Tensor:
    """Return each rate's points, float64 (rates, num_steps + 1, variables), from `start`, float64 (variables,), on.

    Raises:
        UserError: the Hessian that Newton's method divides by is singular.
    """
    if optimizer in SECOND_ORDER:
        return torch.stack([_by_hessian(function, start, optimizer, rate, num_steps) for rate in rates])
    gradient = torch.func.vmap(torch.func.grad(function))
    step, eta = getattr(optimizers, optimizer), start.new_tensor(rates)[:, None]
    x, state, points = start.repeat(len(rates), 1), {}, []
    for _ in range(num_steps):
        points.append(x)
        near = x.abs().amax(1, keepdim=True) < FAR
        x = torch.where(near, _kept_near(step(x, gradient(x), state, eta)), x)
    return torch.stack([*points, x], 1)


def values_along(function: Function, paths: Tensor) -> Tensor:
    """Return the function's values, float64 (rates, points), at the points of paths (rates, points, variables)."""
    return torch.stack([torch.func.vmap(function)(path) for path in paths])


def _by_hessian(function: Function, start: Tensor, optimizer: str, rate: float, num_steps: int) -> Tensor:
    """Return the points, float64 (num_steps + 1, variables), of an optimizer that uses the Hessian."""
    x, points = start, [start]
    for _ in range(num_steps):
        if x.abs().max() < FAR:
            g, hessian = torch.func.grad(function)(x), torch.func.hessian(function)(x)
            try:
                if optimizer == "newton":
                    x = optimizers.newton(x, g, hessian, rate)
                else:
                    x = optimizers.damped_newton(x, g, hessian, function)
            except torch.linalg.LinAlgError as error:
                raise UserError(f"{optimizer}: the Hessian at {x.tolist()} is singular") from error
            x = _kept_near(x)
        points.append(x)
    return torch.stack(points)


def _kept_near(x: Tensor) -> Tensor:
    return x.nan_to_num(FAR, FAR, -FAR).clamp(-FAR, FAR)
