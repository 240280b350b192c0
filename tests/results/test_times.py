"""Times of rows: from the references, in words, and never invented."""

import pytest

from stages.results.references import Reference
from stages.results.times import Timing, show_seconds, timing

SETTINGS = {"fingerprint": {"torch": "2.3.1", "threads": "1"}}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (3.44, "3.4 s"),
        (9.97, "10 s"),
        (42.4, "42 s"),
        (59.6, "1 min 0 s"),
        (62, "1 min 2 s"),
        (3599.7, "1 h 0 min"),
        (3900, "1 h 5 min"),
    ],
)
def test_seconds_in_words(seconds, text):
    assert show_seconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "total"), [({"train": 61.5, "evaluate": 3.0}, 64.5), ({}, None), ({"train": 61.5}, None)]
)
def test_the_sum_of_both_stages(seconds, total):
    reference = Reference(settings=SETTINGS, seconds=seconds, metrics={"test_loss": {"1": 0.5}})
    assert timing(reference) == Timing(total, "torch 2.3.1, threads 1")


def test_no_reference_no_time():
    assert timing(None) == Timing(None, "")
