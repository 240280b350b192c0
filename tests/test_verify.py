"""The verify command in a real DVC repository."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages import verify
from stages.core.run import PARAMS
from stages.core.schema import read_yaml, validate
from stages.results.params import Params
from stages.results.references import load_references
from stages.results.verification import Tolerances, compare_runs
from tests.conftest import ENVIRONMENT, ROOT, write_params


@pytest.fixture(scope="module")
def recorded_once(built_once, tmp_path_factory) -> Path:
    """The small pipeline, rebuilt with two seeds and recorded; not to be changed."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copytree(built_once, folder, dirs_exist_ok=True)
    command = [sys.executable, "-m", "stages", "verify", "--update"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "regression_slow  test_loss" in done.stdout
    return folder


@pytest.fixture
def recorded(recorded_once, workspace) -> Path:
    """The workspace, turned into a copy of that."""
    shutil.copytree(recorded_once, workspace, dirs_exist_ok=True)
    return workspace


@pytest.fixture
def rebuild(run_stages):
    """Bring the workspace up to date."""

    def run() -> None:
        done = run_stages("repro", env=ENVIRONMENT)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def test_verify_passes_then_catches_a_changed_metric_and_a_stale_stage(recorded, run_stages, rebuild):
    stale = run_stages("verify")
    assert stale.returncode == 1 and "report" in stale.stdout  # it shows the recorded durations
    rebuild()
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


def test_a_subset_of_seeds_passes_and_does_not_shrink_the_references(recorded, run_stages, rebuild, params):
    params["seeds"] = [2]
    write_params(recorded, params)
    rebuild()
    done = run_stages("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "near-exactly" in done.stdout
    assert run_stages("verify", "--update").stdout.startswith("no change\n")


def test_update_replaces_what_changed_and_shows_it(recorded, run_stages, rebuild, params):
    """Old seeds of other hyperparameters say nothing of the new ones: they go."""
    params["runs"]["regression_slow"]["args"]["learning_rate"] = 0.02
    params["seeds"] = [2]
    write_params(recorded, params)
    rebuild()
    assert run_stages("verify").returncode == 1
    done = run_stages("verify", "--update")
    assert done.returncode == 0, done.stderr
    assert "regression_slow" in done.stdout and "regression_fast" not in done.stdout
    reference = json.loads((recorded / "metrics/references/regression_slow.json").read_text())
    assert list(reference["metrics"]["test_loss"]) == ["2"]
    assert run_stages("verify", "regression_slow").returncode == 0


def test_only_what_was_left_out_is_skipped(recorded, run_stages):
    """Not what is out of date for another reason; and to skip all runs is no pass."""
    (recorded / ".dvc/tmp/left_out.json").write_text(json.dumps(["train@regression_slow"]))
    shutil.rmtree(recorded / "data/models/regression_fast")
    done = run_stages("verify", "--skip-left-out")
    assert done.returncode == 1
    assert "no time for them, 1: regression_slow" in done.stdout
    assert "train@regression_fast" in done.stdout and "stale" in done.stdout

    (recorded / ".dvc/tmp/left_out.json").write_text(json.dumps(["generate@line"]))
    done = run_stages("verify", "--skip-left-out")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "nothing to verify: the last rebuild had no time for any" in done.stderr


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
