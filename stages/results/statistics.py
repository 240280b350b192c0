"""Intervals for what was measured with several seeds or folds, written once for tables, claims and verification."""

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from scipy import stats

Interval = tuple[float, float]
CONFIDENCE = 0.95


def paired_differences(left: Mapping[str, float], right: Mapping[str, float]) -> list[float]:
    """Return left minus right for each seed (or fold) that both have, in the order of `left`.

    Two runs with the same seed see the same examples in the same order, or the same fold: what chance does to both
    cancels, so that the differences scatter less than the runs.
    """
    return [value - right[seed] for seed, value in left.items() if seed in right]


def mean_interval(
    values: Sequence[float], confidence: float = CONFIDENCE, test_share: float | None = None
) -> Interval | None:
    """Return the confidence interval of the mean by Student's t; None for a single value.

    Of `paired_differences` it is the interval of the paired t test.

    Args:
        values: one number a seed or fold.
        confidence: the probability that such an interval holds the true mean.
        test_share: number of test examples divided by number of training examples, where the values are of folds.
            Folds share training texts, so that their results move together and scatter less than their mean errs: the
            variance of the mean is then sd² · (1/n + test_share) in place of sd² / n (Nadeau and Bengio 2003, Inference
            for the Generalization Error, Machine Learning 52, section 3, the corrected resampled t test).
    """
    return _interval(values, 1 / len(values) + (test_share or 0.0), confidence) if values else None


def prediction_interval(
    values: Sequence[float], num_further: int = 1, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return the interval for the mean of `num_further` values still to be drawn; None for a single value.

    mean ± t(n - 1) · sd · sqrt(1/n + 1/m) (Hahn and Meeker 1991, Statistical Intervals, section 4.7).
    """
    return _interval(values, 1 / len(values) + 1 / num_further, confidence) if values else None


def proportion_interval(num_successes: int, num_trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact interval of Clopper and Pearson (1934) for a share, such as that of seeds that diverge.

    Ten of ten give 0.69 to 1, where an interval from their standard deviation, which is 0, would have no width.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    low, high = stats.binomtest(num_successes, num_trials).proportion_ci(confidence, method="exact")
    return float(low), float(high)


def _interval(values: Sequence[float], variance_factor: float, confidence: float) -> Interval | None:
    """Return mean ± t(n - 1) · sd · sqrt(variance_factor)."""
    if len(values) < 2:
        return None
    quantile = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1))
    half = quantile * stdev(values) * math.sqrt(variance_factor)
    return mean(values) - half, mean(values) + half
