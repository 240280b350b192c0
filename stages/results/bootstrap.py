"""How far a number would move with other test examples: the bootstrap (Efron 1979).

Intervals over seeds take the test examples as given. Here they are drawn anew, with replacement, and the metric is
computed of those.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy import stats
from torch import Tensor

from stages.core.run import Run, one_of

RESAMPLES = 1000
SEED = 0
NORMAL = 1.959964  # the 0.975 quantile


class Examples(NamedTuple):
    """The test examples of a trained model, and a metric of some of them.

    Attributes:
        sizes: how many there are, of each kind that is drawn apart from the others, such as samples and real images.
        statistic: maps an array of numbers, int64 (size,), for each kind to the metric of the examples with these
            numbers.
        num_test_sets: over how many disjoint sets of such examples the metric is averaged: the folds of a
            cross-validation.
        resamples: how often they are drawn.
    """

    sizes: tuple[int, ...]
    statistic: Callable[..., float]
    num_test_sets: int = 1
    resamples: int = RESAMPLES


def examples_of_accuracy(run: Run, metric: str, right: np.ndarray, num_test_sets: int = 1) -> Examples:
    """Return the examples of a headline that is an accuracy: `right`, bool (n,), says which are predicted right.

    Raises:
        UserError: the headline's `metric` is another one.
    """
    one_of(metric, ["test_accuracy"], f"{run.name}: headline.metric")
    return Examples((len(right),), lambda chosen: right[chosen].mean(), num_test_sets)


def examples_of_classes(run: Run, metric: str, outputs: Mapping[str, Tensor]) -> Examples:
    """Return the test split's examples, of which `metric`, the accuracy, counts those whose class is predicted right.

    Raises:
        UserError: the headline's `metric` is another one.
    """
    return examples_of_accuracy(run, metric, (outputs["predicted"] == outputs["actual"]).flatten().numpy())


def standard_error(examples: Examples) -> float:
    """Return the standard error of the metric over test examples: its standard deviation over resamples.

    Not the percentiles, because drawing with replacement moves some metrics to one side: a Fréchet distance of images
    that occur twice is greater.
    """
    found = stats.bootstrap(
        [np.arange(size) for size in examples.sizes],
        examples.statistic,
        n_resamples=examples.resamples,
        vectorized=False,
        method="percentile",
        random_state=np.random.default_rng(SEED),
    )
    return float(found.standard_error) / examples.num_test_sets**0.5


def interval_around(value: float, error: float) -> tuple[float, float]:
    """Return the 95 % interval of a number with a standard error, normally distributed."""
    return value - NORMAL * error, value + NORMAL * error
