"""The verify command in a real Git and DVC repository."""

import json
import subprocess

import pytest


@pytest.fixture
def committed(workspace, dvc):
    """The small pipeline, rebuilt and committed."""
    done = dvc("repro")
    assert done.returncode == 0, done.stderr

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=workspace, check=True, capture_output=True)

    git("init", "-q")
    git("add", "metrics", "params.yaml")
    git("commit", "-q", "-m", "results")
    return workspace


def test_verify_passes_then_catches_a_changed_metric_and_a_stale_stage(committed, run_stages):
    done = run_stages("verify")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "as committed at HEAD: 2 runs compared near-exactly" in done.stdout

    path = committed / "metrics/regression_slow.json"
    metrics = json.loads(path.read_text())
    metrics["test_loss"]["seeds"]["1"] *= 1.01
    path.write_text(json.dumps(metrics))
    done = run_stages("verify")
    assert done.returncode == 1
    table = done.stdout
    assert "regression_slow" in table and "test_loss" in table and "seed 1, same machine" in table
    assert "evaluate@regression_slow" in table and "stale" in table


def test_an_unknown_revision_is_one_line(committed, run_stages):
    done = run_stages("verify", "--reference", "gone")
    assert done.returncode == 1
    assert done.stderr.startswith("error: `git ls-tree") and done.stderr.count("\n") == 1


def test_outside_git_is_one_line(run_stages):
    done = run_stages("verify")
    assert done.returncode == 1
    assert "error: `git " in done.stderr and done.stderr.count("\n") == 1
