"""What the generic tests need of this family: small data, a shortened run, and what is planted."""

from dataclasses import replace

import torch

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.regression import logistic_regression
from stages.regression.prepare import FizzBuzz, Linear, Polynomial, RandomPairs, TwoClouds
from tests.planted import Planted, learning_rate_ten_times_too_high, shuffled_labels, test_split_in_training

SIZES = {"num_train": 96, "num_test": 96, "seed": 0}


def small_data(run: Run) -> Data:
    """Draw a few examples by the rule of the row's own data; for a table from a file, random inputs and classes."""
    args = run.args
    if run.model == "linear_regression":
        return Linear(rule="linear", weights=[2.0] * args.num_inputs, bias=1.0, noise=0.1, **SIZES).read()
    if run.model == "polynomial_regression":
        return Polynomial(rule="polynomial", weights=[2.0] * args.degree, bias=1.0, noise=0.1, **SIZES).read()
    if run.data == "fizzbuzz":
        return FizzBuzz(rule="fizzbuzz", num_digits=args.num_inputs, first_train=101).read()
    if run.model == "two_layer":
        sizes = SIZES | {"num_inputs": args.num_inputs, "num_outputs": args.num_outputs}
        return RandomPairs(rule="random_pairs", **sizes).read()
    if run.data == "two_clouds":
        return TwoClouds(rule="two_clouds", distance=3.0, **SIZES).read()
    draws = torch.Generator().manual_seed(0)
    split = Split(torch.randn(96, args.num_inputs, generator=draws), (torch.arange(96) % 2)[:, None].float())
    return Data(split, split, split, {"task": "binary", "classes": ["no", "yes"]})


def shortened(run: Run) -> Run:
    """Return the run with two epochs."""
    return replace(run, args=run.args.model_copy(update={"num_epochs": 2}))


PLANTED = Planted(
    Run(
        "regression/small",
        "regression",
        "logistic_regression",
        "two_clouds",
        logistic_regression.Args(num_inputs=2, batch_size=16, learning_rate=0.1, num_epochs=10),
        [1],
        "cpu",
    ),
    TwoClouds(rule="two_clouds", distance=3.0, num_train=400, num_test=400, seed=0).read(),
    [learning_rate_ten_times_too_high, shuffled_labels, test_split_in_training],
    gains={test_split_in_training: {"test_loss"}},
)
