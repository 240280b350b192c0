"""Claims: planted verdicts, and Welch's interval against scipy."""

import math

import pytest
from scipy.stats import ttest_ind

from stages.core.claims import claims_frame, judge, welch_interval
from stages.core.errors import UserError
from stages.core.inequality import parse
from stages.core.params import Claim

HIGH, LOW, NOISY = [0.90, 0.91, 0.92], [0.80, 0.81, 0.82], [0.6, 0.8, 1.0]
VALUES = {
    "high": {"accuracy": HIGH, "count": [7.0, 7.0]},
    "low": {"accuracy": LOW, "count": [5.0, 5.0]},
    "noisy": {"accuracy": NOISY, "count": [7.0]},
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
        ("high.accuracy > low.accuracy + 0.1", "undecided"),  # the difference is 0.1 exactly
        ("high.accuracy >= high.accuracy - 0.005", "undecided"),  # too noisy to tell half a point
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


@pytest.mark.parametrize(("left", "right"), [(HIGH, LOW), (HIGH, NOISY), ([1.0, 2.5], [3.0, 1.0, 2.0, 0.5])])
def test_interval_is_scipys(left, right):
    expected = ttest_ind(left, right, equal_var=False).confidence_interval(0.95)
    assert welch_interval(left, right) == pytest.approx(tuple(expected))


@pytest.mark.filterwarnings("error")
def test_sides_that_do_not_vary_give_no_nan_and_no_warning():
    assert welch_interval([0.5] * 3, [0.25] * 3) == (0.25, 0.25)
    low, high = welch_interval([0.1] * 3, LOW)
    # by hand: one side is constant, so 0.71 ± t(0.975, 2) 0.01 / sqrt(3)
    assert (high - low) / 2 == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-6)


def test_a_metric_that_a_run_does_not_have_is_named():
    with pytest.raises(UserError, match=r"claim: run 'high' has no metric 'loss'; it has accuracy, count"):
        outcome("high.loss > low.accuracy")


def test_a_line_of_the_table_says_what_was_compared():
    claim = Claim(number=2, document="002", text="High is higher.", inequality="high.accuracy > low.accuracy + 0.01")
    [line] = claims_frame({"mine": claim}, {"high": "H", "low": "L"}, VALUES).to_dict("records")
    assert line["claim"] == "2. High is higher. (002)"
    assert line["difference of"] == "accuracy, “H” minus “L”"
    assert (line["difference"], line["asserted"], line["verdict"]) == ("+0.1000", "> 0.01", "holds")
