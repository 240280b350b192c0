"""The train and evaluate stages: same numbers however they run, nothing lost when they are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.conftest import ENVIRONMENT, wait_for, write_params


def metrics(workspace, name="regression_slow") -> dict:
    return json.loads((workspace / f"metrics/{name}.json").read_text())


def files(folder) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def prepared(run_stages):
    done = run_stages("prepare", "line")
    assert done.returncode == 0, done.stderr
    return run_stages


def test_numbers_do_not_depend_on_the_number_of_processes(prepared, workspace):
    """One process after another, and all side by side, write the same bytes."""
    results = []
    for workers in ("1", "2"):
        done = prepared("train", "regression_slow", env=os.environ | {"STAGES_WORKERS": workers})
        assert done.returncode == 0, done.stderr
        results.append(files(workspace / "data/models/regression_slow"))
    assert results[0] == results[1]
    assert set(results[0]) == {"1.safetensors", "1.json", "2.safetensors", "2.json"}
    assert results[0]["1.safetensors"] != results[0]["2.safetensors"]


def test_a_log_gets_lines_and_no_progress_bar(prepared):
    done = prepared("train", "regression_slow")
    assert "\r" not in done.stderr
    assert "regression_slow seed 1: train_loss" in done.stderr


def test_evaluation_writes_each_seed_and_what_the_numbers_mean(prepared, workspace):
    for command in ("train", "evaluate"):
        done = prepared(command, "regression_slow")
        assert done.returncode == 0, done.stderr
    loss = metrics(workspace)["test_loss"]
    assert loss["mean"] == pytest.approx(sum(loss["seeds"].values()) / 2)
    settings = metrics(workspace)["settings"]
    assert (settings["num_parameters"], settings["num_train"], settings["num_test"]) == (2, 64, 32)


def test_a_damaged_model_is_named(prepared, workspace):
    prepared("train", "regression_slow")
    model = workspace / "data/models/regression_slow/1.safetensors"
    model.write_bytes(model.read_bytes()[:20])
    done = prepared("evaluate", "regression_slow")
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/models/regression_slow/1.safetensors is missing or damaged")
    assert not (workspace / "metrics/regression_slow.json").exists()


def test_missing_data_are_named(run_stages):
    done = run_stages("train", "regression_slow")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "data/prepared/line is missing" in done.stderr


def test_an_unknown_run_is_named(run_stages):
    done = run_stages("train", "regression_gone")
    assert done.returncode == 1
    assert "params.yaml: runs has no 'regression_gone'; it has: regression_slow, regression_fast" in done.stderr


def test_divergence_leaves_nothing_behind(prepared, workspace, params):
    params["runs"]["regression_slow"]["args"] |= {"learning_rate": 1e30, "num_epochs": 50}
    write_params(workspace, params)
    done = prepared("train", "regression_slow")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: regression_slow seed ")
    assert "lower learning_rate = 1e+30" in done.stderr
    assert not list((workspace / "data/models").glob("*"))


def test_cuda_without_a_device_is_one_line(prepared, workspace, params):
    params["device"] = "cuda"
    write_params(workspace, params)
    done = prepared("train", "regression_slow", env=os.environ | {"CUDA_VISIBLE_DEVICES": ""})
    assert done.returncode == 1
    assert "device = 'cuda': no CUDA device is available here" in done.stderr


def test_a_full_disk_is_one_line(prepared, workspace):
    """The shell's file-size limit stands in for the full disk; the models of an earlier run stay whole."""
    prepared("train", "regression_slow")
    before = files(workspace / "data/models/regression_slow")
    script = f"trap '' XFSZ; ulimit -f 0; exec {sys.executable} -m stages train regression_slow 2>&1 | cat"
    done = subprocess.run(["bash", "-c", script], cwd=workspace, capture_output=True, text=True, check=False)
    assert "error: cannot write" in done.stdout, done.stdout
    assert files(workspace / "data/models/regression_slow") == before


def test_killed_during_training_then_repro_continues_to_the_same_numbers(workspace, params, dvc):
    """kill -9 of DVC and of the stage; the finished row is not trained again, the other ends as if undisturbed."""
    params["runs"]["regression_fast"]["args"]["num_epochs"] = 3000
    write_params(workspace, params)
    rows = ["regression_slow", "regression_fast"]
    targets = [f"evaluate@{name}" for name in rows]
    undisturbed = dvc("repro", *targets)
    assert undisturbed.returncode == 0, undisturbed.stderr
    expected = {name: metrics(workspace, name) for name in rows}

    for made in (".dvc/cache", "data/models", "data/evaluations"):  # nothing may be restored instead of trained
        shutil.rmtree(workspace / made)
    (workspace / "dvc.lock").unlink()
    for name in rows:
        (workspace / f"metrics/{name}.json").unlink()
    command = [sys.executable, "-m", "dvc", "repro", *targets]
    options = {"start_new_session": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen(command, cwd=workspace, env=ENVIRONMENT, **options)
    try:
        wait_for(lambda: (workspace / "data/models/.regression_fast.tmp").exists() or running.poll() is not None)
        assert running.poll() is None
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert not (workspace / "data/models/regression_fast").exists()

    done = dvc("repro", *targets)
    assert done.returncode == 0, done.stderr
    assert "Running stage 'train@regression_slow'" not in done.stdout
    assert "Running stage 'train@regression_fast'" in done.stdout
    assert {name: metrics(workspace, name) for name in rows} == expected
