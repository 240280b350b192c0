"""`python -m stages repro`: the same as `dvc repro`, side by side."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import psutil
import pytest

from tests.conftest import ENVIRONMENT, wait_for, write_params, yaml


@pytest.fixture
def repro(dvc, run_stages):
    """Run `python -m stages repro …` in a DVC project."""
    return lambda *arguments: run_stages("repro", *arguments, env=ENVIRONMENT)


@pytest.fixture
def start(workspace) -> Iterator[Callable[[], subprocess.Popen]]:
    """Begin `python -m stages repro`; whatever becomes of the test, nothing works on after it."""
    begun = []

    def start() -> subprocess.Popen:
        command = [sys.executable, "-m", "stages", "repro"]
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        begun.append(subprocess.Popen(command, cwd=workspace, env=ENVIRONMENT, **pipe))
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            for child in [*psutil.Process(process.pid).children(recursive=True), process]:
                with suppress(psutil.Error):
                    child.kill()


def commands(processes: list[psutil.Process]) -> str:
    """Return the command lines of those that still run, a line each; a process that nobody waited for has none."""
    lines = []
    for process in processes:
        with suppress(psutil.Error):
            lines.append(" ".join(process.cmdline()))
    return "\n".join(lines)


def started(output: str) -> list[str]:
    return [line.split()[1].rstrip(":") for line in output.splitlines() if line.startswith("[")]


def test_side_by_side_gives_what_dvc_gives_and_then_does_nothing(repro, dvc, workspace):
    done = repro("--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(started(done.stdout)) == 7  # check, the line, two runs trained and evaluated, the report
    assert done.stdout.index("### A line") < done.stdout.index("] report:")  # a table as soon as its rows are there
    assert "| fast" in done.stdout
    lock = yaml.load(workspace / "dvc.lock")
    metrics = {path.name: path.read_bytes() for path in (workspace / "metrics").glob("*.json")}

    assert "Data and pipelines are up to date." in repro().stdout
    assert "Running stage" not in dvc("repro").stdout

    (workspace / "dvc.lock").unlink()
    shutil.rmtree(workspace / ".dvc/cache")
    assert dvc("repro", "--force", "--no-run-cache").returncode == 0
    assert yaml.load(workspace / "dvc.lock") == lock
    assert {path.name: path.read_bytes() for path in (workspace / "metrics").glob("*.json")} == metrics


def test_what_becomes_out_of_date_on_the_way_is_run_too(built, repro, workspace, params):
    """New data change what trainings read, although only `generate` is out of date at first."""
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


def test_without_time_the_longest_row_is_left_out_and_not_verified(built, repro, run_stages, workspace):
    """Its results stay as they are, and a verification says that it did not look at them."""
    assert run_stages("verify", "--update").returncode == 0
    for run, train in (("slow", 36000.0), ("fast", 1.0)):  # one row took ten hours elsewhere
        path = workspace / f"metrics/references/regression_{run}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": {"train": train, "evaluate": 1.0}}))
    shutil.rmtree(workspace / "data/models")
    before = (workspace / "metrics/regression_slow.json").read_bytes()

    done = repro("--force", "--minutes", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NO TIME for 3 of 7 stages, which are as they were: train@regression_slow, and what needs" in done.stdout
    assert "] train@regression_slow:" not in done.stdout and "] evaluate@regression_fast:" in done.stdout
    assert (workspace / "metrics/regression_slow.json").read_bytes() == before
    assert not (workspace / "data/models/regression_slow").exists()

    assert "evaluate@regression_slow" in run_stages("verify").stdout  # out of date
    verified = run_stages("verify", "--skip-left-out")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "NOT verified, because the last rebuild had no time for them, 1: regression_slow" in verified.stdout
    assert "of 1 runs are as recorded" in verified.stdout

    again = repro("--minutes", "0")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "NO TIME for 3 of 3 stages" in again.stdout


def test_an_unknown_stage_is_one_line(repro):
    done = repro("train@gone")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "dvc.yaml has no stage 'train@gone'" in done.stderr


def test_without_stages_nothing_is_up_to_date(repro, workspace):
    (workspace / "dvc.yaml").unlink()
    done = repro()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: dvc.yaml: is missing, empty or no file: there are no stages\n"


def test_an_edit_during_a_stage_leaves_it_stale(repro, dvc, start, workspace, params):
    """DVC alone would take the results for those of the edited file (its issue 11058)."""
    slow = params["runs"]["regression_slow"]["args"]
    slow |= {"batch_size": 1, "num_epochs": 300, "seeds": [1]}
    write_params(workspace, params)
    assert repro("generate@line").returncode == 0
    process = start()
    wait_for(lambda: (workspace / "data/models/.regression_slow.tmp").exists() or process.poll() is not None)
    module = workspace / "stages/regression/linear_regression.py"
    module.write_text(module.read_text() + "\n# edited\n")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1
    assert "linear_regression.py changed while train@regression_slow ran: DVC does not record its results" in output
    assert "train@regression_slow" in dvc("status").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_process(dvc, start, workspace, params, number):
    params["runs"]["regression_slow"]["args"] |= {"batch_size": 1, "num_epochs": 100_000}
    write_params(workspace, params)
    process = start()
    wait_for(lambda: (workspace / "data/models/.regression_slow.tmp").exists() or process.poll() is not None)
    running = psutil.Process(process.pid).children(recursive=True)
    assert "stages train" in commands(running)
    process.send_signal(number)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 130
    assert output.endswith("stopped; the same command goes on from here\n")
    wait_for(lambda: not commands(running), seconds=60)  # the one that others are copied from takes a moment


def test_a_damaged_lock_file_is_made_anew_from_the_run_cache(built, repro, workspace):
    """DVC writes dvc.lock in place: a killed one leaves the beginning of it."""
    lock = (workspace / "dvc.lock").read_text()
    (workspace / "dvc.lock").write_text(lock[:2000])
    (workspace / ".dvc/tmp/rwlock").write_text('{"read": {')
    done = repro()
    assert done.returncode == 0, done.stdout + done.stderr
    assert yaml.load(workspace / "dvc.lock") == yaml.load(lock)
    assert "up to date" in repro().stdout
