"""Weights by hand: of classes from a confusion matrix, of images from a logistic regression on a discrete variable."""

import math

import pytest
import torch

from stages.dataset_shift.weights import (
    about_weights,
    confusion_matrix,
    effective_share,
    estimate_class_weights,
    estimate_image_weights,
    shares_of,
)

DOUBLE = torch.float64


def test_black_box_shift_estimation_is_exact_where_nothing_is_left_to_chance():
    """A box that is right on 0.8, 0.6 and 0.9 of three classes, which become 0, 3/2 and 3/2 times as frequent."""
    given_class = torch.tensor([[0.8, 0.3, 0.0], [0.1, 0.6, 0.1], [0.1, 0.1, 0.9]], dtype=DOUBLE)
    source, target = torch.tensor([0.5, 0.3, 0.2], dtype=DOUBLE), torch.tensor([0.25, 0.45, 0.3], dtype=DOUBLE)
    found = estimate_class_weights(given_class * source, given_class @ target)
    assert torch.allclose(found, torch.tensor([0.5, 1.5, 1.5], dtype=DOUBLE), atol=1e-12)


def test_a_negative_weight_becomes_0():
    confusion = torch.tensor([[0.4, 0.1], [0.1, 0.4]], dtype=DOUBLE)
    found = estimate_class_weights(confusion, torch.tensor([0.95, 0.05], dtype=DOUBLE))  # (2.5, -0.5) without the limit
    assert torch.allclose(found, torch.tensor([2.5, 0.0], dtype=DOUBLE), atol=1e-12)


def test_a_box_that_never_says_a_class_gives_finite_weights():
    """The matrix has no inverse; what the box says is still explained."""
    confusion = torch.tensor([[0.5, 0.1, 0.2], [0.0, 0.2, 0.0], [0.0, 0.0, 0.0]], dtype=DOUBLE)
    shares = torch.tensor([0.7, 0.3, 0.0], dtype=DOUBLE)
    found = estimate_class_weights(confusion, shares)
    assert torch.allclose(confusion @ found, shares)


def test_a_confusion_matrix_has_predicted_rows_and_actual_columns():
    predicted, actual = torch.tensor([0, 0, 1, 2, 2]), torch.tensor([0, 1, 1, 2, 0])
    counts = torch.tensor([[1, 1, 0], [0, 1, 0], [1, 0, 1]], dtype=DOUBLE)
    assert torch.equal(confusion_matrix(predicted, actual, 3), counts / 5)
    assert torch.equal(shares_of(actual, 4), torch.tensor([0.4, 0.4, 0.2, 0.0], dtype=DOUBLE))


def one_hot(counts: list[int]) -> torch.Tensor:
    """Return images of one lit pixel, so many of each: a discrete variable, of which any ratio is logistic."""
    return torch.eye(len(counts)).repeat_interleave(torch.tensor(counts), 0).view(-1, 1, 1, len(counts))


def test_weights_of_images_are_ratios_of_their_shares():
    """20, 50 and 30 % of the source, 50, 40 and 10 % of the target; numbers of images differ and must not matter."""
    source, target = one_hot([20, 50, 30]), one_hot([200, 160, 40])
    found = estimate_image_weights(source, target, 1e-9, 100.0, 200)
    expected = torch.tensor([2.5, 0.8, 1 / 3]).repeat_interleave(torch.tensor([20, 50, 30]))
    assert torch.allclose(found, expected, rtol=1e-2)


def test_a_weight_is_at_most_the_largest():
    found = estimate_image_weights(one_hot([20, 50, 30]), one_hot([200, 160, 40]), 1e-9, 1.5, 200)
    assert found.max() == 1.5 and found.min() < 0.4


def test_a_great_ridge_takes_all_images_for_alike():
    found = estimate_image_weights(one_hot([20, 50, 30]), one_hot([200, 160, 40]), 1e4, 100.0, 200)
    assert torch.allclose(found, torch.ones(100), atol=1e-3)


def test_what_is_said_about_weights_by_hand():
    weights, true = torch.tensor([1.0, 3.0, 0.0, 0.0]), torch.tensor([2.0, 2.0, 0.0, 0.0])
    assert effective_share(weights) == pytest.approx(16 / (4 * 10))
    assert effective_share(torch.zeros(3)) == 0.0
    about = {"effective_share": 0.4, "weight_error": math.sqrt(2 / 4), "error_without_weights": 1.0}
    assert about_weights(weights, true) == pytest.approx(about)
    assert about_weights(weights, None).keys() == {"effective_share"}
