"""Claims: planted verdicts, and what a line of the table says."""

import pytest

from stages.core.errors import UserError
from stages.results.claims import Decision, claims_frame, decide
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
    "line/wild": {"diverged": seeds(*[1] * 9, 0)},
    "line/tame": {"diverged": seeds(*[0] * 10)},
    "line/calm": {"diverged": seeds(*[0] * 10)},
}


CERTAIN = {("line/high", "count"), ("line/low", "count")}


def decision(text: str, values=VALUES, shares=None) -> Decision:
    [inequality] = parse(text, "claim", "line")
    return decide(inequality, values, "claim", shares, CERTAIN)


def outcome(text: str) -> str:
    return decision(text).outcome


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
        # numbers that no seed can change are compared as they are
        ("high.count > low.count", "holds"),
        ("high.count < low.count", "fails"),
        ("high.count >= high.count", "holds"),
        ("high.count > high.count", "fails"),
        ("high.count <= low.count + 2", "holds"),
        # factors, sums and logarithms
        ("high.accuracy > 1.05 * low.accuracy", "holds"),
        ("high.accuracy > 1.2 * low.accuracy", "fails"),
        ("high.count - low.count > low.count - low.count + 1", "holds"),
        ("log(high.count) - log(low.count) > 0.3", "holds"),  # ln 7/5 = 0.336
        # shares: nine of ten are more than a half and not surely more than 0.6; two that do not differ tell nothing
        ("share(wild.diverged) > 0.5", "holds"),
        ("share(wild.diverged) > 0.6", "undecided"),
        ("share(wild.diverged) > share(tame.diverged)", "holds"),
        ("share(tame.diverged) > share(wild.diverged)", "fails"),
        ("share(tame.diverged) > share(calm.diverged)", "undecided"),
        # a single seed decides nothing
        ("high.count > noisy.count", "undecided"),
    ],
)
def test_planted_verdicts(text, expected):
    assert outcome(text) == expected


@pytest.mark.parametrize(("count", "expected"), [(2, "undecided"), (5, "undecided"), (6, "fails"), (10, "fails")])
def test_numbers_that_chance_left_equal_are_no_certainty(count, expected):
    """Of five seeds all lie on one side by chance with a probability of 2/32: the sign test needs six."""
    values = {"line/a": {"jumps": seeds(*[0.0] * count)}}
    found = decision("a.jumps > 0.01", values)
    assert found.outcome == expected
    assert found.p_value == pytest.approx(2 * 0.5**count)


def test_only_seeds_in_common_are_compared():
    values = {"line/a": {"x": seeds(1.0, 2.0, 9.0)}, "line/b": {"x": seeds(0.5, 1.4)}}
    found = decision("a.x > b.x", values)
    assert (found.num_seeds, found.difference) == (2, pytest.approx(0.55))


def test_runs_without_a_seed_in_common_cannot_be_compared():
    with pytest.raises(UserError, match="line/high and line/other_seeds must have a seed in common"):
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
    values = {"line/a": {"x": seeds(1.0, 2.0, 3.0)}, "plane/b": {"y": seeds(0.5, 1.45, 2.5)}}
    [line] = claims_frame(claim("a.x > plane/b.y"), {"line/a": "A", "plane/b": "B"}, values).to_dict("records")
    assert line["difference of"] == "x, “A” minus y, “B”"
    assert line["verdict"] == "holds"


def test_folds_widen_the_interval():
    values = {"line/a": {"x": seeds(0.71, 0.72, 0.73)}, "line/b": {"x": seeds(0.70, 0.70, 0.70)}}
    assert decision("a.x > b.x + 0.001", values).outcome == "undecided"
    assert decision("a.x > b.x - 0.01", values).outcome == "holds"
    assert decision("a.x > b.x - 0.01", values, {"line/a": 0.25}).outcome == "undecided"


@pytest.mark.parametrize(
    ("chain", "verdict"),
    [
        ("high.count > low.count > 4", "holds"),
        ("high.count > low.count > 5", "fails"),
        ("0.05 < high.accuracy - low.accuracy < 0.15", "holds"),
        ("0.05 < high.accuracy - noisy.accuracy < 0.15", "undecided"),
    ],
)
def test_all_of_a_chain_must_hold(chain, verdict):
    labels = {run: run for run in VALUES}
    [line] = claims_frame(claim(chain), labels, VALUES, certain=CERTAIN).to_dict("records")
    assert line["verdict"] == verdict


def test_many_claims_are_corrected_for_their_number():
    """A p-value of 0.03 decides alone, and not among ten."""
    values = {"line/a": {"x": seeds(1.0, 2.0, 3.0, 4.0, 9.0)}, "line/b": {"x": seeds(0.0, 0.0, 0.0, 0.0, 1.0)}}
    one = claim("a.x > b.x")["line/mine"]
    for number, corrected in ((1, "holds"), (10, "undecided")):
        frame = claims_frame({f"line/c{i}": one for i in range(number)}, {"line/a": "A", "line/b": "B"}, values)
        assert set(frame["verdict"]) == {"holds"} and set(frame["corrected"]) == {corrected}


def test_what_no_seed_changes_has_no_interval_and_a_question_of_ours_says_so():
    mine = claim("high.count > low.count")["line/mine"].model_copy(update={"ours": True})
    [line] = claims_frame({"line/mine": mine}, {"line/high": "H", "line/low": "L"}, VALUES).to_dict("records")
    assert line["95 % interval"] == "–"
    assert line["claim"] == "2. High is higher. (ours, 002)"
