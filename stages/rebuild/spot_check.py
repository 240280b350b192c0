"""Retrain one seed of as many rows as fit in a time: those with the youngest results, then a sample that rotates."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from stages.core.errors import UserError
from stages.core.run import METRICS
from stages.rebuild.repro import repro
from stages.rebuild.workspace import read_pipeline
from stages.results.presentation import family_of
from stages.results.project import Project, load_project
from stages.results.references import Reference, load_references
from stages.results.times import show_seconds

SHARE_OF_DATA = 0.5  # of the time, at most, for obtaining and preparing data
STARTING_SECONDS = 8.0  # of a row, beside its training: imports and reading data


def spot_check(minutes: float, jobs: int) -> bool:
    """Retrain rows for about `minutes`; print which came out as recorded, which not, and which were not looked at.

    Rows that need another row's models are left to the whole rebuild.

    Raises:
        UserError: this is no Git repository, or the data of a row cannot be made.
    """
    begin, project, references = time.monotonic(), load_project(), load_references()
    upstream = read_pipeline().upstream
    seconds = {run: _seconds(project, references, run) for run in project.runs}
    alone = [run for run in order(project) if not _needs_models(run, upstream)]
    chosen, left = [], 60 * minutes * jobs * (1 - SHARE_OF_DATA)
    for run in alone:
        if seconds[run] <= left:
            chosen.append(run)
            left -= seconds[run]
    data = {stage for run in chosen for stage in upstream[_stage(run)] if "@" in stage}
    if data and not repro(sorted(data), jobs, force=False, keep_going=False):
        return False
    end = begin + 60 * minutes
    done: dict[str, bool] = {}

    def check(run: str) -> None:
        if (rest := end - time.monotonic()) > seconds[run] / 2:
            done[run] = _retrain(run, rest + 60)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(check, chosen))
    passed = [run for run in done if done[run]]
    print(f"\nverified by retraining one seed, {len(passed)} of {len(project.runs)} rows: {', '.join(passed)}")
    rest = [run for run in project.runs if run not in done]
    print(f"NOT retrained here, {len(rest)} rows: {', '.join(rest)}")
    if failed := [run for run in done if not done[run]]:
        print(f"NOT as recorded: {', '.join(failed)}")
    return bool(done) and not failed  # a check of nothing is none


def order(project: Project) -> list[str]:
    """Return all rows: those whose metrics changed in the last commit that changed any, then families in turn.

    Which rows of a family come first moves on with every commit.
    """
    commits = _git("log", "-1", "--format=%H", "--", str(METRICS)).split()
    changed = _git("show", "--format=", "--name-only", *commits, "--", str(METRICS)).split() if commits else []
    young = [run for run in project.runs if f"{METRICS / run}.json" in changed]
    shift = int(_git("rev-list", "--count", "HEAD"))
    queues = []
    for family in project.families:
        rows = [run for run in project.runs if family_of(run) == family]
        start = shift % len(rows)
        queues.append([*rows[start:], *rows[:start]])
    longest = max(map(len, queues))
    turns = [queue[place] for place in range(longest) for queue in queues if place < len(queue)]
    few = len(project.runs) // 4  # a commit that changed more, such as one that moved all, says nothing
    return list(dict.fromkeys([*(young if len(young) <= few else []), *turns]))


def _stage(run: str) -> str:
    family, _, row = run.partition("/")
    return f"stages/{family}/dvc.yaml:train@{row}"


def _needs_models(run: str, upstream: Mapping[str, set[str]]) -> bool:
    return any(":train@" in stage for stage in upstream[_stage(run)])


def _seconds(project: Project, references: Mapping[str, Reference], run: str) -> float:
    """Return what one seed takes, by what was recorded."""
    recorded = references[run].seconds if run in references else {}
    return STARTING_SECONDS + sum(recorded.values()) / len(project.seeds_of(run))


def _retrain(run: str, limit: float) -> bool:
    """Retrain in a process of its own, one thread each; print the outcome."""
    command, begin = [sys.executable, "-m", "stages", "retrain", run], time.monotonic()
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=limit, check=False, env=dict(os.environ)
        )
    except subprocess.TimeoutExpired:
        print(f"{run}: not finished in {show_seconds(limit)}", flush=True)
        return False
    lines = found.stdout.strip() or found.stderr.strip()
    print(f"{run}: {lines} ({show_seconds(time.monotonic() - begin)})", flush=True)
    return found.returncode == 0


def _git(*arguments: str) -> str:
    found = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if found.returncode:
        raise UserError(f"git {arguments[0]}: {found.stderr.strip()}")
    return found.stdout
