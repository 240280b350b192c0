"""An edit made while a stage runs must not pass for what it ran with: DVC looks at dependencies only afterwards.

That is DVC's issue 11058. Which files a stage depends on, DVC itself tells while the stage runs: it has locked them.
"""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from stages.core.errors import UserError
from stages.core.schema import read_yaml
from stages.rebuild.workspace import RWLOCK

LOOKS = 500  # at DVC's file of locks, which it writes in place


@contextmanager
def unchanged_dependencies(address: str) -> Iterator[None]:
    """Fail after the block if a dependency of the stage that DVC runs changed within it: DVC then leaves it stale.

    `address` is DVC_STAGE, the stage seen from the folder that DVC was started in.

    Raises:
        UserError: a dependency changed, and the message names it; or DVC does not run this stage.
    """
    paths, folder = _dependencies(address)
    before, contents = _fingerprint(paths), {path: read_yaml(path) for path in paths if path.suffix == ".yaml"}
    yield
    after = _fingerprint(paths)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    if changed and changed <= contents.keys():  # perhaps only values that other stages read
        changed = {path for path in changed if _value_changed(address, folder, path, contents[path])}
    if changed:
        name = min(changed).relative_to(Path.cwd())
        raise UserError(f"{name} changed while {address} ran: DVC does not record its results; run it again")


def _dependencies(address: str) -> tuple[list[Path], Path]:
    """Return what DVC's process, one of our ancestors, has locked for reading, and the folder it was started in."""
    import psutil

    locked: dict[str, dict[str, Any]] = {}
    for _ in range(LOOKS):
        with suppress(FileNotFoundError, ValueError):
            locked = json.loads(RWLOCK.read_text(encoding="utf-8"))
            break
        time.sleep(0.01)
    read = {Path(path): by for path, by in locked.get("read", {}).items() if path not in locked.get("write", {})}
    for process in psutil.Process().parents():
        if paths := [path for path, readers in read.items() if process.pid in [by["pid"] for by in readers]]:
            return paths, Path(process.cwd())
    raise UserError(f"DVC_STAGE is {address}, but {RWLOCK} does not say that DVC runs a stage in this process")


def _fingerprint(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return time of change and size of each file that is not ignored by .dvcignore."""
    files = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    tracked = (file for file in files if "__pycache__" not in file.parts and file.suffix != ".tmp")
    return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in tracked if file.is_file()}


def _value_changed(address: str, folder: Path, path: Path, before: Any) -> bool:
    """Return whether a YAML file has another value now where the stage reads it; True if DVC cannot tell."""
    import dpath
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    file, _, name = address.rpartition(":")
    try:
        with Repo() as repo:
            deps = repo.stage.load_one(str(folder / (file or "dvc.yaml")), name).deps
    except DvcException:
        return True
    names = [name for dep in deps if Path(dep.fs_path) == path for name in getattr(dep, "params", [])]
    values = [[dpath.get(content, name, ".", None) for name in names] for content in (before, read_yaml(path))]
    return not names or values[0] != values[1]
