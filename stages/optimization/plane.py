"""A known function of one or two variables, descended with several learning rates (document 002, Task06)."""

from typing import Any

from torch import Tensor, nn

from stages.core.data import Data
from stages.optimization.descent import Descent, DescentArgs
from stages.optimization.functions import PROBLEMS, Function


class Args(DescentArgs):
    """Hyperparameters of the descent alone; the data say which function, and where it starts."""


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the paths, still empty."""
    return Descent(len(args.learning_rates), args.num_steps, len(PROBLEMS[info["function"]].stationary))


def objective(args: Args, data: Data, seed: int) -> tuple[Function, Tensor]:
    """Return the function and the start, float64 (variables,); no seed changes them."""
    return PROBLEMS[data.info["function"]].function, data.train.inputs[0]
