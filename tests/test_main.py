"""The command line itself: what is wrong with a file is one line, whichever command reads it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LINE, ROOT, edited


@pytest.mark.parametrize("name", ["params.yaml", "data/catalog.yaml", "stages/line/tables.yaml"])
def test_a_folder_in_place_of_a_file_is_one_line(cli, name):
    Path(name).unlink()
    Path(name).mkdir()
    done = cli("check")
    assert (done.returncode, done.stderr) == (1, f"error: {name}: Is a directory\n")


def test_what_is_right_is_said(cli):
    assert cli("check").stdout == "parameters, tables and documents are valid\n"


def test_lint_fails_with_the_problems(cli, dvc):
    with edited(LINE / "params.yaml") as params:
        params["runs"]["v1.5"] = params["runs"]["slow"]
    done = cli("lint")
    assert (done.returncode, done.stderr) == (1, "")
    assert "stages/line/params.yaml: runs.v1.5: DVC cannot track a key with a dot" in done.stdout.splitlines()


@pytest.mark.parametrize("content", ["stages:\n", "stages: {a: 3}\n", "stages: ["])
def test_a_pipeline_that_is_none_is_one_line(cli, dvc, content):
    Path("dvc.yaml").write_text(content)
    done = cli("lint")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: ") and "dvc.yaml" in done.stderr


def test_help_names_every_family_and_imports_none_of_their_modules(cli):
    """Each with the first line of its docstring; what is wrong with a family's commands disturbs only that family."""
    (LINE / "commands.py").write_text("raise RuntimeError\n")
    done = cli("--help")
    assert done.returncode == 0, done.stderr
    assert "A straight line through points" in done.stdout
    with pytest.raises(RuntimeError):
        cli("line", "at", "1")


def test_a_familys_own_command(built, cli):
    done = cli("line", "at", "0", "--run", "slow")
    assert done.returncode == 0, done.stderr
    float(done.stdout)
    done = cli("line", "at", "0", "--run", "gone")
    assert (done.returncode, done.stderr) == (1, "error: --run = 'gone': must be one of slow, fast\n")


def test_an_error_has_status_1_and_one_line_in_a_process_too():
    done = subprocess.run([sys.executable, "-m", "stages", "train", "gone"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: 'gone': must be family/name")
