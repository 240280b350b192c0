"""The lock files of DVC: which stages are behind their code, and recording that they are not."""

import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from stages.core.errors import UserError
from stages.core.files import write_text
from stages.core.run import load_family

_CODE = ("stages/", "params.yaml")
_ROW = re.compile(r"stages/(\w+)/dvc\.yaml:(\w+)@(\w+)")


def rows_behind() -> list[str]:
    """Return the full names of the rows with a stage that differs from its lock entry in code or parameters only."""
    return sorted({row for stage in _stages() if (row := _row(stage)) and _is_behind(stage)})


def record(rows: Collection[str]) -> int:
    """Give the lock entries of the stages of `rows` the present code and parameters; return how many changed.

    Data, models and metrics stay as the entries have them, whether or not they are here.
    """
    entries: dict[Path, dict[str, Any]] = defaultdict(dict)
    for stage in _stages():
        if _row(stage) in rows and _is_behind(stage):
            entries[Path(stage.path).with_name("dvc.lock")][stage.name] = _present_entry(stage)
    for path, changed in entries.items():
        _replace(path, changed)
    return sum(map(len, entries.values()))


def _stages() -> list[Any]:
    from dvc.repo import Repo

    with Repo() as repo:
        return list(repo.index.stages)


def _row(stage: Any) -> str | None:
    """Return the full name of the row that a stage is of; None for all others, which are run and not proved."""
    match = _ROW.fullmatch(stage.addressing)
    if match is None:
        return None
    family, step, row = match.groups()
    params = load_family(family)
    return f"{family}/{row}" if row in params.runs and step in ("train", "evaluate", *params.sections) else None


def _is_code(dependency: Any) -> bool:
    return str(dependency).startswith(_CODE) or dependency.__class__.__name__ == "ParamsDependency"


def _is_behind(stage: Any) -> bool:
    """Return whether a stage was run, and its code, parameters or command are others now."""
    if not all(out.hash_info for out in stage.outs):
        return False
    return stage.cmd_changed or any(_is_code(dep) and dep.status() for dep in stage.deps)


def _present_entry(stage: Any) -> dict[str, Any]:
    from dvc.stage.serialize import to_single_stage_lockfile

    if stage.cmd_changed:
        raise UserError(f"{stage.addressing}: its command is another one: run it")
    for dependency in stage.deps:
        if _is_code(dependency):
            dependency.save()
        elif not dependency.hash_info:
            raise UserError(f"{stage.addressing}: was not run with {dependency}: run it")
    return to_single_stage_lockfile(stage)


def _replace(path: Path, changed: dict[str, Any]) -> None:
    """Replace entries of a lock file, as DVC writes it."""
    from dvc.utils.serialize import dumps_yaml, load_yaml

    content = load_yaml(path)
    content["stages"] |= changed
    write_text(path, dumps_yaml(content))
