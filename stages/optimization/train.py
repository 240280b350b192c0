"""Descent with each of a row's learning rates, from the same point."""

import sys

import torch
from torch import nn

from stages.core.data import Data
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.training import History
from stages.optimization.descent import descend, values_along


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the paths and their history, a record a step: `value_i` at the i-th rate's point, from 1.

    A record's `epoch` counts steps from 0, the start; its `train_loss` is the value of the path that ends lowest.

    Raises:
        UserError: the Hessian that Newton's method divides by is singular.
    """
    model, args = run.build(data.info).to(run.device), run.args
    function, start = family_module(run.family, run.model).objective(args, data, seed)
    paths = descend(function, start, args.optimizer, args.learning_rates, args.num_steps)
    values = values_along(function, paths)
    best = values[:, -1].argmin()
    with torch.no_grad():
        model.paths.copy_(paths)
        model.x.copy_(paths[best, -1])
    print(f"{run.name} seed {seed}: value {values[best, -1]:.4g} after {args.num_steps} steps", file=sys.stderr)
    return model, [
        {"epoch": step, "train_loss": values[best, step].item()}
        | {f"value_{number}": value for number, value in enumerate(values[:, step].tolist(), 1)}
        for step in range(args.num_steps + 1)
    ]
