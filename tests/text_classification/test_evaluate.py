"""Scores of text classifiers, by hand."""

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from stages.text_classification.evaluate import roc_auc, score
from stages.text_classification.figures import BINS, calibration, draw, draw_table
from tests.text_classification.small import small_texts


class Fixed(nn.Module):
    """Gives each text of the data the logit that stands for it."""

    def __init__(self, data, logits):
        super().__init__()
        self.split = torch.tensor(1)
        self.found = dict(zip(data.texts.strings, logits.tolist(), strict=True))

    def scores(self, texts):
        return torch.tensor([self.found[text] for text in texts.strings])


@pytest.fixture
def data():
    return small_texts(validation=0.2)


def test_scores_of_a_perfect_model_and_of_its_opposite(data):
    logits = data.ratings.float()
    for sign, right in ((1, 1.0), (-1, 0.0)):
        found = score(Fixed(data, sign * logits), None, data, [])
        assert found["test_accuracy"] == found["validation_accuracy"] == found["test_roc_auc"] == right
        assert found["test_f1"] == right
        assert sign * found["rating_correlation"] > 0.9


def test_a_constant_has_no_correlation_and_no_f1_of_a_class_it_never_names(data):
    found = score(Fixed(data, torch.full((96,), -1.0)), None, data, [])
    assert (found["test_roc_auc"], found["rating_correlation"], found["test_f1"]) == (0.5, 0.0, 0.0)
    assert found["test_accuracy"] == 1 - data.labels[data.split(1).test].double().mean().item()


def test_f1_is_the_harmonic_mean_of_precision_and_recall(data):
    logits = data.ratings.float() + 2 * torch.randn(96, generator=torch.Generator().manual_seed(0))
    test = data.split(1).test
    predicted, actual = logits[test] > 0, data.labels[test]
    precision, recall = ((predicted & actual).sum() / part.sum() for part in (predicted, actual))
    expected = (2 / (1 / precision + 1 / recall)).item()
    assert 0 < expected < 1
    assert score(Fixed(data, logits), None, data, [])["test_f1"] == pytest.approx(expected)


def test_the_area_under_the_roc_curve_equals_scikit_learns():
    """With ties among the scores."""
    draws = torch.Generator().manual_seed(0)
    logits = torch.randn(200, generator=draws).mul(3).round()
    positive = logits + torch.randn(200, generator=draws).mul(4) > 1
    assert roc_auc(logits, positive) == pytest.approx(roc_auc_score(positive, logits))


def test_calibration_bins():
    logits = torch.tensor([0.04, 0.06, 0.95]).double().logit()
    probabilities, shares, counts = calibration(logits, torch.tensor([False, True, True]))
    assert probabilities.round(6).tolist() == [0.05, 0.95]
    assert (shares.tolist(), counts.tolist()) == ([0.5, 1.0], [2, 1])


def test_calibration_counts_the_texts_of_its_own_bins():
    """By hand, with probabilities between two bins and at both ends, which belong to the upper bin."""
    draws = torch.Generator().manual_seed(0)
    logits = torch.cat([torch.randn(200, generator=draws), torch.zeros(9), torch.tensor([-800.0, 800.0])]).double()
    positive = torch.rand(len(logits), generator=draws) < logits.sigmoid()
    probabilities, shares, counts = calibration(logits, positive)
    bins = (logits.sigmoid() * BINS).long().clamp(max=BINS - 1)
    used = bins.unique().tolist()
    assert counts.tolist() == [(bins == one).sum().item() for one in used]
    assert shares.tolist() == pytest.approx([positive[bins == one].double().mean().item() for one in used])
    assert probabilities.tolist() == pytest.approx([logits.sigmoid()[bins == one].mean().item() for one in used])


def test_figures_name_the_surest_mistake_first(data):
    test = data.split(1).test
    logits = data.ratings.float()[test]
    negative = int((data.ratings[test] < 0).nonzero()[0])
    logits[negative] = 9.0
    outputs = {"numbers": test, "ratings": data.ratings[test], "logits": logits}
    drawings = draw("a model", outputs, data)
    lines = drawings["mistakes"].figure.splitlines()
    assert lines[0] == "Taken for positive:"
    assert lines[1].endswith(data.texts.strings[test[negative]]) and "p = 1.000" in lines[1]
    assert "31 are classified right" in drawings["confusion"].caption
    assert set(draw_table("A table", {}, {"a model": outputs}, {})) == {"calibration"}
