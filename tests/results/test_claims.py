"""Claims: planted verdicts, and what a line of the table says."""

import pytest

from stages.core.errors import UserError
from stages.results.claims import claims_frame, decide
from stages.results.inequality import parse
from stages.results.presentation import Claim


def seeds(*values: float) -> dict[str, float]:
    return {str(seed): value for seed, value in enumerate(values, 1)}


VALUES = {
    "line/high": {"accuracy": seeds(0.90, 0.91, 0.92), "count": seeds(7, 7, 7)},
    "line/low": {"accuracy": seeds(0.80, 0.80, 0.83), "count": seeds(5, 5, 5)},
    "line/noisy": {"accuracy": seeds(0.6, 0.8, 1.0), "count": seeds(7)},
    "line/follows_noisy": {"accuracy": seeds(0.61, 0.812, 1.011)},
    "line/other_seeds": {"accuracy": {"8": 0.5, "9": 0.5}},
}


def outcome(text: str) -> str:
    return decide(parse(text, "claim", "line"), VALUES, "claim").outcome


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


def test_only_seeds_in_common_are_compared():
    values = {"line/a": {"x": seeds(1.0, 2.0, 9.0)}, "line/b": {"x": seeds(0.5, 1.4)}}
    decision = decide(parse("a.x > b.x", "claim", "line"), values, "claim")
    assert (decision.num_seeds, decision.difference) == (2, pytest.approx(0.55))


def test_runs_without_a_seed_in_common_cannot_be_compared():
    with pytest.raises(UserError, match="'line/high' and 'line/other_seeds' must have a seed in common"):
        outcome("high.accuracy > other_seeds.accuracy")


def claim(inequality: str) -> dict[str, Claim]:
    return {"line/mine": Claim(number=2, document="002", text="High is higher.", inequality=inequality)}


@pytest.mark.parametrize(
    ("inequality", "problem"),
    [
        ("high.loss > low.accuracy", "run 'line/high' has no metric 'loss'; it has accuracy, count"),
        ("high.accuracy > plane/low.accuracy", "no run 'plane/low'; there are line/high, line/low"),
    ],
)
def test_what_was_not_measured_is_named_with_the_file(inequality, problem):
    with pytest.raises(UserError, match=f"^stages/line/tables.yaml: claims.mine.inequality: {problem}"):
        claims_frame(claim(inequality), {}, VALUES)


def test_a_line_of_the_table_says_what_was_compared():
    labels = {"line/high": "H", "line/low": "L"}
    [line] = claims_frame(claim("high.accuracy > low.accuracy + 0.01"), labels, VALUES).to_dict("records")
    assert line["claim"] == "2. High is higher. (002)"
    assert line["difference of"] == "accuracy, “H” minus “L”"
    assert (line["difference"], line["asserted"], line["verdict"]) == ("+0.1000", "> 0.01", "holds")


def test_rows_of_two_families_can_be_compared():
    values = {"line/a": {"x": seeds(1.0, 2.0)}, "plane/b": {"y": seeds(0.5, 1.5)}}
    [line] = claims_frame(claim("a.x > plane/b.y"), {"line/a": "A", "plane/b": "B"}, values).to_dict("records")
    assert line["difference of"] == "x, “A” minus y, “B”"
    assert line["verdict"] == "holds"
