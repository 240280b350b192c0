"""Each way a metric can go wrong is caught and named; honest noise passes."""

import copy
import math
import random

import pytest
from scipy import stats

from stages.core.schema import read_yaml, validate
from stages.results.references import Reference
from stages.results.verification import Tolerances, compare_runs, prediction_half_width
from tests.conftest import ROOT

TOLERANCES = Tolerances.model_validate(
    {
        "confidence": 0.99,
        "same_fingerprint": {"relative": 1e-6, "absolute": 1e-9},
        "better": {"test_accuracy": "higher", "test_loss": "lower", "bias": "neither"},
        "metrics": {name: {"floor": 0.001, "max_width": 0.02} for name in ("test_accuracy", "test_loss", "bias")},
    }
)
RECORDED = [0.850, 0.852, 0.854, 0.851, 0.853, 0.850, 0.852, 0.854]


def settings(processor: str) -> dict:
    return {"num_parameters": 10, "fingerprint": {"processor": processor}}


def reference(values, metric: str = "test_accuracy") -> Reference:
    seeds = {str(seed): value for seed, value in enumerate(values, 1)}
    return Reference(settings=settings("here"), metrics={metric: seeds})


def fresh(*values: float, processor: str = "here", metric: str = "test_accuracy", first_seed: int = 1) -> dict:
    """Return a metrics file; its mean and deviation are wrong on purpose, the seeds decide."""
    seeds = {str(seed): value for seed, value in enumerate(values, first_seed)}
    return {metric: {"mean": 0.0, "sd": 0.0, "seeds": seeds}, "settings": settings(processor)}


def why(recorded: Reference, content: dict, seeds=(1, 2, 3)) -> list[str]:
    return [found.why for found in compare_runs({"row": recorded}, {"row": content}, {"row": seeds}, TOLERANCES)]


OLD = reference(RECORDED)


def test_a_subset_of_the_recorded_seeds_passes():
    assert why(OLD, fresh(*RECORDED[:3])) == []
    assert why(OLD, fresh(RECORDED[1], first_seed=2), seeds=[2]) == []


def test_on_the_same_machine_a_small_drift_is_caught():
    assert why(OLD, fresh(0.850, 0.8521, 0.854)) == ["seed 2, same machine: better than expected: look for a leak"]


def test_seeds_that_were_never_recorded_are_judged_by_the_band():
    assert why(OLD, fresh(0.851, 0.853, first_seed=50), seeds=[50, 51]) == []
    assert why(OLD, fresh(0.82, 0.82, first_seed=50), seeds=[50, 51]) == ["worse"]


def test_a_seed_that_was_never_recorded_does_not_hide_one_that_was():
    content = fresh(0.850, 0.8519, 0.854)
    content["test_accuracy"]["seeds"]["99"] = 0.852
    assert why(OLD, content, seeds=[1, 2, 3, 99]) == ["seed 2, same machine: worse"]


def test_on_another_machine_honest_noise_passes_and_a_drop_is_caught():
    assert why(OLD, fresh(0.853, 0.850, 0.855, processor="there")) == []
    assert why(OLD, fresh(0.82, 0.82, 0.82, processor="there")) == ["worse"]


@pytest.mark.parametrize(
    ("metric", "change", "verdict"),
    [
        ("test_accuracy", 0.03, "better than expected: look for a leak"),
        ("test_loss", -0.03, "better than expected: look for a leak"),
        ("test_loss", 0.03, "worse"),
        ("bias", 0.03, "left its band"),
    ],
)
def test_the_direction_is_the_declared_one(metric, change, verdict):
    values = [value + change for value in RECORDED[:3]]
    assert why(reference(RECORDED, metric), fresh(*values, processor="there", metric=metric)) == [verdict]


def test_the_half_width_is_that_of_the_prediction_interval():
    """By hand: t(0.995, 2) * sd * sqrt(1/3 + 1/2) for three recorded and two fresh seeds."""
    by_hand = stats.t.ppf(0.995, 2) * 0.002 * math.sqrt(1 / 3 + 1 / 2)
    assert prediction_half_width([0.850, 0.852, 0.854], 2, 0.99) == pytest.approx(by_hand)
    assert prediction_half_width([0.850], 3, 0.99) == math.inf


def test_rounding_alone_stays_below_the_floor():
    assert why(reference([0.85] * 5), fresh(0.8509, 0.8509, 0.8509, processor="there")) == []


@pytest.mark.parametrize("recorded", [[0.7, 0.8, 0.9], [0.85]])
def test_noise_cannot_buy_a_pass(recorded):
    """A band that scattering or few seeds make too wide proves nothing, even where the numbers are equal."""
    (found,) = why(reference(recorded), fresh(0.8, 0.8, 0.8, processor="there"))
    assert found == "underpowered: wider than ± 0.02; record more seeds"


def test_what_another_machine_decides_is_compared_on_the_same_one_alone():
    alone = TOLERANCES.model_copy(update={"same_machine_only": {"row": ["test_accuracy"]}})

    def found(content: dict) -> list[str]:
        return [found.why for found in compare_runs({"row": OLD}, {"row": content}, {"row": (1, 2, 3)}, alone)]

    assert found(fresh(0.1, 0.2, 0.3, processor="elsewhere")) == []
    assert len(found(fresh(0.1, 0.2, 0.3))) == 3


def test_many_checks_share_the_probability_of_a_false_alarm():
    """Of 400 verifications of 40 honest metrics about 1 % may fail; with no correction a third would."""
    draws = random.Random(0)

    def honest(count: int) -> list[float]:
        return [draws.gauss(0.85, 0.002) for _ in range(count)]

    rows = [f"row{i}" for i in range(40)]
    expected = {row: [1, 2, 3] for row in rows}
    alarms = 0
    for _ in range(400):
        references = {row: reference(honest(10)) for row in rows}
        contents = {row: fresh(*honest(3), processor="there") for row in rows}
        alarms += bool(compare_runs(references, contents, expected, TOLERANCES))
    assert alarms <= 12


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.85", True])
def test_a_value_that_is_no_number_fails(value):
    assert why(OLD, fresh(0.850, value, 0.854)) == ["seed 2"]


def test_missing_and_extra_metrics_seeds_settings_and_runs_fail():
    content = fresh(*RECORDED[:3])
    assert why(OLD, fresh(0.850, 0.852)) == ["other seeds"]
    assert why(OLD, content, seeds=[1, 2]) == ["other seeds"]
    assert why(OLD, {"settings": content["settings"]}) == ["missing metric"]
    assert why(OLD, content | {"more": content["test_accuracy"]}) == ["extra metric"]
    other = copy.deepcopy(content)
    other["settings"]["num_parameters"] = 11
    assert why(OLD, other) == ["another setting"]
    expected = {"row": [1, 2, 3]}
    assert compare_runs({"row": OLD}, {}, expected, TOLERANCES)[0].why.startswith("missing")
    assert compare_runs({}, {"row": content}, expected, TOLERANCES)[0].why.startswith("no reference")
    assert compare_runs({"row": OLD}, {"row": content}, {}, TOLERANCES)[0].why.startswith("extra")


def test_a_metric_without_a_tolerance_fails():
    assert "does not say" in why(reference([1.0], "surprise"), fresh(1.0, metric="surprise"), seeds=[1])[0]


def test_the_committed_tolerances_are_valid():
    assert validate(Tolerances, read_yaml(ROOT / "metrics/tolerances.yaml"), "tolerances").confidence == 0.977


def test_no_committed_band_of_a_share_reaches_across_half_of_all_shares():
    """It would let pass what it is to catch."""
    tolerances = validate(Tolerances, read_yaml(ROOT / "metrics/tolerances.yaml"), "tolerances")
    shares = [name for name in tolerances.better if name.endswith("accuracy") or name in ("precision", "recall")]
    assert len(shares) >= 5
    for declared in (tolerances.metrics, *tolerances.runs.values()):
        assert all(declared[name].floor <= 0.25 for name in shares if name in declared)


def test_what_is_the_same_for_every_seed_takes_no_share_of_the_probability():
    """A count that differs is wrong, but cannot be so by chance: hundreds of them must not widen the other bands."""
    rows = {f"row{i}": reference([7.0] * 8, "bias") for i in range(300)} | {"row": OLD}
    fine = {name: fresh(7.0, 7.0, 7.0, processor="there", metric="bias") for name in rows}
    half = prediction_half_width(RECORDED, 3, 0.99)
    centre = sum(RECORDED) / len(RECORDED)
    fine["row"] = fresh(*[centre + 1.05 * half] * 3, processor="there")
    found = compare_runs(rows, fine, {name: [1, 2, 3] for name in rows}, TOLERANCES)
    assert [(item.run, item.why) for item in found] == [("row", "better than expected: look for a leak")]
    fine["row1"] = fresh(7.0, 8.0, 7.0, processor="there", metric="bias")
    assert {item.run for item in compare_runs(rows, fine, {name: [1, 2, 3] for name in rows}, TOLERANCES)} == {
        "row",
        "row1",
    }
