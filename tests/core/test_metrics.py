"""Metrics are counts divided once, and a NaN never gets into a file."""

import math

import pytest
import torch

from stages.core.errors import UserError
from stages.core.metrics import accuracy, summarise


def test_accuracy_counts():
    assert accuracy(torch.tensor([1, 2, 3, 4]), torch.tensor([1, 2, 0, 4])) == 0.75


def test_accuracy_refuses_to_broadcast():
    """(n,) against (n, 1) would compare everything with everything and look plausible."""
    with pytest.raises(UserError, match="differ in shape"):
        accuracy(torch.zeros(4), torch.zeros(4, 1))


def test_summary_is_mean_and_sample_deviation():
    summary = summarise({1: {"loss": 1.0}, 2: {"loss": 2.0}, 3: {"loss": 6.0}})
    assert summary["loss"]["mean"] == 3.0
    assert summary["loss"]["sd"] == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert summary["loss"]["seeds"] == {"1": 1.0, "2": 2.0, "3": 6.0}


def test_one_seed_has_no_deviation():
    assert summarise({1: {"loss": 1.0}})["loss"]["sd"] is None


def test_nan_is_refused():
    with pytest.raises(UserError, match="loss = nan for seed 2"):
        summarise({1: {"loss": 1.0}, 2: {"loss": math.nan}})
