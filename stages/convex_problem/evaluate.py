"""How fast descents reach the minimum of logistic regression, and how right the tuned classifier is."""

from typing import NamedTuple

import torch
from torch import Tensor

from stages.convex_problem import logistic_regression
from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History
from stages.optimization.descent import FAR, Descent, descend, values_along
from stages.optimization.evaluate import convergence_order, distances

GOAL = 1e-6  # nats above the minimum
MINIMISED = 100  # steps of the damped Newton method that find the minimum


class Progress(NamedTuple):
    """How far the paths of a row got: `gaps`, float64 (rates, steps + 1), in nats above the minimum, a place of which
    is `minimum`, float64 (variables,); `num_steps`, float64 (rates,), to the goal; and the place of the `fastest`.
    """

    gaps: Tensor
    minimum: Tensor
    num_steps: Tensor
    fastest: int


def progress(model: Descent, run: Run, data: Data) -> Progress:
    """Measure the paths: steps count to where the gap stays below the goal, and one more than there are if nowhere.

    The fastest rate is that with the fewest steps, and of those with equally many the one that ends lowest.
    """
    function, start = logistic_regression.objective(run.args, data, seed=0)
    minimum = descend(function, torch.zeros_like(start), "damped_newton", [1.0], MINIMISED)[0, -1]
    gaps = values_along(function, model.paths) - function(minimum)
    above = (gaps >= GOAL) * torch.arange(1, run.args.num_steps + 2)  # 0 where the goal is reached
    num_steps = above.amax(1).double()
    order = sorted(range(len(gaps)), key=lambda rate: (num_steps[rate].item(), gaps[rate, -1].item()))
    return Progress(gaps, minimum, num_steps, order[0])


def tuned(model: Descent, data: Data) -> int:
    """Return the place of the rate whose path ends with the least mean loss of the validation examples."""
    ends = [logistic_regression.mean_loss(x, data.validation) for x in model.paths[:, -1]]
    return int(torch.stack(ends).argmin())


def score(model: Descent, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one descent.

    Of the fastest rate: `objective_gap` after the last step in nats, `num_steps_to_goal`, `convergence_order`,
    `fastest_rate`, and `diverged`, 1 if its path left the neighbourhood of the origin. Of the rate with the least
    validation loss: `tuned_rate` and `test_accuracy`.
    """
    found = progress(model, run, data)
    fastest, rates = found.fastest, run.args.learning_rates
    predicted, actual = _classified(model, data)
    return {
        "objective_gap": max(found.gaps[fastest, -1].item(), 0.0),
        "num_steps_to_goal": found.num_steps[fastest].item(),
        "convergence_order": convergence_order(distances(model.paths[fastest], found.minimum)),
        "fastest_rate": rates[fastest],
        "diverged": float(model.paths[fastest].abs().max() >= FAR),
        "tuned_rate": rates[tuned(model, data)],
        "test_accuracy": (predicted == actual).double().mean().item(),
    }


def outputs(model: Descent, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what figures need.

    `predicted` and `actual` classes, int64 (n,), by the tuned rate; `gaps` of the fastest rate, float64 (steps + 1,);
    and of all `rates`, float64 (rates,), `num_steps` to the goal.
    """
    found = progress(model, run, data)
    predicted, actual = _classified(model, data)
    return {
        "predicted": predicted,
        "actual": actual,
        "gaps": found.gaps[found.fastest],
        "rates": torch.tensor(run.args.learning_rates, dtype=torch.float64),
        "num_steps": found.num_steps,
    }


def _classified(model: Descent, data: Data) -> tuple[Tensor, Tensor]:
    """Return the classes of the test examples, by the tuned rate and true, int64 (n,)."""
    log_odds = logistic_regression.log_odds(model.paths[tuned(model, data), -1], data.test.inputs.double())
    return (log_odds > 0).long(), data.test.targets[:, 0].long()
