"""The bootstrap's standard errors are those that theory gives."""

import numpy as np
import pytest

from stages.results.bootstrap import Examples, interval_around, standard_error


def test_the_error_of_a_share_is_the_binomial_one():
    right = np.arange(400) < 300
    error = standard_error(Examples((400,), lambda chosen: right[chosen].mean()))
    assert error == pytest.approx((0.75 * 0.25 / 400) ** 0.5, rel=0.1)


def test_folds_with_other_examples_each_divide_the_variance():
    right = np.arange(400) < 300
    one, five = (Examples((400,), lambda chosen: right[chosen].mean(), number) for number in (1, 5))
    assert standard_error(five) == pytest.approx(standard_error(one) / 5**0.5)


def test_two_kinds_of_examples_are_drawn_apart():
    left, right = np.random.default_rng(0).normal(size=(2, 500))
    error = standard_error(Examples((500, 500), lambda one, other: left[one].mean() - right[other].mean()))
    assert error == pytest.approx((2 / 500) ** 0.5, rel=0.15)


def test_an_interval_reaches_two_errors_to_each_side():
    assert interval_around(1.0, 0.1) == pytest.approx((0.804, 1.196), abs=1e-3)
