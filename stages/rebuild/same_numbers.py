"""Prove that a change of the code changed no number, and record that in the lock files instead of training again.

The rows that a change reaches are trained and evaluated on small data by the code of a base revision and by the present
code, on this machine, each in a process of its own. Where arguments, weights, scores and all that evaluation keeps are
the same bit for bit, the stages of the row count as run with the present code. What is quick anyway (preparing data,
figures, the report) is not proved but run.
"""

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.core.errors import UserError
from stages.rebuild.lock_files import record, rows_behind

_ROWS_BEHIND = "from stages.rebuild.lock_files import rows_behind; print(*rows_behind())"


def same_numbers(base: str, names: Collection[str], check_only: bool = False) -> bool:
    """Compare the rows that changed code reaches, or those named; record the equal ones; return whether all are equal.

    Args:
        base: a Git revision whose results the lock files hold.
        names: full names of rows; those whose train, evaluate or further stages are out of date if empty.
        check_only: change no lock file.

    Raises:
        UserError: there is no such revision or row, the revision's lock files do not hold the results of its own code,
            or a row cannot be trained by one of the two.
    """
    rows = list(names) or rows_behind()
    if not rows:
        print("no row is out of date because of its code")
        return True
    with _checkout(base) as folder, ThreadPoolExecutor(2) as pool:
        if behind := sorted(set(rows).intersection(_python(folder, ["-c", _ROWS_BEHIND]).split())):
            raise UserError(f"BASE = {base!r}: its lock files do not hold what its code gives for {', '.join(behind)}")
        before, now = pool.map(lambda place: _probe(place, rows), (folder, Path()))
    if unknown := [row for row in rows if row not in now]:
        raise UserError(f"'{unknown[0]}': there is no such row")
    different = {row: why for row in rows if (why := difference(before.get(row), now[row]))}
    for row, why in different.items():
        print(f"{row}: {why}: must be trained again (`python -m stages repro {row}`)")
    equal = [row for row in rows if row not in different]
    print(f"{len(equal)} of {len(rows)} rows give the same numbers as {base}, bit for bit")
    if not check_only:
        print(f"{record(equal)} stages recorded as run with the present code")
    return not different


def difference(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    """Say in which part two probes of a row differ; empty if they are the same.

    An argument that only one of the two knows may have been added or taken away: what it does is seen in the numbers.
    """
    if before is None:
        return "the base revision has no such row"
    for name in before["args"].keys() & now["args"].keys():
        if before["args"][name] != now["args"][name]:
            return f"{name} was {before['args'][name]} and is {now['args'][name]}"
    old, new = before["digests"], now["digests"]
    parts = [part for part in {**old, **new} if old.get(part) != new.get(part)]
    return f"other {', '.join(parts)}" if parts else ""


@contextmanager
def _checkout(revision: str) -> Iterator[Path]:
    """Yield a folder with the files of a revision, a work tree of this repository."""
    with TemporaryDirectory(prefix="same-numbers-") as parent:
        folder = Path(parent) / "base"
        made = subprocess.run(
            ["git", "worktree", "add", "--quiet", "--detach", str(folder), revision],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise UserError(f"BASE = {revision!r}: {made.stderr.strip().splitlines()[-1]}")
        try:
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(folder)], check=False)


def _probe(folder: Path, rows: Collection[str]) -> dict[str, Any]:
    """Return what `tests/probe.py` of a folder prints, by row; rows that its parameters lack are left out."""
    lines = _python(folder, ["-m", "tests.probe", *rows]).splitlines()
    return {entry["row"]: entry for entry in map(json.loads, lines)}


def _python(folder: Path, arguments: list[str]) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{folder}: {' '.join(arguments[:2])}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout
