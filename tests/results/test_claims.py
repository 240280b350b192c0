"""Claims: planted verdicts, and the paired interval against scipy."""

import pytest
from scipy.stats import ttest_rel

from stages.core.errors import UserError
from stages.results.claims import claims_frame, judge
from stages.results.inequality import parse
from stages.results.params import Claim
from stages.results.tables import mean_interval


def seeds(*values: float) -> dict[str, float]:
    return {str(seed): value for seed, value in enumerate(values, 1)}


VALUES = {
    "high": {"accuracy": seeds(0.90, 0.91, 0.92), "count": seeds(7, 7, 7)},
    "low": {"accuracy": seeds(0.80, 0.80, 0.83), "count": seeds(5, 5, 5)},
    "noisy": {"accuracy": seeds(0.6, 0.8, 1.0), "count": seeds(7)},
    "follows_noisy": {"accuracy": seeds(0.61, 0.812, 1.011)},
    "other_seeds": {"accuracy": {"8": 0.5, "9": 0.5}},
}


def outcome(text: str) -> str:
    return judge(parse(text, "claim"), VALUES, "claim").outcome


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("high.accuracy > low.accuracy", "holds"),
        ("low.accuracy < high.accuracy", "holds"),
        ("high.accuracy < low.accuracy", "fails"),
        ("low.accuracy >= high.accuracy", "fails"),
        ("high.accuracy > noisy.accuracy", "undecided"),
        ("noisy.accuracy <= high.accuracy", "undecided"),
        ("high.accuracy > low.accuracy + 0.2", "fails"),  # the margin counts: better, but not by that much
        ("low.accuracy >= high.accuracy - 0.2", "holds"),  # worse, but not by that much
        ("high.accuracy > low.accuracy + 0.1", "undecided"),  # the difference is 0.1 on average
        ("follows_noisy.accuracy > noisy.accuracy", "holds"),  # far less than the scatter, but in every seed
        # numbers that never vary are compared as they are
        ("high.count > low.count", "holds"),
        ("high.count < low.count", "fails"),
        ("high.count >= high.count", "holds"),
        ("high.count > high.count", "fails"),
        ("high.count <= low.count + 2", "holds"),
        # a single seed decides nothing
        ("high.count > noisy.count", "undecided"),
    ],
)
def test_planted_verdicts(text, expected):
    assert outcome(text) == expected


def test_the_interval_is_scipys_paired_one():
    left, right = (list(VALUES[run]["accuracy"].values()) for run in ("high", "low"))
    differences = [a - b for a, b in zip(left, right, strict=True)]
    assert mean_interval(differences) == pytest.approx(tuple(ttest_rel(left, right).confidence_interval(0.95)))


def test_only_seeds_in_common_are_compared():
    values = {"a": {"x": seeds(1.0, 2.0, 9.0)}, "b": {"x": seeds(0.5, 1.4)}}
    assert judge(parse("a.x > b.x", "claim"), values, "claim").difference == pytest.approx(0.55)


def test_runs_without_a_seed_in_common_cannot_be_compared():
    with pytest.raises(UserError, match="'high' and 'other_seeds' must have a seed in common"):
        outcome("high.accuracy > other_seeds.accuracy")


def test_a_metric_that_a_run_does_not_have_is_named():
    with pytest.raises(UserError, match=r"claim: run 'high' has no metric 'loss'; it has accuracy, count"):
        outcome("high.loss > low.accuracy")


def test_a_line_of_the_table_says_what_was_compared():
    claim = Claim(number=2, document="002", text="High is higher.", inequality="high.accuracy > low.accuracy + 0.01")
    [line] = claims_frame({"mine": claim}, {"high": "H", "low": "L"}, VALUES).to_dict("records")
    assert line["claim"] == "2. High is higher. (002)"
    assert line["difference of"] == "accuracy, “H” minus “L”"
    assert (line["difference"], line["asserted"], line["verdict"]) == ("+0.1000", "> 0.01", "holds")
