"""What a descent reached, and how fast: values, rates of convergence, and of a classifier its accuracy."""

import math
from statistics import linear_regression

import torch
from torch import Tensor

from stages.core.data import Data
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.training import History
from stages.optimization import logistic_regression
from stages.optimization.descent import Descent, descend
from stages.optimization.functions import PROBLEMS, Function

PRECISION = 1e-11  # relative; nearer to the minimum, distances are rounding errors
STALLED = 1.01  # times the nearest distance: what comes no nearer than that stands still
SETTLED = 3  # steps that the order of convergence is a slope over
MINIMISED = 100  # steps of the damped Newton method that find the minimum


def score(model: Descent, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one descent; values are the function's, without unit or in nats.

    On a known function: `value_1`, … at the end of each rate's path; by gradient descent on a quadratic also
    `convergence_factor`, by which the distance to the minimum shrinks in a step, at the rate 2 / (l + L) of the least
    and the greatest curvature, and the theory's (k - 1) / (k + 1) with k = L / l (Polyak 1964; Boyd and Vandenberghe
    2004, section 9.3.2), as `theoretical_factor`. Of logistic regression: see `_score_classifier`.
    """
    if isinstance(run.args, logistic_regression.Args):
        return _score_classifier(model, run, data)
    scores = {name: value for name, value in history[-1].items() if name.startswith("value_")}
    if run.args.optimizer == "sgd" and data.info["function"] == "quadratic":
        problem = PROBLEMS["quadratic"]
        minimum = torch.tensor(problem.stationary, dtype=torch.float64)
        curvatures = torch.linalg.eigvalsh(torch.func.hessian(problem.function)(minimum))
        least, greatest = curvatures[0].item(), curvatures[-1].item()
        path = descend(problem.function, data.train.inputs[0], "sgd", 2 / (least + greatest), run.args.num_steps)
        scores["convergence_factor"] = convergence_factor(distances(path, minimum))
        scores["theoretical_factor"] = (greatest - least) / (greatest + least)
    return scores


def outputs(model: Descent, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what figures need.

    `paths`, float64 (rates, steps + 1, variables), `learning_rates`, and of a known function its number among PROBLEMS;
    of a classifier `predicted` and `actual` classes, (n,), and `gaps`, float64 (steps + 1,), by which the best path is
    above the minimum, in nats.
    """
    found = {"paths": model.paths, "learning_rates": torch.tensor(run.args.learning_rates, dtype=torch.float64)}
    if not isinstance(run.args, logistic_regression.Args):
        return found | {"function": torch.tensor(list(PROBLEMS).index(data.info["function"]))}
    function, minimum = _minimum(run, data)
    gaps = torch.stack([function(x) for x in best_path(model)]) - function(minimum)
    predicted = logistic_regression.log_odds(model.x.detach(), data.test.inputs.double()) > 0
    return found | {"gaps": gaps, "predicted": predicted.long(), "actual": data.test.targets[:, 0].long()}


def best_path(model: Descent) -> Tensor:
    """Return the path whose end is `model.x`, float64 (steps + 1, variables)."""
    (number,) = (model.paths[:, -1] == model.x).all(1).nonzero()[0].tolist()
    return model.paths[number]


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


def _minimum(run: Run, data: Data) -> tuple[Function, Tensor]:
    """Return the objective and its minimum, which the damped Newton method finds from zero."""
    function, start = family_module(run.family, run.model).objective(run.args, data, seed=0)
    return function, descend(function, torch.zeros_like(start), "damped_newton", 1.0, MINIMISED)[-1]


def _score_classifier(model: Descent, run: Run, data: Data) -> dict[str, float]:
    """Return `objective_gap`, in nats above the minimum, `num_steps_to_goal`, `convergence_order`, `test_accuracy`.

    The goal is a gap of a millionth of a nat; a path that never reaches it counts one step more than it has.
    """
    found, (_, minimum) = outputs(model, run, data), _minimum(run, data)
    reached = (found["gaps"] < 1e-6).nonzero().flatten().tolist()
    return {
        "objective_gap": max(found["gaps"][-1].item(), 0.0),
        "num_steps_to_goal": float(reached[0] if reached else run.args.num_steps + 1),
        "convergence_order": convergence_order(distances(best_path(model), minimum)),
        "test_accuracy": (found["predicted"] == found["actual"]).double().mean().item(),
    }
