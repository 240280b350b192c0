"""The DVC workspace: one rebuild at a time, and repair of what a killed DVC leaves behind."""

import fcntl
import functools
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from stages.core.errors import UserError
from stages.core.files import write_json, write_text

TEMPORARY = Path(".dvc/tmp")  # DVC's, not in Git
_OURS = "--wait-for-lock repro --single-item"  # in the command of a DVC process of a rebuild
LOCK_FILE = Path("dvc.lock")


@contextmanager
def one_rebuild_at_a_time() -> Iterator[int]:
    """Wait until no other rebuild is at work here; yield the descriptor of the lock.

    Processes that inherit the descriptor hold the lock too: it is free when the last of them has ended.

    Raises:
        UserError: this is not the root of a DVC repository.
    """
    if not TEMPORARY.parent.is_dir():
        raise UserError(f"no folder {TEMPORARY.parent} here; run the command in the root of the repository")
    TEMPORARY.mkdir(exist_ok=True)
    with (TEMPORARY / "rebuild.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another rebuild is at work here: waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        _set_aside_if_damaged(TEMPORARY / "rwlock", json.loads)
        _set_aside_if_damaged(LOCK_FILE, _check_end)
        _release_killed()
        yield file.fileno()


def read_pipeline() -> tuple[dict[str, set[str]], set[str]]:
    """Return all stages that each stage needs, directly or not, and the stages that are out of date.

    Raises:
        UserError: DVC refuses dvc.yaml or params.yaml, or another DVC process is at work.
    """
    import networkx
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.utils.strictyaml import YAMLSyntaxError, YAMLValidationError

    parse_parameters_once()
    try:
        with Repo() as repo:
            graph = networkx.relabel_nodes(repo.index.graph, lambda stage: stage.addressing)
            upstream = {name: networkx.descendants(graph, name) for name in graph}
            return upstream, set(upstream).intersection(repo.status())
    except DvcException as error:
        file = getattr(error, "relpath", None) or getattr(error, "path", "")
        in_lock = isinstance(error, YAMLSyntaxError | YAMLValidationError) and Path(file).name == LOCK_FILE.name
        if not in_lock or "<<<<<<<" in LOCK_FILE.read_text(encoding="utf-8"):  # a merge conflict is the user's to solve
            raise UserError(" ".join(str(error).split())) from error
        _set_aside(LOCK_FILE)
        print("DVC's run cache still holds the results it named", flush=True)
        return read_pipeline()


@functools.cache
def parse_parameters_once() -> None:
    """Let DVC in this process parse params.yaml once, and anew only when it has changed, not for every stage."""
    from dvc.dependency import param

    load = param.load_path

    @functools.lru_cache(maxsize=1)
    def loaded(path: str, file_system: Any, changed: int) -> dict[str, Any]:
        return load(path, file_system)

    param.load_path = lambda path, file_system: loaded(path, file_system, Path(path).stat().st_mtime_ns)


def dump_quickly(data: Any, stream: TextIO) -> None:
    """Write YAML with ruamel's compiled emitter: what DVC writes, but that long texts are broken elsewhere."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.representer.add_representer(OrderedDict, type(yaml.representer).represent_dict)
    yaml.dump(data, stream)


def break_lines_as_dvc_does() -> None:
    """Write dvc.lock as DVC does where `dump_quickly` wrote it, so that Git shows only what has changed in it.

    A damaged dvc.lock, or one that another DVC process is using, is left as it is.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.utils.serialize import dumps_yaml, load_yaml

    try:
        with Repo() as repo, repo.lock:
            before = LOCK_FILE.read_text(encoding="utf-8")
            _check_end(before)
            if (text := dumps_yaml(load_yaml(LOCK_FILE))) != before:
                write_text(LOCK_FILE, text)
    except (FileNotFoundError, ValueError, DvcException):
        return


def _set_aside_if_damaged(path: Path, parse: Callable[[str], Any]) -> None:
    try:
        parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except ValueError:
        _set_aside(path)


def _release_killed() -> None:
    """Drop from DVC's rwlock what processes of a killed rebuild hold: we have the lock, so none of them is alive.

    DVC does so itself only where their process identifiers are free: not if they were given out again, nor if nobody
    has yet asked for the exit status of the killed.
    """
    path = TEMPORARY / "rwlock"
    if not path.exists():
        return
    held = json.loads(path.read_text(encoding="utf-8"))
    write = {name: by for name, by in held.get("write", {}).items() if _OURS not in by["cmd"]}
    read = {name: [by for by in all_by if _OURS not in by["cmd"]] for name, all_by in held.get("read", {}).items()}
    write_json(path, {"write": write, "read": {name: all_by for name, all_by in read.items() if all_by}})


def _check_end(lock: str) -> None:
    """Raise ValueError if the last entry of a dvc.lock is cut: the rest may still be YAML that DVC takes as it is."""
    last = lock[lock.rfind("- path:") :]
    is_folder = ".dir\n" in last
    if "- path:" in lock and not (lock.endswith("\n") and "size: " in last and ("nfiles: " in last or not is_folder)):
        raise ValueError


def _set_aside(path: Path) -> None:
    """Rename a file that DVC could not have meant: it writes in place, so that a killed one leaves half of it."""
    path.replace(TEMPORARY / f"{path.name}.damaged")
    print(f"{path} was damaged and is made anew", flush=True)
