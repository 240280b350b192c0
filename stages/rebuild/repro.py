"""`dvc repro` on all cores: several stages at once, each in a process of its own, as soon as its inputs are ready.

DVC itself runs one stage after another (its issue 755), but processes that each bring a single stage up to date work
side by side when what they need was made before. They are forked from this one, which has loaded DVC.
"""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.processes import die_with_parent
from stages.core.schema import read_yaml
from stages.rebuild.schedule import Schedule
from stages.rebuild.workspace import TEMPORARY, WORKER, Pipeline, one_rebuild_at_a_time, read_pipeline
from stages.results.times import show_seconds

SECONDS = TEMPORARY / "stage_seconds.json"  # how long each stage took here
UNKNOWN_SECONDS = 5.0  # of a stage that never ran
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOG_LINES = 20  # of a stage that failed
PATIENCE_SECONDS = 10.0  # in which DVC ends by itself when its stage was stopped
# Every step of a training frees tensors and makes others as large. Where the C library (glibc) asks the kernel anew
# for each large one, which clears its pages, a language model takes a tenth longer.
KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**31 - 1), "MALLOC_MMAP_MAX_": "0"}


def repro(targets: list[str], jobs: int, force: bool, keep_going: bool) -> bool:
    """Bring `targets` (all stages if empty) and what they need up to date; return whether every stage succeeded.

    A target is the address of a stage, also without its `@…`, the path of a dvc.yaml, a family, or `family/row`.

    Raises:
        UserError: DVC refuses a dvc.yaml or dvc.lock, there is no such stage, or another DVC process is at work.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP; no process was left running.
    """
    before: set[str] = set()
    with one_rebuild_at_a_time():
        while True:
            pipeline = read_pipeline()
            wanted = find_stages(pipeline.upstream, targets)
            todo = wanted if force else wanted & pipeline.stale
            if not todo:
                print("Data and pipelines are up to date.")
                return True
            if todo == before:
                raise UserError(f"out of date even after they ran, see `dvc status`: {', '.join(sorted(todo))}")
            if not _Rebuild(pipeline, todo, jobs, force).run(keep_going):
                return False
            # New outputs may have made further stages out of date, and files may have been edited meanwhile.
            force, before = False, todo


def find_stages(upstream: dict[str, set[str]], targets: list[str]) -> set[str]:
    """Return the stages that `targets` name, all if empty, and what they need.

    Raises:
        UserError: a target names none.
    """
    if not upstream:
        raise UserError("dvc.yaml: is missing, empty or no file: there are no stages")
    wanted = set() if targets else set(upstream)
    for target in targets:
        family, _, row = target.partition("/")
        prefix, suffix = f"stages/{family}/dvc.yaml:", f"@{row}" if row else ""
        named = [name for name in upstream if name.startswith(prefix) and name.endswith(suffix)]
        named += [name for name in upstream if target in (name, name.split("@")[0], name.split(":")[0])]
        if not named:
            raise UserError(f"there is no stage {target!r}; `dvc stage list --all` names all {len(upstream)}")
        wanted.update(named, *(upstream[name] for name in named))
    return wanted


def read_tables(metrics: dict[Path, str]) -> dict[str, set[str]]:
    """Return the stages that write the numbers of each results table, by its full name, `family/table`."""
    tables = {}
    for path in Path("stages").glob("*/tables.yaml"):
        written = {(file.stem, name) for file, name in metrics.items() if file.parts[1] == path.parent.name}
        for table, content in (read_yaml(path).get("tables") or {}).items():
            tables[f"{path.parent.name}/{table}"] = {name for row, name in written if row in content["rows"]}
    return tables


def measured_seconds() -> dict[str, float]:
    """Return how long stages took here, by stage."""
    return _read_json(SECONDS)


def _expected_seconds(stages: set[str]) -> dict[str, float]:
    """Return how long stages will take: as measured here, as recorded elsewhere, or guessed."""
    expected = dict.fromkeys(stages, UNKNOWN_SECONDS)
    for path in Path("metrics/references").glob("*/*.json"):
        for kind, seconds in _read_json(path).get("seconds", {}).items():
            expected[f"stages/{path.parent.name}/dvc.yaml:{kind}@{path.stem}"] = seconds
    return expected | measured_seconds()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # only a hint is lost
        return {}


class _Rebuild:
    """One round: runs `todo`, as many stages at once as there are jobs, and says what ended and what is left."""

    def __init__(self, pipeline: Pipeline, todo: set[str], jobs: int, force: bool) -> None:
        self._tables = {name: stages & todo for name, stages in read_tables(pipeline.metrics).items()}
        self._schedule = Schedule(pipeline.upstream, todo, _expected_seconds(todo), self._tables.values())
        self._jobs, self._force, self._total = jobs, force, len(todo)
        self._processes: dict[str, tuple[BaseProcess, BinaryIO]] = {}  # and what it prints
        self._seconds: dict[str, float] = {}
        self._failed: list[str] = []
        self._console = Console(highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def run(self, keep_going: bool) -> bool:
        """Run the stages, after a failure those that can still run if `keep_going`; return whether all succeeded."""
        signaled: list[int] = []
        before = {number: signal.signal(number, lambda number, _: signaled.append(number)) for number in SIGNALS}
        self._say(f"{self._total} stages to bring up to date, {self._jobs} at once; {self._left()}")
        try:
            with self._live:
                while not signaled and self._begin(keep_going):
                    ended = connection.wait([process.sentinel for process, _ in self._processes.values()], timeout=0.5)
                    for name in [name for name, (process, _) in self._processes.items() if process.sentinel in ended]:
                        self._end(name)
                    self._live.update(self._view(), refresh=True)
        finally:
            self._stop()
            write_json(SECONDS, measured_seconds() | self._seconds)
            for number, handler in before.items():
                signal.signal(number, handler)
        if signaled:
            raise KeyboardInterrupt
        if self._failed:
            print(f"error: failed stages: {', '.join(self._failed)}", file=sys.stderr)
        return not self._failed

    def _begin(self, keep_going: bool) -> bool:
        """Begin as many stages as may run now; return whether any runs."""
        cores = len(os.sched_getaffinity(0))
        while len(self._processes) < self._jobs and (keep_going or not self._failed):
            # A stage may train its seeds on cores that no other long stage will need. Alone, in two processes a core:
            # three seeds on two cores then end together, and not one after the other two.
            at_once = min(self._jobs, max(1, self._schedule.num_long()))
            workers = 2 * cores if at_once == 1 else max(1, cores // at_once)
            if not (name := self._schedule.next()):
                break
            log = TemporaryFile()  # noqa: SIM115
            given = (name, self._force, workers, log.fileno())
            process = multiprocessing.get_context("fork").Process(target=_stage, args=given)
            process.start()
            self._processes[name] = process, log
        return bool(self._processes)

    def _end(self, name: str) -> None:
        process, log = self._processes.pop(name)
        process.join()
        with log:
            log.seek(0)
            lines = log.read().decode(errors="replace").splitlines()
        if code := process.exitcode:
            lines += [f"DVC was killed by {signal.Signals(-code).name}"] if code < 0 else []
            self._failed.append(name)
            self._say_ended(name, f"FAILED; cannot run without it: {', '.join(self._schedule.fail(name)) or 'nothing'}")
            self._say("\n".join(f"    {line}" for line in lines[-LOG_LINES:]))
            return
        self._seconds[name] = self._schedule.finish(name)
        self._say_ended(name, show_seconds(self._seconds[name]))
        for table, missing in self._tables.items():
            if missing == {name}:
                from stages.results.show import print_table  # here, because pandas takes its time

                try:
                    print_table(table, self._console)
                except UserError as error:  # the stage `report` will say so too, and stop
                    self._say(f"the table {table} cannot be shown: {error}")
            missing.discard(name)

    def _say_ended(self, name: str, outcome: str) -> None:
        count = self._total - len(self._schedule.waiting) - len(self._processes)
        self._say(f"[{count}/{self._total}] {name}: {outcome}; {self._left()}")

    def _say(self, text: str) -> None:
        self._console.print(Text(text))

    def _left(self) -> str:
        return f"about {show_seconds(self._schedule.seconds_left(self._jobs))} left"

    def _view(self) -> Text:
        lines = [f"{len(self._schedule.waiting)} stages wait; {self._left()}"]
        for name, began in self._schedule.running.items():
            now, expected = show_seconds(time.monotonic() - began), show_seconds(self._schedule.seconds[name])
            lines.append(f"  {name}: {now} of about {expected}")
        return Text("\n".join(lines))

    def _stop(self) -> None:
        """End what still runs. DVC, to which the signal says nothing, puts its files in order when its stage died."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while any(process.is_alive() for process, _ in self._processes.values()):
            for process, _ in self._processes.values():
                with suppress(ProcessLookupError):  # it leads no group yet, or has ended
                    os.killpg(process.pid, signal.SIGTERM if time.monotonic() < patience else signal.SIGKILL)
            time.sleep(0.05)


def _stage(name: str, force: bool, workers: int, log: int) -> None:
    """Be DVC that brings one stage up to date; lead a group of processes that the stage's command belongs to."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    os.setsid()
    die_with_parent()
    for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    # Bash makes way for the command that it is given, so that this becomes DVC's own child and can end with it.
    # Stages are to find this very Python, whether or not its environment is active.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    shell = shutil.which("bash") or "/bin/sh"
    os.environ |= {"STAGES_WORKERS": str(workers), "SHELL": shell, "PATH": path, **KEEP_FREED_MEMORY}
    sys.argv = [WORKER]
    try:
        with Repo(_wait_for_lock=True) as repo:
            repo.reproduce([name], single_item=True, force=force, repro_fn=_reproduce)
    except DvcException as error:
        print(f"error: {error.__cause__ or error}", file=sys.stderr)
        sys.exit(1)


def _reproduce(stage: Any, **options: Any) -> Any:
    """Do what DVC does; but where dvc.lock names results of another machine, look into the run cache for ours."""
    from dvc.repo.reproduce import _reproduce_stage
    from dvc_data.hashfile.hash_info import HashInfo

    if not options["force"] and stage.changed() and not stage.outs_cached():
        for out in stage.outs:
            out.hash_info = HashInfo()
    return _reproduce_stage(stage, **options)
