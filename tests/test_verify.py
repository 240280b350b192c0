"""The verify command in a real DVC repository."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from stages import evaluate, retrain, verify
from stages.results.fresh import read_metrics, verification
from stages.results.project import load_project
from stages.results.references import load_references, save_reference
from tests.conftest import LINE, ROOT, edited, in_workspace
from tests.small_repository import rebuild

SLOW = Path("metrics/line/slow.json")


@pytest.fixture(scope="module")
def recorded_once(built_once, tmp_path_factory) -> Path:
    """The small pipeline, built with two seeds and recorded; not to be changed."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copytree(built_once, folder, symlinks=True, dirs_exist_ok=True)
    with in_workspace(folder):
        verify.update()
        rebuild()  # the report shows what was recorded
    return folder


@pytest.fixture
def recorded(recorded_once, workspace) -> Path:
    """The workspace, turned into a copy of that."""
    return shutil.copytree(recorded_once, workspace, symlinks=True, dirs_exist_ok=True)


def test_what_is_recorded_is_shown_and_makes_the_report_stale(built, cli):
    done = cli("verify", "--update")
    assert done.returncode == 0, done.stderr
    assert "line/slow  test_loss" in done.stdout and "fewer seeds" not in done.stdout
    stale = cli("verify")
    assert (stale.returncode, stale.stdout.count("stale")) == (1, 1)
    assert "report" in stale.stdout
    one = cli("verify", "line/slow")  # the report is nothing that a row needs
    assert one.returncode == 0, one.stdout


def test_verify_passes_then_catches_a_changed_metric_and_a_stale_stage(recorded, cli):
    done = cli("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 metrics of 2 runs are as recorded" in done.stdout
    assert "exact: 2 runs: line/fast, line/slow" in done.stdout

    metrics = json.loads(SLOW.read_text())
    metrics["test_loss"]["seeds"]["1"] *= 1.01
    SLOW.write_text(json.dumps(metrics))
    done = cli("verify")
    assert done.returncode == 1
    assert "line/slow" in done.stdout and "test_loss" in done.stdout and "seed 1, same machine" in done.stdout
    assert "stages/line/dvc.yaml:evaluate@slow" in done.stdout and "stale" in done.stdout

    other = cli("verify", "line/fast")
    assert other.returncode == 0, other.stdout
    refused = cli("verify", "--update")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "stages/line/dvc.yaml:evaluate@slow out of date" in refused.stderr


def test_metrics_of_a_further_stage_count_as_the_runs_own(recorded, cli):
    """A metric that only such a stage gives is no metric of the references: extra."""
    with edited(LINE / "params.yaml") as params:
        params["residuals"]["slow"] = {"data": "points", "count": 3}
    done = cli("line", "residuals", "slow")
    assert done.returncode == 0, done.stderr
    done = cli("verify")
    assert done.returncode == 1
    assert "largest_residual" in done.stdout and "line/slow" in done.stdout and "extra metric" in done.stdout


def test_a_subset_of_seeds_passes_and_does_not_shrink_the_references(recorded, cli):
    with edited(LINE / "params.yaml") as params:
        params["runs"]["slow"]["seeds"] = 1
    rebuild("line/slow")
    done = cli("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exact: 2 runs" in done.stdout
    assert cli("verify", "--update").stdout.startswith("no change\n")


def test_update_replaces_what_changed_and_shows_it(recorded, cli):
    """Old seeds of other hyperparameters say nothing of the new ones: they go."""
    with edited(LINE / "params.yaml") as params:
        params["runs"]["slow"]["args"]["learning_rate"] = 0.02
        params["runs"]["slow"]["seeds"] = 1
    rebuild("line/slow")
    assert cli("verify").returncode == 1
    done = cli("verify", "--update")
    assert done.returncode == 0, done.stderr
    assert "fewer seeds than before, which may be too few for other machines: line/slow" in done.stdout
    assert "line/slow  test_loss" in done.stdout and "line/fast" not in done.stdout
    assert list(load_references()["line/slow"].metrics["test_loss"]) == ["1"]
    assert cli("verify", "line/slow").returncode == 0


def test_the_size_of_a_model_that_depends_on_its_seed_is_that_of_the_first(recorded, monkeypatch):
    """In the metrics, when that seed is trained again, and when seeds are added."""

    def as_large_as_its_seed(run, seed, info):
        line = nn.Linear(1, 1)
        line.register_parameter("unused", nn.Parameter(torch.zeros(seed)))
        return line, [{"epoch": 1, "train_loss": 1.0}]

    monkeypatch.setattr(evaluate, "load_model", as_large_as_its_seed)
    monkeypatch.setattr("stages.line.train.fit", lambda run, data, seed: as_large_as_its_seed(run, seed, data.info))
    evaluate.evaluate("line/slow")
    settings = json.loads(SLOW.read_text())["settings"]
    assert settings["num_parameters"] == 3
    save_reference("line/slow", load_references()["line/slow"].model_copy(update={"settings": settings}))
    size = "settings.num_parameters"
    assert size not in [finding.metric for finding in retrain.retrain("line/slow").findings]
    retrain.record("line/slow", 3)
    assert set(load_references()["line/slow"].metrics["test_loss"]) == {"1", "2", "3"}


def test_a_run_that_is_gone_loses_its_reference(recorded, cli):
    with edited(LINE / "params.yaml") as params, edited(LINE / "tables.yaml") as shown:
        del params["runs"]["slow"], shown["rows"]["slow"], shown["claims"]
        shown["tables"]["line"]["rows"].remove("slow")
    SLOW.unlink()
    rebuild()
    assert cli("verify").returncode == 1
    done = cli("verify", "--update")
    assert done.returncode == 0, done.stderr
    assert "line/slow" in done.stdout and "removed" in done.stdout
    assert list(load_references()) == ["line/fast"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["gone"], "'gone': no such run or family; the families are line"),
        (["line/gone"], "'line/gone': no such run or family; the families are line"),
        (["--update", "line"], "verify --update renews the references of all runs: name none"),
    ],
)
def test_an_unknown_run_is_one_line(workspace, cli, names, message):
    done = cli("verify", *names)
    assert (done.returncode, done.stderr) == (1, f"error: {message}\n")


def test_the_committed_metrics_are_those_of_the_references(monkeypatch):
    """A changed result with an old reference would let CI fail later; another processor's are within tolerances."""
    monkeypatch.chdir(ROOT)
    project, references = load_project(), load_references()
    measured = read_metrics(project)
    assert verification(project, references, measured).findings == []
    for run in project.runs:
        reference, metrics = references[run], measured[run]
        if metrics.pop("settings") == reference.settings:  # computed there: the very numbers
            for metric, summary in metrics.items():
                assert summary["seeds"].items() <= reference.metrics[metric].items()
