"""Each family's verification catches its planted mistakes, by its real tolerances, on small problems."""

import pytest

from stages.results.references import Reference
from stages.results.verification import load_family_metrics
from tests.conftest import ROOT, WITH_CODE
from tests.planted import Planted, load_planted, measure, nothing, other_first_weights, small_evaluation, verify

RECORDED, REBUILT, UNRECORDED = list(range(1, 11)), [1, 2], [21, 22]  # seeds


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def check_planted(planted: Planted) -> None:
    """Honest seeds that were never recorded pass; every mistake is caught in seeds that were, as in a rebuild.

    Folds are always recorded: there the same ones pass with other first weights.
    """
    recorded = measure(planted, RECORDED)
    values = {name: summary["seeds"] for name, summary in recorded.items()}
    reference = Reference(settings={"fingerprint": {}}, metrics=values)
    if load_family_metrics(planted.run.family).folds:
        assert verify(planted, reference, REBUILT, other_first_weights) == []
    else:
        assert verify(planted, reference, UNRECORDED, nothing) == []
    caught = {plant: verify(planted, reference, REBUILT, plant) for plant in planted.plants}
    assert [plant.__name__ for plant, found in caught.items() if not found] == []
    # The tolerances mean something here: no metric scatters so much that it shows nothing.
    assert [one for found in caught.values() for one in found if "underpowered" in one.why] == []
    for plant, metrics in planted.shows.items():
        assert {one.metric for one in caught[plant]} & {*metrics}, plant.__name__
    for plant, metrics in planted.gains.items():
        assert {one.metric for one in caught[plant] if "look for a leak" in one.why} & {*metrics}, plant.__name__


@pytest.mark.parametrize("family", WITH_CODE)
def test_honest_seeds_pass_and_planted_mistakes_are_caught(family):
    """A test a family, because these take the longest."""
    with small_evaluation(family):
        check_planted(load_planted(family))
