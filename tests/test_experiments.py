"""DVC's experiments on this pipeline: a queue with two workers, the commands that compare, our table."""

import functools
import re
import time

import pytest

from tests.small_repository import shell as run_in

RATE = "stages/line/params.yaml:runs.fast.args.learning_rate"


@pytest.fixture
def shell(built):
    """Run a command line in the repository."""
    return functools.partial(run_in, built)


def run_queue(shell, experiments, seconds=300):
    """Start two workers, wait until so many experiments are kept as Git references, and stop the workers."""
    try:
        shell("dvc queue start -j 2 > queue.tmp 2>&1")  # into a file: the workers keep their output open
        for _ in range(seconds):
            if shell("git for-each-ref refs/exps | grep -c /fast- || true").strip() == str(experiments):
                return
            time.sleep(1)
        pytest.fail(shell("dvc queue status; dvc queue logs fast-1; dvc queue logs fast-2"))
    finally:
        shell("dvc queue stop --kill")


def compare(cli, *arguments):
    done = cli("compare", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_workers_run_a_grid_and_touch_one_row(built, shell, cli):
    shell(f"dvc exp run --queue -n fast -S {RATE}=0.05,0.5")
    run_queue(shell, 2)
    assert "Started '2' new" in (built / "queue.tmp").read_text()

    assert sorted(shell("dvc exp list --name-only").split()) == ["fast-1", "fast-2"]
    stages = [f"stages/line/dvc.yaml:{stage}" for stage in ("train@fast", "evaluate@fast", "figures")]
    assert re.findall(r"Running stage '(.+)'", shell("dvc queue logs fast-1")) == [*stages, "report"]
    reference = shell("git for-each-ref --format='%(refname)' 'refs/exps/*/*/fast-1'").strip()
    assert shell(f"git diff --name-only HEAD {reference} -- metrics reports/curves").split() == [
        "metrics/line/fast.json",
        "reports/curves/line/fast.csv",
    ]
    assert shell("git status --porcelain") == ""  # the workspace is as it was

    table = compare(cli, "line")
    header, *lines = [line for line in table.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in header.split("|")[1:-1]] == [
        "row",
        "experiment",
        "learning rate",
        "test loss ↓",
        "slope",
    ]
    assert [re.sub(r" \(best\)", "", line.split("|")[2].strip()) for line in lines[1:]][1:] == ["fast-2", "fast-1"]
    assert table.count("(best)") == 1

    changed = shell("dvc exp diff fast-1 fast-2 --md")
    assert "runs.fast.args.learning_rate" in changed and "slow" not in changed
    shown = shell("dvc exp show --only-changed --md --drop 'Created|data.*|reports.*|metrics$|params.yaml$'")
    assert "fast-2" in shown and "slow" not in shown
    shell("dvc plots diff fast-1 fast-2 --targets reports/curves/line/fast.csv")
    page = (built / "dvc_plots/index.html").read_text()
    assert "fast-1" in page and "fast-2" in page

    shell("dvc exp apply fast-2")
    table = compare(cli, "line")
    assert "fast-2" in table and "workspace" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["letters"], "error: family = 'letters': must be one of line\n"),
        (["line", "--rev", "gone"], "error: `dvc exp show` failed: failed to show experiments - unknown Git revision"),
        (["line"], "error: no experiment from HEAD changed a run of the family 'line'"),
    ],
)
def test_what_cannot_be_compared_is_one_line(built, cli, arguments, message):
    done = cli("compare", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(message) and done.stderr.count("\n") == 1


def test_outside_git_is_one_line(dvc, cli):
    done = cli("compare", "line")
    assert done.returncode == 1
    assert "Only supported for Git repositories" in done.stderr and done.stderr.count("\n") == 1
