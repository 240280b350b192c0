"""`dvc repro` on all cores: several DVC processes at once, each with stages whose inputs are ready.

DVC itself runs one stage after another (its issue 755), but processes of `dvc --wait-for-lock repro --single-item`
work side by side when what they need was made before. `dvc status` says what to run, and has the last word.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.schedule import Schedule

SECONDS = Path(".dvc/tmp/stage_seconds.json")  # how long each stage took here; this folder is not in Git
UNKNOWN_SECONDS = {"train": 30.0}  # of a stage that never ran here, by the first part of its name
UNKNOWN_OTHER_SECONDS = 3.0
LOG_LINES = 20  # of a failed process

_RUNNING = re.compile(r"Running stage '(.+)':")
_SKIPPED = re.compile(r"Stage '(.+)' (didn't change, skipping|is cached)")


@dataclass
class Result:
    """What became of the stages that one process was given."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: str = ""
    log: list[str] = field(default_factory=list)


def repro(targets: list[str], jobs: int, force: bool, keep_going: bool) -> bool:
    """Bring `targets` (all stages if empty) and what they need up to date; return whether every stage succeeded.

    Raises:
        UserError: DVC refuses dvc.yaml or dvc.lock, there is no such stage, or another DVC process is at work.
    """
    # The seeds of a run train side by side too, but more processes than cores take turns in the caches.
    os.environ.setdefault("STAGES_WORKERS", str(max(1, len(os.sched_getaffinity(0)) // jobs)))
    upstream, todo = _plan(targets, force)
    if not todo:
        print("Data and pipelines are up to date.")
        return True
    # New outputs may make further stages out of date, until the last stage was reached.
    for _ in range(1 + _longest_path(upstream)):
        if not _run(todo, upstream, jobs, force, keep_going):
            return False
        force = False
        upstream, todo = _plan(targets, force)
        if not todo:
            return True
    raise UserError(f"these stages stay out of date after they ran, see `dvc status`: {', '.join(sorted(todo))}")


def _plan(targets: list[str], force: bool) -> tuple[dict[str, set[str]], set[str]]:
    """Return all that each stage needs, directly or not, and the stages that are out of date (or all, if `force`)."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            graph = repo.index.graph
            needs = {stage.addressing: [need.addressing for need in graph.successors(stage)] for stage in graph}
            for target in targets:
                if target not in needs:
                    raise UserError(f"dvc.yaml has no stage {target!r}; `dvc stage list` names all {len(needs)}")
            upstream = {name: _closure(needs[name], needs) for name in needs}
            wanted = set(targets).union(*(upstream[name] for name in targets)) if targets else set(needs)
            return upstream, wanted if force else wanted.intersection(repo.status())
    except DvcException as error:
        raise UserError(" ".join(str(error).split())) from error


def _run(todo: set[str], upstream: dict[str, set[str]], jobs: int, force: bool, keep_going: bool) -> bool:
    known = json.loads(SECONDS.read_text(encoding="utf-8")) if SECONDS.exists() else {}
    guess = {name: UNKNOWN_SECONDS.get(name.split("@")[0], UNKNOWN_OTHER_SECONDS) for name in todo}
    options = ["--wait-for-lock", "repro", "--single-item", *(["--force", "--no-run-cache"] if force else [])]
    runner = _Runner(Schedule(upstream, todo, guess | known), len(todo), jobs, options)
    try:
        runner.run(keep_going)
    finally:
        write_json(SECONDS, known | runner.seconds)
    if runner.failed:
        print(f"error: failed stages: {', '.join(runner.failed)}", file=sys.stderr)
    return not runner.failed


def _longest_path(upstream: dict[str, set[str]]) -> int:
    """Return the number of stages in the longest chain, at least."""
    length: dict[str, int] = {}
    for name in sorted(upstream, key=lambda name: len(upstream[name])):
        length[name] = 1 + max((length[need] for need in upstream[name]), default=0)
    return max(length.values(), default=0)


def _closure(names: Iterable[str], edges: dict[str, list[str]]) -> set[str]:
    """Return `names` and all that can be reached from them."""
    reached: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += edges[name]
    return reached


class _Runner:
    """Starts DVC processes and says what is done."""

    def __init__(self, schedule: Schedule, total: int, jobs: int, options: list[str]) -> None:
        self._schedule, self._total, self._jobs, self._options = schedule, total, jobs, options
        self._processes: list[subprocess.Popen] = []
        self._count = 0
        self._lock = threading.Lock()
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    def run(self, keep_going: bool) -> None:
        """Run all stages of the schedule; after a failure those that can still run, if `keep_going`."""
        print(f"{self._total} stages to bring up to date, {self._jobs} at once", flush=True)
        running: dict[Future[Result], list[str]] = {}
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                while True:
                    while len(running) < self._jobs and (keep_going or not self.failed):
                        if not (batch := self._schedule.next_batch(self._jobs)):
                            break
                        running[pool.submit(self._start, batch)] = batch
                    if not running:
                        return
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        self._end(running.pop(future), future.result())
            except BaseException:  # Ctrl-C above all: no process may go on alone
                for process in self._processes:
                    if process.poll() is None:
                        os.killpg(process.pid, signal.SIGTERM)
                raise

    def _start(self, stages: list[str]) -> Result:
        """Run one DVC process to its end, and print a line for each stage that it finishes."""
        result, current, began = Result(), "", 0.0
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", *self._options, *stages],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches this process alone, which then stops the others
        )
        self._processes.append(process)

        def finish() -> None:
            if current:
                result.seconds[current] = time.monotonic() - began
                self._say(current, f"{result.seconds[current]:.0f} s")

        for line in process.stdout:
            result.log.append(line.rstrip())
            if match := _RUNNING.match(line):
                finish()
                current, began = match[1], time.monotonic()
                result.log.clear()
            elif match := _SKIPPED.match(line):
                finish()
                current = ""
                self._say(match[1], "unchanged")
        if process.wait() == 0:
            finish()
        else:
            result.failed = current or stages[0]
        return result

    def _end(self, batch: list[str], result: Result) -> None:
        self.seconds |= result.seconds
        done = batch[: batch.index(result.failed)] if result.failed else batch
        for name in done:
            self._schedule.finish(name)
        if result.failed:
            self.failed.append(result.failed)
            self._schedule.put_back(batch[len(done) + 1 :])
            self._say(result.failed, f"FAILED, and with it {self._schedule.fail(result.failed)} stages that need it")
            print("\n".join(f"    {line}" for line in result.log[-LOG_LINES:]), flush=True)

    def _say(self, stage: str, outcome: str) -> None:
        with self._lock:
            self._count += 1
            print(f"[{self._count}/{self._total}] {stage}: {outcome}", flush=True)
