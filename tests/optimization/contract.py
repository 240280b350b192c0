"""What the generic tests need of this family: small data, a shortened run, and what is planted."""

from dataclasses import replace

import torch

from stages.convex_problem import logistic_regression
from stages.core.data import Data, Split
from stages.core.run import Run
from stages.optimization.functions import PROBLEMS
from stages.optimization.prepare import Start
from tests.planted import Planted, shuffled_labels, test_split_in_training


def clouds(num_examples: int, num_inputs: int, seed: int) -> Split:
    """Draw two clouds that overlap: inputs (num_examples, num_inputs), targets (num_examples, 1), 0 or 1."""
    draws = torch.Generator().manual_seed(seed)
    targets = (torch.arange(num_examples) % 2)[:, None].float()
    return Split(torch.randn(num_examples, num_inputs, generator=draws) + 0.5 * (targets - 0.5), targets)


def small_data(run: Run) -> Data:
    """Return the start of a function near where its gradient is zero; for a classifier, clouds."""
    if run.model == "plane":
        stationary = PROBLEMS[run.data].stationary
        return Start(function=run.data, start=[value + 0.5 for value in stationary]).read()
    splits = [clouds(96, run.args.num_inputs, seed) for seed in range(3)]
    return Data(*splits, {"task": "binary", "classes": ["no", "yes"]})


def shortened(run: Run) -> Run:
    """Return the run with ten steps."""
    return replace(run, args=run.args.model_copy(update={"num_steps": 10}))


PLANTED = Planted(
    Run(
        "convex_problem/small",
        "convex_problem",
        "logistic_regression",
        "clouds",
        logistic_regression.Args(
            optimizer="damped_newton", num_steps=20, num_inputs=24, l2_penalty=0.001, start_deviation=0.1
        ),
        [1],
        "cpu",
    ),
    Data(clouds(60, 24, 0), clouds(60, 24, 2), clouds(300, 24, 1), {"task": "binary", "classes": ["no", "yes"]}),
    [shuffled_labels, test_split_in_training],
    gains={test_split_in_training: {"test_accuracy"}},
)
