"""Intervals are those of independent implementations and of worked examples."""

import math

import numpy as np
import pytest
from scipy import stats

from stages.results.statistics import (
    holm,
    mean_interval,
    mean_p_value,
    paired_differences,
    prediction_interval,
    proportion_test,
)
from stages.results.statistics import test_share_of as share_of

LEFT = {"1": 0.90, "2": 0.93, "3": 0.91, "4": 0.95}
RIGHT = {"4": 0.91, "2": 0.90, "1": 0.89, "9": 0.5}


def test_differences_are_of_the_same_seed():
    assert paired_differences(LEFT, RIGHT) == pytest.approx([0.01, 0.03, 0.04])
    assert paired_differences(LEFT, {"9": 1.0}) == []


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.999])
def test_the_interval_of_differences_is_that_of_the_paired_t_test(confidence):
    left, right = list(LEFT.values()), [0.88, 0.94, 0.90, 0.90]
    differences = [ours - theirs for ours, theirs in zip(left, right, strict=True)]
    theirs = stats.ttest_rel(left, right).confidence_interval(confidence)
    assert mean_interval(differences, confidence) == pytest.approx((theirs.low, theirs.high))


def test_folds_that_share_texts_widen_the_interval():
    """Ten folds, four fifths trained on: (1/10 + 1/4) / (1/10), so that the interval is 1.87 times as wide."""
    values = [0.70, 0.72, 0.69, 0.71, 0.73, 0.70, 0.72, 0.71, 0.69, 0.74]
    low, high = mean_interval(values)
    corrected_low, corrected_high = mean_interval(values, test_share=0.25)
    assert (corrected_high - corrected_low) / (high - low) == pytest.approx(math.sqrt(3.5))
    assert corrected_high + corrected_low == pytest.approx(high + low)


def test_a_prediction_interval_by_hand():
    """t(0.995, 2) * sd * sqrt(1/3 + 1/2) for three values and the mean of two further ones."""
    half = stats.t.ppf(0.995, 2) * 0.002 * math.sqrt(1 / 3 + 1 / 2)
    low, high = prediction_interval([0.850, 0.852, 0.854], 2, 0.99)
    assert (low, high) == pytest.approx((0.852 - half, 0.852 + half))


def test_a_prediction_interval_holds_as_often_as_it_says():
    draws = np.random.default_rng(0).normal(size=(2000, 8))
    intervals = [prediction_interval(row[:5].tolist(), 3, 0.9) for row in draws]
    inside = sum(low <= row[5:].mean() <= high for (low, high), row in zip(intervals, draws, strict=True))
    assert inside / len(draws) == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
def test_fewer_than_two_values_have_no_interval(interval):
    assert interval([0.5]) is None
    assert interval([]) is None
    assert interval([0.5, 0.5]) == (0.5, 0.5)


def test_a_share_by_clopper_and_pearson():
    """Ten of ten: the lower end p solves p^10 = 0.025; for others the ends are quantiles of beta distributions."""
    assert proportion_test(10, 10, 0.5) == (pytest.approx((0.025**0.1, 1.0)), pytest.approx(2 / 2**10))
    assert proportion_test(0, 10, 0.5)[0] == pytest.approx((0.0, 1 - 0.025**0.1))
    by_beta = stats.beta.ppf(0.025, 3, 8), stats.beta.ppf(0.975, 4, 7)
    assert proportion_test(3, 10, 0.5)[0] == pytest.approx(by_beta)
    with pytest.raises(ValueError):
        proportion_test(11, 10, 0.5)


@pytest.mark.parametrize("margin", [0.0, 0.015, 0.03])
def test_the_p_value_of_a_mean_is_that_of_the_t_test(margin):
    values = [0.01, 0.03, 0.04, 0.02]
    assert mean_p_value(values, margin) == pytest.approx(stats.ttest_1samp(values, margin).pvalue)


@pytest.mark.parametrize("test_share", [None, 0.25])
def test_a_p_value_is_below_a_twentieth_where_the_interval_leaves_out_the_margin(test_share):
    values = [0.70, 0.72, 0.69, 0.71, 0.73]
    low, _ = mean_interval(values, test_share=test_share)
    assert mean_p_value(values, low, test_share) == pytest.approx(0.05)


def test_p_values_of_what_does_not_scatter():
    assert (mean_p_value([2.0, 2.0], 1.0), mean_p_value([2.0, 2.0], 2.0), mean_p_value([2.0], 1.0)) == (0.0, 1.0, 1.0)


def test_holm_by_hand():
    """Of four: times 4, 3, 2 and 1 from the smallest on, and never below one before it."""
    assert holm([0.03, 0.01, 0.04, 0.2]) == pytest.approx([0.09, 0.04, 0.09, 0.2])
    assert holm([]) == []


def test_only_folds_have_a_test_share():
    settings = {"num_folds": 5, "num_train": 8000, "num_test": 2000}
    assert share_of(settings) == 0.25
    assert share_of({"num_train": 8000, "num_test": 2000}) is None
