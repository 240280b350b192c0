"""Each way a metric can go wrong is planted and caught; honest noise passes."""

import copy
import math

import pytest
from scipy import stats

from stages.core.schema import read_yaml, validate
from stages.core.verification import Tolerances, Width, compare_runs, half_width
from tests.conftest import ROOT

TOLERANCES = Tolerances.model_validate(
    {
        "confidence": 0.99,
        "same_fingerprint": {"relative": 1e-6, "absolute": 1e-9},
        "metrics": {
            "test_accuracy": {"floor": 0.001, "max_width": 0.01},
            "test_loss": {"floor": 0.001, "max_width": 0.01},
        },
    }
)


def run(*values: float, processor: str = "here", metric: str = "test_accuracy") -> dict:
    seeds = {str(seed): value for seed, value in enumerate(values, 1)}
    settings = {"num_parameters": 10, "fingerprint": {"processor": processor}}
    return {metric: {"mean": 0.0, "sd": 0.0, "seeds": seeds}, "settings": settings}


def findings(committed: dict, fresh: dict, expected=("row",)) -> list[str]:
    """Compare one row; means and deviations in the files are ignored on purpose, the seeds decide."""
    return [finding.why for finding in compare_runs({"row": committed}, {"row": fresh}, list(expected), TOLERANCES)]


OLD = run(0.850, 0.852, 0.854)


def test_equal_metrics_pass():
    assert findings(OLD, copy.deepcopy(OLD)) == []


def test_on_the_same_machine_a_small_drift_is_caught():
    assert findings(OLD, run(0.850, 0.8521, 0.854)) == ["seed 2, same machine"]


def test_on_another_machine_honest_noise_passes():
    assert findings(OLD, run(0.853, 0.850, 0.855, processor="there")) == []


def test_on_another_machine_a_drop_is_caught_and_named():
    assert findings(OLD, run(0.82, 0.82, 0.82, processor="there")) == ["worse"]


def test_a_surprising_gain_is_reported_too():
    assert findings(OLD, run(0.88, 0.88, 0.88, processor="there")) == ["better than expected: look for a leak"]


def test_a_lower_loss_is_the_better_side():
    old, new = (run(*[value] * 3, processor=name, metric="test_loss") for value, name in ((0.5, "a"), (0.4, "b")))
    assert findings(old, new) == ["better than expected: look for a leak"]


def test_the_band_is_the_prediction_interval_between_floor_and_maximum():
    """By hand: t(0.995, 2) * sd * sqrt(1/3 + 1/2) for three recorded and two new seeds."""
    wide = Width(floor=1e-9, max_width=1.0)
    by_hand = stats.t.ppf(0.995, 2) * 0.002 * math.sqrt(1 / 3 + 1 / 2)
    assert half_width([0.850, 0.852, 0.854], 2, wide, 0.99) == pytest.approx(by_hand)
    assert half_width([0.85, 0.85, 0.85], 3, Width(floor=0.003, max_width=1.0), 0.99) == 0.003
    assert half_width([0.1, 0.5, 0.9], 3, Width(floor=0.003, max_width=0.01), 0.99) == 0.01


def test_noise_cannot_buy_a_pass():
    old, new = run(0.7, 0.8, 0.9), run(0.75, 0.78, 0.82, processor="there")
    assert findings(old, new) == ["worse"]


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.85", True])
def test_a_value_that_is_no_number_fails(value):
    assert findings(OLD, run(0.850, value, 0.854)) == ["seed 2"]


def test_missing_and_extra_metrics_seeds_settings_and_runs_fail():
    assert findings(OLD, run(0.850, 0.852)) == ["other seeds"]
    assert findings(OLD, {"settings": OLD["settings"]}) == ["missing metric"]
    assert findings({"settings": OLD["settings"]}, OLD) == ["extra metric"]
    other = copy.deepcopy(OLD)
    other["settings"]["num_parameters"] = 11
    assert findings(OLD, other) == ["another setting"]
    assert compare_runs({"row": OLD}, {}, ["row"], TOLERANCES)[0].why.startswith("missing")
    assert compare_runs({}, {"row": OLD}, ["row"], TOLERANCES)[0].why.startswith("extra")
    assert compare_runs({"row": OLD}, {"row": OLD}, [], TOLERANCES)[0].why.startswith("extra")


def test_a_metric_without_a_tolerance_fails():
    strange = run(1.0, 1.0, 1.0, metric="surprise")
    assert "does not say" in findings(strange, strange)[0]


def test_the_committed_tolerances_are_valid():
    assert validate(Tolerances, read_yaml(ROOT / "metrics/tolerances.yaml"), "tolerances").confidence == 0.99
