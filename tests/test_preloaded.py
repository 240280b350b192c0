"""Commands of a rebuild that begin as copies of a process; that they give what DVC gives, tests/test_repro.py shows."""

import os
import sys

import pytest

from stages.preloaded import _forking
from tests.conftest import ENVIRONMENT


class Failed(Exception):
    """What DVC raises when a command fails."""


@pytest.fixture
def left_to_dvc() -> list[str]:
    return []


@pytest.fixture
def run(workspace, left_to_dvc):
    """Run a command as DVC does."""
    own = _forking(lambda executable, command, **options: left_to_dvc.append(command), Failed)
    return lambda command, **changes: own("/bin/sh", command, env=ENVIRONMENT | changes, cwd=str(workspace))


def test_a_stage_runs_in_a_copy_of_this_process(run, workspace, left_to_dvc):
    """And a stage that fails fails for DVC."""
    run("python -m stages check --out data/checked.txt")
    assert (workspace / "data/checked.txt").exists()
    with pytest.raises(Failed) as caught:
        run("python -m stages train nothing")
    assert caught.value.args == ("python -m stages train nothing", 1)
    assert left_to_dvc == []


def test_other_commands_and_other_pythons_are_left_to_dvc(run, left_to_dvc, tmp_path):
    other = tmp_path / "bin/python"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    commands = ["echo hello", "python -m stages check"]
    run(commands[0])
    run(commands[1], PATH=f"{other.parent}:{os.environ['PATH']}")
    assert left_to_dvc == commands
