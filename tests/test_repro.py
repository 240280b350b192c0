"""`python -m stages repro`: the same as `dvc repro`, side by side."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import write_params, yaml

ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}


@pytest.fixture
def repro(dvc, run_stages):
    """Run `python -m stages repro …` in a DVC project."""
    return lambda *arguments: run_stages("repro", *arguments, env=ENVIRONMENT)


def started(output: str) -> list[str]:
    return [line.split()[1].rstrip(":") for line in output.splitlines() if line.startswith("[")]


def test_side_by_side_gives_what_dvc_gives_and_then_does_nothing(repro, dvc, workspace):
    done = repro("--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(started(done.stdout)) == 7  # check, the line, two runs trained and evaluated, the report
    lock = yaml.load(workspace / "dvc.lock")
    metrics = {path.name: path.read_bytes() for path in (workspace / "metrics").glob("*.json")}

    assert "Data and pipelines are up to date." in repro().stdout
    assert "Running stage" not in dvc("repro").stdout

    (workspace / "dvc.lock").unlink()
    shutil.rmtree(workspace / ".dvc/cache")
    assert dvc("repro", "--force", "--no-run-cache").returncode == 0
    assert yaml.load(workspace / "dvc.lock") == lock
    assert {path.name: path.read_bytes() for path in (workspace / "metrics").glob("*.json")} == metrics


def test_what_becomes_out_of_date_on_the_way_is_run_too(repro, workspace, params):
    """New data change what trainings read, although only `generate` is out of date at first."""
    assert repro().returncode == 0
    old = json.loads((workspace / "metrics/regression_slow.json").read_text())
    params["generate"]["line"]["recipe"]["seed"] = 1
    write_params(workspace, params)
    done = repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"generate@line", "train@regression_slow", "evaluate@regression_fast", "report"} <= set(started(done.stdout))
    assert json.loads((workspace / "metrics/regression_slow.json").read_text()) != old
    assert "up to date" in repro().stdout


def test_a_failure_is_shown_and_with_keep_going_the_others_run(repro, workspace, params):
    params["runs"]["regression_fast"]["args"]["learning_rate"] = 1e30  # diverges
    write_params(workspace, params)
    done = repro("--keep-going")
    assert done.returncode == 1
    assert "train@regression_fast: FAILED" in done.stdout
    assert "the loss is not finite" in done.stdout
    assert done.stderr == "error: failed stages: train@regression_fast\n"
    assert (workspace / "metrics/regression_slow.json").exists()
    assert not (workspace / "metrics/regression_fast.json").exists()


def test_an_unknown_stage_is_one_line(repro):
    done = repro("train@gone")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "dvc.yaml has no stage 'train@gone'" in done.stderr
