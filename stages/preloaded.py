"""DVC and the stages that it runs, in copies of one process that has loaded DVC and torch, which takes seconds.

That process computes nothing, so that a copy computes what a new process would.
"""

import gc
import multiprocessing
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from setproctitle import setproctitle

from stages.core.processes import die_with_parent

STAGE = ["python", "-m", "stages"]  # how the commands of dvc.yaml begin
LOADED = [
    *("stages.preloaded", "dvc.cli", "dvc.commands.repro", "dvc.repo.reproduce", "torch", "torch._dynamo"),
    *("pydantic.main", "pydantic.type_adapter", "ruamel.yaml", "safetensors.torch", "typer"),
]


class Descriptor:
    """A file descriptor that a new process gets a copy of, as a number."""

    def __init__(self, number: int) -> None:
        """Keep the number that it has here."""
        self.number = number

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        """Hand the descriptor over."""
        return _detach, (DupFd(self.number),)


def _detach(copied: Any) -> int:
    return copied.detach()


def forkserver_context() -> ForkServerContext:
    """Return what makes the copies, and start the process to be copied if it does not run yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # what it begins with: Ctrl-C is for the scheduler alone
    forkserver.ensure_running()
    signal.signal(signal.SIGINT, before)
    return context


def start_dvc(
    context: ForkServerContext, arguments: list[str], environment: Mapping[str, str], output: int, lock: int
) -> BaseProcess:
    """Start `dvc <arguments>`, leader of a session; it prints to `output` and inherits `lock`, two file descriptors."""
    given = (arguments, dict(environment), Descriptor(output), Descriptor(lock))
    process = context.Process(target=_dvc, args=given)
    process.start()
    return process


def stop(process: BaseProcess) -> None:
    """End a process that `start_dvc` started, and the stage that it runs; wait until it has ended."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:  # it has no session yet, or has ended
        process.terminate()
    process.join()


def _dvc(arguments: list[str], environment: dict[str, str], output: int, lock: int) -> None:
    """Be DVC.

    After each stage DVC reads and writes all of dvc.lock. Without a search for comments, of which it has none, without
    a garbage collector that walks through its thousands of entries in vain, and with a compiled writer, this takes a
    fifth of the time.
    """
    os.setsid()
    die_with_parent()
    _connect(output)
    _become(["dvc", *arguments], environment)
    gc.disable()

    from dvc.cli import main
    from dvc.stage import run
    from dvc.utils.serialize import _yaml
    from tqdm import tqdm

    from stages.workspace import dump_quickly, parse_parameters_once

    parse_parameters_once()
    tqdm.monitor_interval = 0  # no second thread: a lock that it held while a stage is copied would stay locked there
    _yaml.parse_yaml_for_update = _yaml.parse_yaml
    _yaml._dump = dump_quickly
    run._run = _forking(run._run, run.StageCmdFailedError)
    sys.exit(main(arguments))


def _forking(otherwise: Callable[..., None], failed: type[Exception]) -> Callable[..., None]:
    """Return what runs a command for DVC: one of this program's stages in a copy of this process, else `otherwise`."""

    def run(executable: str | None, command: str, **options: Any) -> None:
        words, python = shlex.split(command), shutil.which(STAGE[0], path=options["env"].get("PATH"))
        if words[: len(STAGE)] != STAGE or python is None or Path(python).parent != Path(sys.executable).parent:
            otherwise(executable, command, **options)
            return
        given = (words[len(STAGE) :], options["env"], options["cwd"])
        process = multiprocessing.get_context("fork").Process(target=_stage, args=given)
        process.start()
        process.join()
        if process.exitcode:
            raise failed(command, process.exitcode)

    return run


def _stage(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Be `python -m stages <arguments>`."""
    from stages.__main__ import main

    os.chdir(folder)
    _become([*STAGE, *arguments], environment)
    sys.argv = [*STAGE[-1:], *arguments]
    gc.enable()
    main()


def _connect(output: int) -> None:
    """Let what is printed go to `output`, line by line, and nothing be read."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)


def _become(command: list[str], environment: dict[str, str]) -> None:
    """Show as `command` in lists of processes, and to DVC, which notes it beside its locks."""
    setproctitle(shlex.join(command))
    sys.argv = command
    os.environ.clear()
    os.environ.update(environment)
