"""Commands of a rebuild that begin as copies of a process; that they give what DVC gives, tests/test_repro.py shows."""

import os
import subprocess
import sys
from collections import OrderedDict

import pytest
from dvc.utils.serialize import dumps_yaml, load_yaml

from stages.preloaded import _forking
from stages.workspace import LOCK_FILE, break_lines_as_dvc_does, dump_quickly
from tests.conftest import ENVIRONMENT, ROOT


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


def test_what_the_rebuild_writes_says_what_dvc_would_write(tmp_path, monkeypatch):
    """And at its end it is written just so: dvc.lock has long texts, numbers of all kinds and words like `on`."""
    data = OrderedDict(
        stages={"a": OrderedDict(deps=[{"path": "x", "size": 3}], params={"p": {"title": "word " * 40, "rate": 1e-5}})},
        words=["on", "1e-3", "0x10", "12:30", "", None, True, 0.1, "ü", "a: b", "- c"],
    )
    monkeypatch.chdir(tmp_path)
    with LOCK_FILE.open("w", encoding="utf-8") as file:
        dump_quickly(data, file)
    assert load_yaml(LOCK_FILE) == data
    assert LOCK_FILE.read_text(encoding="utf-8") != dumps_yaml(data)
    break_lines_as_dvc_does()
    assert LOCK_FILE.read_text(encoding="utf-8") == dumps_yaml(data)


def test_freed_memory_is_kept():
    """What is freed and allocated again does not come from the kernel anew."""
    program = (
        "import resource, torch; from stages.memory import keep_freed_memory; {}; "
        "step = lambda: [torch.empty(10**6).fill_(1.0) for _ in range(10)] and None; step(), step(); "
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt; before = faults(); "
        "[step() for _ in range(5)]; print(faults() - before)"
    )

    def num_faults(call: str) -> int:
        command = [sys.executable, "-c", program.format(call)]
        return int(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)

    assert num_faults("keep_freed_memory()") < num_faults("pass") / 5
