"""The train and evaluate stages: same numbers however they run, nothing lost when they are killed."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from dvc.repo import Repo

from tests.conftest import ENVIRONMENT, LINE, edited, wait_for

ROWS = ("line/slow", "line/fast")
SLOW = Path("data/models/line/slow")


def metrics(name: str = "line/slow") -> dict:
    return json.loads(Path(f"metrics/{name}.json").read_text())


def files(folder: Path) -> dict:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def succeed(cli, *arguments: str) -> str:
    done = cli(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def prepared(cli):
    succeed(cli, "prepare", "line/points")
    return cli


@pytest.fixture
def trained(prepared):
    succeed(prepared, "train", "line/slow")
    return prepared


def test_numbers_do_not_depend_on_the_number_of_processes(prepared, monkeypatch):
    """One process after another, and all side by side, write the same bytes."""
    results = []
    for workers in ("1", "2"):
        monkeypatch.setenv("STAGES_WORKERS", workers)
        succeed(prepared, "train", "line/slow")
        results.append(files(SLOW))
    assert results[0] == results[1]
    assert set(results[0]) == {"1.safetensors", "1.json", "2.safetensors", "2.json"}
    assert results[0]["1.safetensors"] != results[0]["2.safetensors"]


def test_a_log_gets_lines_and_no_progress_bar(prepared):
    printed = succeed(prepared, "train", "line/slow")
    assert "\r" not in printed
    assert "line/slow seed 1: train_loss" in printed


def test_evaluation_writes_each_seed_and_what_the_numbers_mean(trained):
    succeed(trained, "evaluate", "line/slow")
    loss = metrics()["test_loss"]
    assert loss["mean"] == pytest.approx(sum(loss["seeds"].values()) / 2)
    settings = metrics()["settings"]
    assert (settings["num_parameters"], settings["num_train"], settings["num_test"]) == (2, 64, 32)


def test_a_damaged_model_is_named(trained):
    model = SLOW / "1.safetensors"
    model.write_bytes(model.read_bytes()[:20])
    done = trained("evaluate", "line/slow")
    assert done.returncode == 1
    assert done.stderr.startswith("error: data/models/line/slow/1.safetensors is missing or damaged")
    assert not Path("metrics/line/slow.json").exists()


def test_missing_data_are_named(cli):
    done = cli("train", "line/slow")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "data/prepared/line/points is missing" in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("line/gone", "stages/line/params.yaml: runs has no 'gone'; it has: slow, fast"),
        ("gone/slow", "'gone/slow': family = 'gone': must be one of line"),
        ("slow", "'slow': must be family/name; the families are line"),
    ],
)
def test_an_unknown_run_is_named(cli, name, message):
    done = cli("train", name)
    assert (done.returncode, done.stderr) == (1, f"error: {message}\n")


def test_divergence_leaves_nothing_behind(prepared):
    with edited(LINE / "params.yaml") as params:
        params["runs"]["slow"]["args"] |= {"learning_rate": 1e30, "num_epochs": 50}
    done = prepared("train", "line/slow")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: line/slow seed ")
    assert "lower learning_rate = 1e+30" in done.stderr
    assert not list(Path("data/models/line").glob("*"))


def test_cuda_without_a_device_is_one_line(prepared, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with edited(Path("params.yaml")) as params:
        params["device"] = "cuda"
    done = prepared("train", "line/slow")
    assert done.returncode == 1
    assert "device = 'cuda': no CUDA device is available here" in done.stderr


def test_a_full_disk_is_one_line(trained, monkeypatch):
    """The models of an earlier run stay whole; real full disks are in `tests/core/test_files.py` and `tests/faults`."""

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    before = files(SLOW)
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", refuse)
        done = trained("train", "line/slow")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: cannot write data/models/line/slow: No space left on device")
    assert files(SLOW) == before


def test_killed_during_training_then_repro_continues_to_the_same_numbers(prepared, dvc):
    """kill -9 of DVC and of the stage; the finished row is not trained again, the other ends as if undisturbed."""
    with edited(LINE / "params.yaml") as params:
        params["runs"]["fast"]["args"]["num_epochs"] = 1000
    for name in ROWS:
        succeed(prepared, "train", name)
        succeed(prepared, "evaluate", name)
    expected = {name: metrics(name) for name in ROWS}
    targets = [f"{LINE}/dvc.yaml:evaluate@{name.removeprefix('line/')}" for name in ROWS]
    with Repo() as repo:
        repo.commit(targets[0], with_deps=True, force=True)  # the other row is not trained yet
    for made in ("data/models", "data/evaluations"):
        shutil.rmtree(f"{made}/line/fast")
    Path("metrics/line/fast.json").unlink()

    options = {"start_new_session": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = subprocess.Popen([sys.executable, "-m", "dvc", "repro", *targets], env=ENVIRONMENT, **options)
    try:
        wait_for(lambda: Path("data/models/line/.fast.tmp").exists() or running.poll() is not None)
        assert running.poll() is None
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert not Path("data/models/line/fast").exists()

    done = dvc("repro", *targets)
    assert done.returncode == 0, done.stderr
    assert f"Running stage '{LINE}/dvc.yaml:train@slow'" not in done.stdout
    assert f"Running stage '{LINE}/dvc.yaml:train@fast'" in done.stdout
    assert {name: metrics(name) for name in ROWS} == expected
