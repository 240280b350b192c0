"""Intervals are those of independent implementations and of worked examples."""

import math

import numpy as np
import pytest
from scipy import stats

from stages.results.statistics import mean_interval, paired_differences, prediction_interval, proportion_interval

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
    assert proportion_interval(10, 10) == pytest.approx((0.025**0.1, 1.0))
    assert proportion_interval(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    by_beta = stats.beta.ppf(0.005, 3, 8), stats.beta.ppf(0.995, 4, 7)
    assert proportion_interval(3, 10, 0.99) == pytest.approx(by_beta)
    with pytest.raises(ValueError):
        proportion_interval(11, 10)
