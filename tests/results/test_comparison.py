"""The table of experiments: what counts as changed, how a difference is judged, which row is the best."""

import pytest

from stages.core.errors import UserError
from stages.results.comparison import Experiment, changed_runs, comparison_frame, run_settings

BETTER = {"test_loss": "lower", "test_accuracy": "higher", "weight_1": "neither", "validation_accuracy": "higher"}


@pytest.fixture
def state(params):
    """Make an experiment of the small params.yaml: learning rate and metrics by seed of the run regression_fast."""
    params["tables"]["line"]["metrics"] = ["test_loss", "test_accuracy", "weight_1"]

    def make(name="baseline", rate=0.1, **values):
        runs = {run: entry | {"args": dict(entry["args"])} for run, entry in params["runs"].items()}
        runs["regression_fast"]["args"]["learning_rate"] = rate
        metrics = {metric: dict(zip("123", seeds, strict=False)) for metric, seeds in values.items()}
        return Experiment(name, params | {"runs": runs}, {"regression_fast": metrics, "regression_slow": {}})

    return make


def compare(baseline, *experiments, better=BETTER, by=None):
    return comparison_frame(baseline, experiments, "regression", better, by)


def test_a_run_has_its_own_arguments_its_familys_and_its_datas(params):
    settings = run_settings(params, "regression_fast")
    assert settings["learning_rate"] == 0.1 and settings["batch_size"] == 16
    assert settings["seeds"] == [1, 2] and settings["line.recipe.noise"] == 0.1
    params["runs"]["regression_fast"]["args"]["seeds"] = [7]
    assert run_settings(params, "regression_fast")["seeds"] == [7]
    assert run_settings(params, "gone") == {}


def test_labels_change_nothing_and_metrics_or_settings_do(state):
    baseline = state(test_loss=[1.0, 2.0])
    relabelled = state(test_loss=[1.0, 2.0])
    relabelled.params["runs"]["regression_fast"]["label"] = "another"
    assert changed_runs(baseline, relabelled, "regression") == []
    assert changed_runs(baseline, state(test_loss=[1.0, 2.1]), "regression") == ["regression_fast"]
    assert changed_runs(baseline, state(rate=0.2, test_loss=[1.0, 2.0]), "regression") == ["regression_fast"]
    assert changed_runs(baseline, state(rate=0.2, test_loss=[1.0, 2.0]), "image_classification") == []


def test_a_difference_is_judged_seed_by_seed_and_by_its_direction(state):
    names = ("test_loss", "test_accuracy", "weight_1")
    baseline = state(**{name: [0.1, 0.5, 0.9] for name in names})
    line = compare(baseline, state("moved", 0.2, **{name: [0.21, 0.61, 1.02] for name in names})).loc[1]
    # The seeds scatter by 0.4, but all move by about 0.11: sd 0.0058 / sqrt(3) * 4.303 = 0.0143 to either side.
    shown = "0.6133 ± 0.4050 (3)\n+0.1133 {}\n+0.0990 to +0.1277"
    assert line["test loss ↓"] == shown.format("worse")
    assert line["test accuracy ↑"] == shown.format("better")
    assert line["weight 1"] == shown.format("moved")


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([1.5, 1.5, 3.5], "+0.1667 undecided"),
        ([1.0, 2.0, 3.0], "the same"),
        ([0.5], "-0.5000\n(one seed)"),
    ],
)
def test_what_the_seeds_cannot_decide_is_said(state, seeds, expected):
    line = compare(state(test_loss=[1.0, 2.0, 3.0]), state("x", 0.2, test_loss=seeds)).loc[1]
    assert expected in line["test loss ↓"]


def test_seeds_that_only_one_side_has_are_not_compared(state):
    other = state("x", 0.2, test_loss=[1.0])
    other.values["regression_fast"]["test_loss"] = {"9": 1.0}
    assert "no seed in common" in compare(state(test_loss=[1.0, 2.0]), other).loc[1, "test loss ↓"]


def test_the_best_is_marked_after_the_direction_and_the_rest_is_ranked(state):
    low = state("low", 0.2, test_loss=[1.0, 1.1], test_accuracy=[0.5, 0.6])
    high = state("high", 0.3, test_loss=[5.0, 5.1], test_accuracy=[0.8, 0.9])
    baseline = state(test_loss=[2.0, 2.1], test_accuracy=[0.7, 0.7])
    assert list(compare(baseline, low, high)["experiment"]) == ["baseline", "high (best)", "low"]
    assert list(compare(baseline, low, high, by="test_loss")["experiment"]) == ["baseline", "low (best)", "high"]
    assert list(compare(baseline, low)["experiment"]) == ["baseline (best)", "low"]


def test_validation_data_choose_before_test_data(state):
    careful = state("careful", 0.2, test_accuracy=[0.5], validation_accuracy=[0.9])
    lucky = state("lucky", 0.3, test_accuracy=[0.9], validation_accuracy=[0.5])
    frame = compare(state(test_accuracy=[0.4], validation_accuracy=[0.4]), lucky, careful)
    assert list(frame["experiment"]) == ["baseline", "careful (best)", "lucky"]


def test_only_settings_that_differ_have_a_column(state):
    frame = compare(state(test_loss=[1.0, 2.0]), state("x", 0.2, test_loss=[1.0, 2.1]))
    assert list(frame.columns) == ["row", "experiment", "learning rate", "test loss ↓"]
    assert list(frame["learning rate"]) == ["0.1", "0.2"]
    assert list(frame["row"]) == ["fast", "fast"]


def test_an_undeclared_direction_and_an_unknown_metric_are_errors(state):
    states = state(test_loss=[1.0, 2.0]), state("x", 0.2, test_loss=[1.0, 2.1])
    with pytest.raises(UserError, match="better.test_loss is missing: higher, lower or neither"):
        compare(*states, better={})
    with pytest.raises(UserError, match="--by = 'gone': no such metric here; there are test_loss"):
        compare(*states, by="gone")
