"""`dvc repro` on all cores: several DVC processes at once, each with stages whose inputs are ready.

DVC itself runs one stage after another (its issue 755), but processes of `dvc --wait-for-lock repro --single-item`
work side by side when what they need was made before. `dvc status` says what to run, and has the last word.
"""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterable

from stages.core.errors import UserError
from stages.core.files import write_json
from stages.preloaded import forkserver_context, start_dvc, stop
from stages.progress import Progress
from stages.results.references import recorded_seconds
from stages.schedule import SHORT_SECONDS, Schedule
from stages.workspace import TEMPORARY, break_lines_as_dvc_does, one_rebuild_at_a_time, read_pipeline

SECONDS = TEMPORARY / "stage_seconds.json"  # how long each stage took here
UNKNOWN_SECONDS = {"train": 30.0}  # of a stage that never ran, by the first part of its name
UNKNOWN_OTHER_SECONDS = 3.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOG_LINES = 20  # of a failed process
LEFT_OUT = TEMPORARY / "left_out.json"  # the stages that the last rebuild had no time for
ENOUGH_SECONDS = 60.0  # of expected work that tells how fast this machine is
_RUNNING = re.compile(r"Running stage '(.+)':")
_SKIPPED = re.compile(r"Stage '(.+)' (didn't change, skipping|is cached)")


def repro(targets: list[str], jobs: int, force: bool, keep_going: bool, minutes: float | None = None) -> bool:
    """Bring `targets` (all stages if empty) and what they need up to date; return whether every stage succeeded.

    If `minutes` are given, only what is expected to end in them is begun, the shortest stages first. The others are
    named, noted in LEFT_OUT, and as they were; they do not count as failed.

    Raises:
        UserError: DVC refuses dvc.yaml or dvc.lock, there is no such stage, or another DVC process is at work.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP; no process was left running.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    with one_rebuild_at_a_time() as lock:
        LEFT_OUT.unlink(missing_ok=True)
        left_out: set[str] = set()
        upstream, todo = _plan(targets, force)
        if not todo:
            print("Data and pipelines are up to date.")
        while todo:
            rebuild = _Rebuild(upstream, todo, jobs, force, lock, end)
            try:
                succeeded = _run(rebuild, keep_going)
            finally:
                break_lines_as_dvc_does()
            if rebuild.left_out:
                left_out |= rebuild.left_out
                write_json(LEFT_OUT, sorted(left_out))
            if not succeeded:
                return False
            # New outputs may have made further stages out of date, and files may have been edited meanwhile.
            force, before = False, todo
            upstream, todo = _plan(targets, force)
            todo = {name for name in todo if name not in left_out and not upstream[name] & left_out}
            if todo and todo == before:
                raise UserError(f"out of date even after they ran, see `dvc status`: {', '.join(sorted(todo))}")
        return True


def stages_left_out() -> set[str]:
    """Return the stages that the last rebuild had no time for.

    Raises:
        UserError: the file that names them is damaged.
    """
    if not LEFT_OUT.exists():
        return set()
    try:
        return set(json.loads(LEFT_OUT.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{LEFT_OUT}: not JSON: {error}; `python -m stages repro` makes it anew") from error


def measured_seconds() -> dict[str, float]:
    """Return how long stages took here, by stage: a hint, so that a damaged file counts as none."""
    try:
        return json.loads(SECONDS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _as_here(recorded: dict[str, float], measured: dict[str, float]) -> dict[str, float]:
    """Return how long stages would take here that were recorded elsewhere, by those that were measured here too."""
    both = recorded.keys() & measured.keys()
    elsewhere, here = (ENOUGH_SECONDS + sum(seconds[name] for name in both) for seconds in (recorded, measured))
    return {name: seconds * here / elsewhere for name, seconds in recorded.items()}


def _plan(targets: list[str], force: bool) -> tuple[dict[str, set[str]], set[str]]:
    """Return all that each stage needs, directly or not, and the stages to run."""
    upstream, stale = read_pipeline()
    if not upstream:
        raise UserError("dvc.yaml: is missing, empty or no file: there are no stages")
    wanted = set() if targets else set(upstream)
    for target in targets:
        named = [name for name in upstream if target in (name, name.split("@")[0])]  # one stage, or all of a foreach
        if not named:
            raise UserError(f"dvc.yaml has no stage {target!r}; `dvc stage list` names all {len(upstream)}")
        wanted.update(named, *(upstream[name] for name in named))
    return upstream, wanted if force else wanted & stale


def _run(rebuild: "_Rebuild", keep_going: bool) -> bool:
    async def main() -> None:
        task, loop = asyncio.ensure_future(rebuild.run(keep_going)), asyncio.get_running_loop()

        def stop() -> None:
            for number in SIGNALS:  # a second one must not disturb the stopping
                loop.add_signal_handler(number, lambda: None)
            task.cancel()

        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
        await task

    with rebuild.progress:
        try:
            asyncio.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            write_json(SECONDS, rebuild.seconds | rebuild.progress.seconds)
    if rebuild.failed:
        print(f"error: failed stages: {', '.join(rebuild.failed)}", file=sys.stderr)
    return not rebuild.failed


class _Rebuild:
    """One round: runs `todo` in DVC processes, as many at once as there are jobs."""

    def __init__(
        self, upstream: dict[str, set[str]], todo: set[str], jobs: int, force: bool, lock: int, end: float | None
    ) -> None:
        guess = {name: UNKNOWN_SECONDS.get(name.split("@")[0], UNKNOWN_OTHER_SECONDS) for name in todo}
        self.seconds = measured_seconds()
        self._known = _as_here(recorded_seconds(), self.seconds) | self.seconds
        self._schedule = Schedule(upstream, todo, guess | self._known)
        self.progress = Progress(self._schedule, todo, jobs)
        self._jobs, self._lock, self._forkserver = jobs, lock, forkserver_context()
        self._options = ["--wait-for-lock", "repro", "--single-item"]
        self._options += ["--force", "--no-run-cache"] if force else []
        self._end = end  # when all is to have ended
        self._taken: set[str] = set()  # by a DVC process that has not ended with them
        self.failed: list[str] = []
        self.left_out: set[str] = set()

    async def run(self, keep_going: bool) -> None:
        """Run all stages of the schedule; after a failure those that can still run, if `keep_going`."""
        running: dict[asyncio.Task, list[str]] = {}
        try:
            while True:
                while len(running) < self._jobs and (keep_going or not self.failed):
                    shortest_first = self._end is not None and not self._admit(self._end)
                    if not (batch := self._schedule.next_batch(self._jobs, shortest_first)):
                        break
                    self._taken.update(batch)
                    environment = os.environ | self._cores(running.values())
                    running[asyncio.create_task(self._run_batch(batch, environment))] = batch
                if not running:
                    if self._end is not None and (keep_going or not self.failed):
                        first, self.left_out = self._schedule.left_out()
                        self.progress.leave_out(first, len(self.left_out))
                    return
                done, _ = await asyncio.wait(running, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del running[task]
                    task.result()
                self.progress.refresh()
        finally:  # Ctrl-C above all: no process may go on alone
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _admit(self, end: float) -> bool:
        """Let the schedule begin only what there is time for; return whether enough has ended to tell well.

        Stages take as many times the seconds they are expected to take as those that have ended did.
        """
        ended = {name: seconds for name, seconds in self.progress.seconds.items() if name in self._known}
        expected = sum(self._known[name] for name in ended)
        slowness = (sum(ended.values()) + ENOUGH_SECONDS) / (expected + ENOUGH_SECONDS)
        left = {name: self._schedule.seconds[name] for name in self._taken} | self.progress.seconds_left(slowness)
        self._schedule.admit((end - time.monotonic()) / slowness, self._jobs, left)
        return expected >= ENOUGH_SECONDS

    def _cores(self, running: Iterable[list[str]]) -> dict[str, str]:
        """Say in how many processes a new stage may train its seeds: on cores that no other long stage will need."""
        long = sum(self._schedule.seconds[name] >= SHORT_SECONDS for batch in running for name in batch)
        at_once = min(self._jobs, 1 + long + self._schedule.num_long())
        cores = len(os.sched_getaffinity(0))
        # Alone, two processes a core: three seeds on two cores then end together, and not one after the other two.
        return {"STAGES_WORKERS": str(2 * cores if at_once == 1 else max(1, cores // at_once))}

    async def _run_batch(self, batch: list[str], environment: dict[str, str]) -> None:
        """Run one DVC process to its end, and tell the progress and the schedule of each stage that it finishes."""
        output, its_output = os.pipe()
        process = start_dvc(self._forkserver, [*self._options, *batch], environment, its_output, self._lock)
        os.close(its_output)
        log, done = [], []

        def finish(name: str, *, ran: bool) -> None:
            done.append(name)
            self._taken.discard(name)
            self._schedule.finish(name)
            self.progress.finish(name, ran=ran)

        try:
            current = ""
            async for line in await _lines(output):
                log.append(line.decode(errors="replace").rstrip())
                started, skipped = _RUNNING.match(log[-1]), _SKIPPED.match(log[-1])
                if current and (started or skipped):
                    finish(current, ran=True)
                current = started[1] if started else "" if skipped else current
                if started:
                    self.progress.start(current)
                    log.clear()
                elif skipped:
                    finish(skipped[1], ran=False)
            process.join()
            if process.exitcode == 0:
                if current:
                    finish(current, ran=True)
                return
        finally:
            if process.exitcode is None:
                stop(process)
        if process.exitcode < 0:
            log.append(f"DVC was killed by {signal.Signals(-process.exitcode).name}")
        failed = current or batch[0]
        self._taken.difference_update(batch)
        self.failed.append(failed)
        self._schedule.put_back([name for name in batch if name not in [*done, failed]])
        self.progress.fail(failed, self._schedule.fail(failed), log[-LOG_LINES:])


async def _lines(descriptor: int) -> asyncio.StreamReader:
    """Return what yields the lines, each with its end, that are written to the other end of a pipe; closes it."""
    reader = asyncio.StreamReader(limit=2**20)  # bytes of a line
    file = os.fdopen(descriptor, "rb", 0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
    return reader
