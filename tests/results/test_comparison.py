"""The table of experiments: what counts as changed, how a difference is judged, which row is the best."""

import copy

import pytest

from stages.core.errors import UserError
from stages.results.comparison import Experiment, changed_runs, comparison_frame, run_settings

BETTER = {"test_loss": "lower", "test_accuracy": "higher", "slope": "neither", "validation_accuracy": "higher"}
SHOWN = {"line/fast": ["test_loss", "test_accuracy", "slope"]}
ROW = {"model": "straight_line", "data": "points", "preset": "sgd", "seeds": 2, "args": {"learning_rate": 0.1}}
PARAMS = {
    "params.yaml": {
        "device": "cpu",
        "tokenize": {
            "novel": {"raw": "shelf", "reader": "plain", "eos": "</s>"},
            "play": {"raw": "stage", "reader": "plain", "tokens": "words"},
            "words": {"raw": "stage", "reader": "brown"},
        },
        "join": {"both": {"first": "novel", "second": "play"}},
        "vocab": {"both": {"tokens": "both", "min_count": 5}, "stage": {"tokens": "words", "min_count": 1}},
    },
    "stages/line/params.yaml": {
        "presets": {"sgd": {"batch_size": 16}, "other": {"batch_size": 8}},
        "data": {"drawn": {"points": {"noise": 0.1}, "more": {"noise": 0.2}}},
        "residuals": {"slow": {"data": "more", "count": 3}},
        "runs": {"fast": ROW, "slow": ROW | {"args": {}, "data": "more"}},
    },
    # A family whose data are texts, and mixtures of what two of its rows predicted.
    "stages/letters/params.yaml": {
        "presets": {"none": {}},
        "data": {
            "divide": {"shelf": {"tokens": "both", "vocab": "both", "train": 0.8}},
            "mix": {"pair": {"data": "shelf", "first": "bigram", "second": "trigram"}},
        },
        "runs": {
            "bigram": {"model": "ngram", "data": "shelf", "preset": "none", "seeds": 1, "args": {"order": 2}},
            "trigram": {"model": "ngram", "data": "shelf", "preset": "none", "seeds": 1, "args": {"order": 3}},
            "mixture": {"model": "mixture", "data": "pair", "preset": "none", "seeds": 1, "args": {}},
        },
    },
    # A family without data of its own, whose rows read another family's, and one of them another family's row too.
    "stages/signs/params.yaml": {
        "presets": {"none": {}},
        "data": {"embed": {"vectors": {"vectors": "bigram"}}},
        "runs": {
            "borrowing": {"model": "plain", "data": "points", "preset": "none", "seeds": 1, "args": {}},
            "embedding": {"model": "plain", "data": "vectors", "preset": "none", "seeds": 1, "args": {}},
        },
    },
}
RUNS = [f"{path.split('/')[1]}/{row}" for path, content in PARAMS.items() for row in content.get("runs", ())]


def experiment(*keys: str | int, value: object = None) -> Experiment:
    """Return a state in which the entry under `keys` is `value`, and in which no metric was measured."""
    params = copy.deepcopy(PARAMS)
    if keys:
        *path, last = keys
        inner = params
        for key in path:
            inner = inner[key]
        inner[last] = value
    return Experiment("x", params, {run: {} for run in RUNS}, {})


def changed(*keys: str | int, value: object) -> set[str]:
    """Return the runs of all families that count as changed by one parameter."""
    families = dict.fromkeys(run.split("/")[0] for run in RUNS)
    state = experiment(*keys, value=value)
    return {run for family in families for run in changed_runs(experiment(), state, family)}


LINE, LETTERS, SIGNS = (f"stages/{family}/params.yaml" for family in ("line", "letters", "signs"))
TEXT_ROWS = {"letters/bigram", "letters/trigram", "letters/mixture", "signs/embedding"}


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        ((LINE, "runs", "fast", "args", "learning_rate"), 0.2, {"line/fast"}),
        ((LINE, "runs", "fast", "preset"), "other", {"line/fast"}),
        ((LINE, "presets", "sgd", "batch_size"), 4, {"line/fast", "line/slow"}),
        ((LINE, "runs", "fast", "seeds"), 3, {"line/fast"}),
        # a recipe: all rows that read the data, in whichever family
        ((LINE, "data", "drawn", "points", "noise"), 0.3, {"line/fast", "signs/borrowing"}),
        # a section that adds metrics to a row
        ((LINE, "residuals", "slow", "count"), 4, {"line/slow"}),
        # texts and vocabularies, and what is made of them
        (("params.yaml", "tokenize", "novel", "eos"), None, TEXT_ROWS),
        (("params.yaml", "tokenize", "play", "tokens"), "characters", TEXT_ROWS),
        (("params.yaml", "join", "both", "second"), "words", TEXT_ROWS),
        (("params.yaml", "vocab", "both", "min_count"), 1, TEXT_ROWS),
        ((LETTERS, "data", "divide", "shelf", "train"), 0.7, TEXT_ROWS),
        # a row that others are made of
        ((LETTERS, "runs", "trigram", "args", "order"), 5, {"letters/trigram", "letters/mixture"}),
        ((LETTERS, "runs", "bigram", "args", "order"), 4, {"letters/bigram", "letters/mixture", "signs/embedding"}),
        # what nothing is made of; names of another kind (`tokens: words`, `reader: brown`) are no references
        (("params.yaml", "tokenize", "words", "reader"), "gcide", set()),
        (("params.yaml", "vocab", "stage", "min_count"), 2, set()),
        ((LINE, "presets", "other", "batch_size"), 4, set()),
        (("params.yaml", "device"), "cuda", set(RUNS)),
    ],
)
def test_a_parameter_changes_all_rows_downstream_and_no_others(keys, value, expected):
    assert changed(*keys, value=value) == expected


def test_rows_whose_metrics_moved_are_changed_whatever_the_reason():
    """Data made of another family's rows may come from a stage that parameters do not tell of."""
    state = experiment()
    state.values["signs/borrowing"]["test_loss"] = {"1": 0.5}
    assert changed_runs(experiment(), state, "signs") == ["signs/borrowing"]


def test_settings_have_the_path_of_their_key():
    settings = run_settings(experiment(), "line/fast")
    assert settings == {
        "model": "straight_line",
        "data": "points",
        "device": "cpu",
        "seeds": 2,
        "batch_size": 16,
        "learning_rate": 0.1,
        "data.points.noise": 0.1,
    }
    assert run_settings(experiment(), "line/slow")["residuals.count"] == 3
    assert run_settings(experiment(), "line/slow")["data.more.noise"] == 0.2
    settings = run_settings(experiment(), "signs/embedding")
    assert settings["vocab.both.min_count"] == 5 and settings["tokenize.novel.eos"] == "</s>"
    assert settings["letters/runs.bigram.order"] == 2 and settings["letters/data.shelf.train"] == 0.8
    assert run_settings(experiment(), "line/gone") == run_settings(experiment(), "gone/fast") == {}


def test_what_dvc_tells_only_if_it_is_asked_to_is_missed_by_name():
    """Without `params` at the top of dvc.yaml, `dvc exp show` knows only what stages name, such as `runs.fast.args`."""
    state = experiment(LINE, "runs", "fast", value={"seeds": 2, "args": {}})
    with pytest.raises(UserError, match=r"^stages/line/dvc.yaml: needs `params: \[params.yaml\]` at its top"):
        run_settings(state, "line/fast")


def test_a_row_goes_before_its_preset():
    state = experiment(LINE, "runs", "fast", "args", value={"batch_size": 2})
    assert run_settings(state, "line/fast")["batch_size"] == 2


def test_a_column_of_a_setting_upstream_is_named_after_its_key():
    frame = compare(experiment(), experiment("params.yaml", "vocab", "both", "min_count", value=1), family="letters")
    assert list(frame["vocab.both.min count"]) == ["5", "1"] * 3
    assert list(frame["row"]) == ["bigram"] * 2 + ["trigram"] * 2 + ["mixture"] * 2


def state(name="baseline", rate=0.1, **values):
    """Return a state of the family `line`: learning rate and metrics by seed of its row `fast`."""
    made = experiment(LINE, "runs", "fast", "args", "learning_rate", value=rate)
    metrics = {metric: dict(zip("123", seeds, strict=False)) for metric, seeds in values.items()}
    return Experiment(name, made.params, {"line/fast": metrics, "line/slow": {}}, {})


def compare(baseline, *experiments, better=BETTER, by=None, family="line"):
    return comparison_frame(baseline, experiments, family, SHOWN, better, by)


def test_metrics_or_settings_change_a_run():
    baseline = state(test_loss=[1.0, 2.0])
    assert changed_runs(baseline, state(test_loss=[1.0, 2.0]), "line") == []
    assert changed_runs(baseline, state(test_loss=[1.0, 2.1]), "line") == ["line/fast"]
    assert changed_runs(baseline, state(rate=0.2, test_loss=[1.0, 2.0]), "line") == ["line/fast"]
    assert changed_runs(baseline, state(rate=0.2, test_loss=[1.0, 2.0]), "letters") == []


def test_a_difference_is_judged_seed_by_seed_and_by_its_direction():
    names = ("test_loss", "test_accuracy", "slope")
    baseline = state(**{name: [0.1, 0.5, 0.9] for name in names})
    line = compare(baseline, state("moved", 0.2, **{name: [0.21, 0.61, 1.02] for name in names})).loc[1]
    # The seeds scatter by 0.4, but all move by about 0.11: sd 0.0058 / sqrt(3) * 4.303 = 0.0143 to either side.
    shown = "0.6133 ± 0.4050 (3)\n+0.1133 {}\n+0.0990 to +0.1277"
    assert line["test loss ↓"] == shown.format("worse")
    assert line["test accuracy ↑"] == shown.format("better")
    assert line["slope"] == shown.format("moved")


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([1.5, 1.5, 3.5], "+0.1667 undecided"),
        ([1.0, 2.0, 3.0], "the same"),
        ([0.5], "-0.5000\n(one seed)"),
    ],
)
def test_what_the_seeds_cannot_decide_is_said(seeds, expected):
    line = compare(state(test_loss=[1.0, 2.0, 3.0]), state("x", 0.2, test_loss=seeds)).loc[1]
    assert expected in line["test loss ↓"]


def test_seeds_that_only_one_side_has_are_not_compared():
    other = state("x", 0.2, test_loss=[1.0])
    other.values["line/fast"]["test_loss"] = {"9": 1.0}
    assert "no seed in common" in compare(state(test_loss=[1.0, 2.0]), other).loc[1, "test loss ↓"]


def test_the_best_is_marked_after_the_direction_and_the_rest_is_ranked():
    low = state("low", 0.2, test_loss=[1.0, 1.1], test_accuracy=[0.5, 0.6])
    high = state("high", 0.3, test_loss=[5.0, 5.1], test_accuracy=[0.8, 0.9])
    baseline = state(test_loss=[2.0, 2.1], test_accuracy=[0.7, 0.7])
    assert list(compare(baseline, low, high)["experiment"]) == ["baseline", "high (best)", "low"]
    assert list(compare(baseline, low, high, by="test_loss")["experiment"]) == ["baseline", "low (best)", "high"]
    assert list(compare(baseline, low)["experiment"]) == ["baseline (best)", "low"]


def test_validation_data_choose_before_test_data():
    careful = state("careful", 0.2, test_accuracy=[0.5], validation_accuracy=[0.9])
    lucky = state("lucky", 0.3, test_accuracy=[0.9], validation_accuracy=[0.5])
    frame = compare(state(test_accuracy=[0.4], validation_accuracy=[0.4]), lucky, careful)
    assert list(frame["experiment"]) == ["baseline", "careful (best)", "lucky"]


def test_only_settings_that_differ_have_a_column():
    frame = compare(state(test_loss=[1.0, 2.0]), state("x", 0.2, test_loss=[1.0, 2.1]))
    assert list(frame.columns) == ["row", "experiment", "learning rate", "test loss ↓"]
    assert list(frame["learning rate"]) == ["0.1", "0.2"]
    assert list(frame["row"]) == ["fast", "fast"]


def test_an_undeclared_direction_and_an_unknown_metric_are_errors():
    states = state(test_loss=[1.0, 2.0]), state("x", 0.2, test_loss=[1.0, 2.1])
    with pytest.raises(UserError, match="^stages/line/metrics.yaml: metrics.test_loss is missing"):
        compare(*states, better={})
    with pytest.raises(UserError, match="--by = 'gone': must be one of test_loss"):
        compare(*states, by="gone")
