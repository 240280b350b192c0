"""Intervals for what was measured with several seeds or folds, written once for tables, claims and verification."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from scipy import stats

Interval = tuple[float, float]
CONFIDENCE = 0.95


def paired_differences(left: Mapping[str, float], right: Mapping[str, float]) -> list[float]:
    """Return left minus right for each seed (or fold) that both have, in the order of `left`.

    Two runs with the same seed see the same examples in the same order, or the same fold: what chance does to both
    cancels, so that the differences scatter less than the runs.
    """
    return [value - right[seed] for seed, value in left.items() if seed in right]


def test_share_of(settings: Mapping[str, Any]) -> float | None:
    """Return the `test_share` of a run where its seeds are folds, test by training examples; None where they are not.

    `settings` are those of its metrics file. All training examples of a fold count, also where a run is trained on some
    of them only: training sets then overlap less, and the correction is on the safe side.
    """
    return settings["num_test"] / settings["num_train"] if "num_folds" in settings else None


def test_share_of_difference(shares: Iterable[float | None]) -> float | None:
    """Return the `test_share` of a difference of runs: the largest of theirs; None if no run has folds."""
    return max((share for share in shares if share is not None), default=None)


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


def mean_p_value(values: Sequence[float], margin: float, test_share: float | None = None) -> float:
    """Return how probable a mean at least as far from `margin` is by chance (two-sided t test); 1 for a single value.

    It is below 1 - confidence where `mean_interval` leaves out the margin; the arguments are the same. Values that are
    all equal are not the work of chance: 0 if they are not the margin.
    """
    difference, scatter = mean(values) - margin, stdev(values) if len(values) > 1 else math.inf
    if scatter == 0:
        return float(difference == 0)
    t = difference / (scatter * math.sqrt(1 / len(values) + (test_share or 0.0)))
    return float(2 * stats.t.sf(abs(t), len(values) - 1)) if len(values) > 1 else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure).

    The probability that any true hypothesis has a corrected value below 0.05 is at most 0.05.
    """
    corrected, largest = [1.0] * len(p_values), 0.0
    for rank, number in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[number]))
        corrected[number] = largest
    return corrected


def prediction_interval(
    values: Sequence[float], num_further: int = 1, confidence: float = CONFIDENCE
) -> Interval | None:
    """Return the interval for the mean of `num_further` values still to be drawn; None for a single value.

    mean ± t(n - 1) · sd · sqrt(1/n + 1/m) (Hahn and Meeker 1991, Statistical Intervals, section 4.7).
    """
    return _interval(values, 1 / len(values) + 1 / num_further, confidence) if values else None


def proportion_test(num_successes: int, num_trials: int, margin: float) -> tuple[Interval, float]:
    """Return the exact interval of a share (Clopper and Pearson 1934) and the binomial p-value of its being `margin`.

    Such as the share of seeds that diverge: ten of ten give 0.69 to 1, where an interval from their standard deviation,
    which is 0, would have no width.

    Raises:
        ValueError: there are no trials, or more successes than trials.
    """
    test = stats.binomtest(num_successes, num_trials, min(1.0, max(0.0, margin)))
    low, high = test.proportion_ci(CONFIDENCE, method="exact")
    return (float(low), float(high)), float(test.pvalue)


def _interval(values: Sequence[float], variance_factor: float, confidence: float) -> Interval | None:
    """Return mean ± t(n - 1) · sd · sqrt(variance_factor)."""
    if len(values) < 2:
        return None
    quantile = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1))
    half = quantile * stdev(values) * math.sqrt(variance_factor)
    return mean(values) - half, mean(values) + half
