"""What a descent reached, and how fast: values and rates of convergence."""

import math
from statistics import linear_regression

import torch
from torch import Tensor

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History
from stages.optimization.descent import Descent, descend
from stages.optimization.functions import PROBLEMS

PRECISION = 1e-11  # relative; nearer to the minimum, distances are rounding errors
STALLED = 1.01  # times the nearest distance: what comes no nearer than that stands still
SETTLED = 3  # steps that the order of convergence is a slope over


def score(model: Descent, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one descent: `value_1`, … of the function at the end of each rate's path.

    By gradient descent on a quadratic also `convergence_factor`, by which the distance to the minimum shrinks in a
    step, at the rate 2 / (l + L) of the least and the greatest curvature, and the theory's (k - 1) / (k + 1) with
    k = L / l (Polyak 1964; Boyd and Vandenberghe 2004, section 9.3.2), as `theoretical_factor`.
    """
    scores = {name: value for name, value in history[-1].items() if name.startswith("value_")}
    if run.args.optimizer == "sgd" and data.info["function"] == "quadratic":
        problem = PROBLEMS["quadratic"]
        minimum = torch.tensor(problem.stationary, dtype=torch.float64)
        curvatures = torch.linalg.eigvalsh(torch.func.hessian(problem.function)(minimum))
        least, greatest = curvatures[0].item(), curvatures[-1].item()
        (path,) = descend(problem.function, data.train.inputs[0], "sgd", [2 / (least + greatest)], run.args.num_steps)
        scores["convergence_factor"] = convergence_factor(distances(path, minimum))
        scores["theoretical_factor"] = (greatest - least) / (greatest + least)
    return scores


def outputs(model: Descent, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what figures need.

    `paths`, float64 (rates, steps + 1, variables), their `learning_rates`, and the `function`'s number among PROBLEMS.
    """
    return {
        "paths": model.paths,
        "learning_rates": torch.tensor(run.args.learning_rates, dtype=torch.float64),
        "function": torch.tensor(list(PROBLEMS).index(data.info["function"])),
    }


def distances(path: Tensor, minimum: Tensor) -> list[float]:
    """Return how far each point is from the minimum, until rounding errors let it come no nearer."""
    found = (path - minimum).norm(dim=1)
    nearest = max(found.min().item(), PRECISION * (1 + minimum.norm().item()))
    last = (found <= STALLED * nearest).nonzero()[0].item()
    # The point that first is as near as can be told is kept where the path merely ends there.
    return found[: last + (found[last] > PRECISION * (1 + minimum.norm()))].tolist()


def convergence_factor(found: list[float]) -> float:
    """Return the factor of one step, the geometric mean over the second half of the distances."""
    half = found[len(found) // 2 :]
    return (half[-1] / half[0]) ** (1 / (len(half) - 1))


def convergence_order(found: list[float]) -> float:
    """Return q of d_{t+1} = c d_t^q: the slope of ln d_{t+1} over ln d_t in the last steps, by least squares.

    1 is linear convergence, 2 quadratic (Nocedal and Wright 2006, section 2.2); 0 if there are too few steps to tell.
    """
    logs = [math.log(distance) for distance in found[-SETTLED - 1 :]]
    if len(logs) < 3:
        return 0.0  # too few steps to tell
    return linear_regression(logs[:-1], logs[1:]).slope
