"""What the recorded rows must fulfil for their tables to say what they say."""

import json

import pytest

from stages.core.run import load_family, load_run
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def recorded(row: str, metric: str) -> list[float]:
    """Return a metric of all seeds of a row."""
    content = json.loads((ROOT / f"metrics/activations/{row}.json").read_text(encoding="utf-8"))
    return list(content[metric]["seeds"].values())


def test_no_chosen_rate_is_at_the_end_of_its_grid():
    for row in load_family("activations").runs:
        rates = load_run(f"activations/{row}").args.rates
        assert all(rates[0] < rate < rates[-1] for rate in recorded(row, "chosen_rate")), row


def test_the_highest_rates_are_those_that_the_claims_name():
    """So that no network with which they compare dead units has overflowed."""
    assert set(recorded("relu_2", "highest_rate")) == {0.1}
    assert set(recorded("sigmoid_2", "highest_rate")) == {0.3}
