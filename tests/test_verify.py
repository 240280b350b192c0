"""The verify command in a real DVC repository."""

import json
import shutil

import pytest

from stages import verify
from stages.core.run import PARAMS
from stages.core.schema import read_yaml, validate
from stages.results.params import Params
from stages.results.references import load_references
from stages.results.verification import Tolerances, compare_runs
from tests.conftest import ROOT, write_params


@pytest.fixture
def recorded(built, run_stages, dvc):
    """The small pipeline, rebuilt with two seeds and recorded."""
    done = run_stages("verify", "--update")
    assert done.returncode == 0, done.stderr
    assert "regression_slow  test_loss" in done.stdout
    return built


def test_verify_passes_then_catches_a_changed_metric_and_a_stale_stage(recorded, run_stages, dvc):
    stale = run_stages("verify")
    assert stale.returncode == 1 and "report" in stale.stdout  # it shows the recorded durations
    assert dvc("repro").returncode == 0
    done = run_stages("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 runs compared near-exactly" in done.stdout

    path = recorded / "metrics/regression_slow.json"
    metrics = json.loads(path.read_text())
    metrics["test_loss"]["seeds"]["1"] *= 1.01
    path.write_text(json.dumps(metrics))
    done = run_stages("verify")
    assert done.returncode == 1
    assert "regression_slow" in done.stdout and "test_loss" in done.stdout and "seed 1, same machine" in done.stdout
    assert "evaluate@regression_slow" in done.stdout and "stale" in done.stdout

    other = run_stages("verify", "regression_fast")
    assert other.returncode == 0, other.stdout
    refused = run_stages("verify", "--update")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "evaluate@regression_slow out of date" in refused.stderr


def test_scores_of_a_judge_count_as_the_runs_own(recorded, run_stages):
    """A metric that only a judge gives is no metric of the references: extra."""
    scores = {"frechet_distance": {"mean": 1.0, "sd": None, "seeds": {"1": 1.0, "2": 1.0}}, "settings": {}}
    path = recorded / "metrics/judged/regression_slow.json"
    path.parent.mkdir()
    path.write_text(json.dumps(scores))
    done = run_stages("verify")
    assert done.returncode == 1
    assert "frechet_distance" in done.stdout and "regression_slow" in done.stdout


def test_a_subset_of_seeds_passes_and_does_not_shrink_the_references(recorded, run_stages, dvc, params):
    params["seeds"] = [2]
    write_params(recorded, params)
    assert dvc("repro").returncode == 0
    done = run_stages("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "near-exactly" in done.stdout
    assert run_stages("verify", "--update").stdout.startswith("no change\n")


def test_update_replaces_what_changed_and_shows_it(recorded, run_stages, dvc, params):
    """Old seeds of other hyperparameters say nothing of the new ones: they go."""
    params["runs"]["regression_slow"]["args"]["learning_rate"] = 0.02
    params["seeds"] = [2]
    write_params(recorded, params)
    assert dvc("repro").returncode == 0
    assert run_stages("verify").returncode == 1
    done = run_stages("verify", "--update")
    assert done.returncode == 0, done.stderr
    assert "regression_slow" in done.stdout and "regression_fast" not in done.stdout
    reference = json.loads((recorded / "metrics/references/regression_slow.json").read_text())
    assert list(reference["metrics"]["test_loss"]) == ["2"]
    assert run_stages("verify", "regression_slow").returncode == 0


def test_skipping_all_runs_is_no_pass(recorded, run_stages):
    shutil.rmtree(recorded / "data/prepared/line")
    done = run_stages("verify", "--skip-stale")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "every run is out of date" in done.stderr


def test_an_unknown_run_is_one_line(recorded, run_stages):
    done = run_stages("verify", "gone")
    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: runs has no 'gone'") and done.stderr.count("\n") == 1


def test_the_committed_metrics_are_those_of_the_references(monkeypatch):
    """A changed result with an old reference would let CI fail later; another processor's have bands instead."""
    monkeypatch.chdir(ROOT)
    params = validate(Params, read_yaml(PARAMS), "params.yaml:")
    expected = {run: params.seeds_of(run) for run in params.runs}
    tolerances = validate(Tolerances, read_yaml(verify.TOLERANCES), "tolerances.yaml:")
    references, measured = load_references(), verify.read_metrics()
    assert compare_runs(references, measured, expected, tolerances) == []
    for run in params.runs:
        reference, metrics = references[run], measured[run]
        if metrics.pop("settings") == reference.settings:  # computed there: the very numbers
            for metric, summary in metrics.items():
                assert summary["seeds"].items() <= reference.metrics[metric].items()
