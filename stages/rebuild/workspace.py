"""The DVC workspace: one rebuild at a time, what is out of date, and repair of what a killed DVC leaves behind."""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.core.errors import UserError

TEMPORARY = Path(".dvc/tmp")  # DVC's, not in Git
RWLOCK = TEMPORARY / "rwlock"  # which process reads and writes which files
WORKER = "python -m stages repro: a stage"  # how it names our processes


class Pipeline(NamedTuple):
    """All stages by their addresses: what each needs, directly or not; the stale ones; which writes a metrics file."""

    upstream: dict[str, set[str]]
    stale: set[str]
    metrics: dict[Path, str]


@contextmanager
def one_rebuild_at_a_time() -> Iterator[None]:
    """Wait until no other rebuild, nor a process forked from one, is at work here; repair what a killed one left."""
    TEMPORARY.mkdir(exist_ok=True)
    with (TEMPORARY / "rebuild.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another rebuild is at work here: waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        _set_aside_if_damaged(RWLOCK, _check_rwlock)
        for lock in (path for folder in (".", "stages/*") for path in Path().glob(f"{folder}/dvc.lock")):
            _set_aside_if_damaged(lock, _check_lock)
        yield


def read_pipeline() -> Pipeline:
    """Read the stages from DVC's index.

    Raises:
        UserError: DVC refuses a dvc.yaml, dvc.lock or params.yaml, or another DVC process is at work.
    """
    import networkx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no second thread: a lock that it held while a stage is forked would stay locked there
    try:
        with Repo() as repo:
            graph = networkx.relabel_nodes(repo.index.graph, lambda stage: stage.addressing)
            upstream = {name: networkx.descendants(graph, name) for name in graph}
            outs = [(out, stage.addressing) for stage in repo.index.stages for out in stage.outs]
            metrics = {Path(out.def_path): name for out, name in outs if out.metric}
            return Pipeline(upstream, set(graph).intersection(repo.status()), metrics)
    except DvcException as error:
        raise UserError(" ".join(str(error).split())) from error


def _set_aside_if_damaged(path: Path, check: Callable[[str], Any]) -> None:
    """Move a file that DVC could not have meant: it writes in place, so that a killed one leaves half of it."""
    from voluptuous import Invalid

    if path.exists():
        try:
            check(path.read_text(encoding="utf-8"))
        except (ValueError, YAMLError, Invalid):
            path.replace(TEMPORARY / f"{path.as_posix().replace('/', '.')}.damaged")
            print(f"{path}: damaged by a killed process, made anew; the run cache has all results", flush=True)


def _check_lock(text: str) -> None:
    """Raise an error if a dvc.lock is cut, which may leave YAML that DVC takes as it is; a merge conflict may stay."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA

    last = text[text.rfind("- path:") :]
    whole = text.endswith("\n") and "size: " in last and ("nfiles: " in last or ".dir\n" not in last)
    if "<<<<<<<" not in text:
        if "- path:" in text and not whole:
            raise ValueError
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))


def _check_rwlock(text: str) -> None:
    """Raise ValueError if it is cut, or held by stages of a killed rebuild alone.

    DVC drops these itself only where no process has their number; after a restart of a container another one has.
    """
    held = json.loads(text)
    holders = [*held.get("write", {}).values(), *(by for all_by in held.get("read", {}).values() for by in all_by)]
    if holders and all(by["cmd"] == WORKER for by in holders):
        raise ValueError
