"""Classifier score, precision and recall in cases whose answer is known."""

import pytest
import torch

from stages.core.errors import UserError
from stages.image_generation import precision_recall
from stages.image_generation.precision_recall import classifier_score, precision_and_recall


def test_classifier_score_is_the_number_of_classes_at_best_and_one_at_worst():
    sure = 100.0 * torch.eye(10).repeat(5, 1)
    assert classifier_score(sure) == pytest.approx(10.0)
    assert classifier_score(sure[:1].repeat(50, 1)) == pytest.approx(1.0)  # one class alone
    assert classifier_score(torch.zeros(50, 10)) == pytest.approx(1.0)  # no class at all


def test_precision_and_recall_tell_apart_what_is_missing(monkeypatch):
    """Real points in two far groups: samples of one have precision 1 and recall 1/2, far ones neither."""
    monkeypatch.setattr(precision_recall, "BLOCK", 37)  # so that there are several blocks, the last one short
    draws = torch.Generator().manual_seed(0)
    real = torch.randn(200, 4, generator=draws)
    real[100:] += 1000.0
    generated = real[:100].repeat(2, 1) + 1e-3 * torch.randn(200, 4, generator=draws)
    precision, recall = precision_and_recall(generated, real)
    assert precision == 1.0
    assert 0.4 < recall <= 0.5
    assert precision_and_recall(real - 5000.0, real) == (0.0, 0.0)
    assert precision_and_recall(real, real) == (1.0, 1.0)


def test_the_radius_leaves_the_point_itself_out():
    """Points on a line, one apart: the third nearest other lies two away, so that nothing three away is inside."""
    real = torch.arange(10.0)[:, None]
    assert precision_and_recall(torch.tensor([[11.9], [12.1], [30.0], [40.0]]), real)[0] == pytest.approx(0.25)


def test_too_few_images_to_have_neighbours_are_refused():
    with pytest.raises(UserError, match="3 generated images: precision and recall need at least 4"):
        precision_and_recall(torch.zeros(3, 2), torch.zeros(9, 2))
