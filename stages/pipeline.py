"""What dvc.yaml says of its stages, with the values of params.yaml filled in as DVC does it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.core.errors import UserError
from stages.core.run import PARAMS
from stages.core.schema import read_yaml, validate

PIPELINE = Path("dvc.yaml")
_PLACE = re.compile(r"\$\{([^}]+)\}")


def load_stages(params: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """Return every stage but those of a matrix by its address (`report`, `train@mlp`), with `${…}` filled in.

    Raises:
        UserError: dvc.yaml or params.yaml cannot be read, or `${…}` names a value that is not there.
    """
    params = read_yaml(PARAMS) if params is None else params
    stages = {}
    for name, definition in read_definitions().items():
        if "matrix" in definition:  # none of ours
            continue
        if "foreach" not in definition:
            stages[name] = _filled(definition, params, f"{PIPELINE}: stages.{name}")
            continue
        where = f"{PIPELINE}: stages.{name}.foreach"
        entries = _filled(definition["foreach"], params, where)
        pairs = entries.items() if isinstance(entries, dict) else ((str(entry), entry) for entry in entries)
        for key, item in pairs:
            stages[f"{name}@{key}"] = _filled(definition["do"], params | {"key": key, "item": item}, where)
    return stages


def read_definitions() -> dict[str, dict[str, Any]]:
    """Return the stages as they stand in dvc.yaml.

    Raises:
        UserError: it cannot be read or has no stages.
    """
    content = validate(dict[str, Any], read_yaml(PIPELINE), f"{PIPELINE}:")
    return validate(dict[str, dict[str, Any]], content.get("stages"), f"{PIPELINE}: stages")


def _filled(value: Any, values: dict[str, Any], where: str) -> Any:
    if isinstance(value, dict):
        return {_filled(key, values, where): _filled(item, values, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values, where) for item in value]
    if not isinstance(value, str):
        return value
    if whole := _PLACE.fullmatch(value):
        return _look_up(values, whole[1], where)
    return _PLACE.sub(lambda place: str(_look_up(values, place[1], where)), value)


def _look_up(values: Any, path: str, where: str) -> Any:
    for key in path.split("."):
        if not isinstance(values, dict) or key not in values:
            raise UserError(f"{where}: ${{{path}}}: there is no such value in {PARAMS}")
        values = values[key]
    return values


@contextmanager
def unchanged_dependencies(stage: str) -> Iterator[None]:
    """Fail after the block if a dependency of a stage changed within it, so that DVC leaves the stage stale.

    DVC looks at dependencies when a stage has ended: it would take the results for those of the edited files (its
    issue 11058).

    Raises:
        UserError: a dependency changed; the message names it.
    """
    before = _fingerprint(stage)
    yield
    after = _fingerprint(stage)
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if changed:
        raise UserError(f"{changed[0]} changed while {stage} ran: DVC does not record its results; run it again")


def _fingerprint(stage: str) -> dict[str, Any]:
    """Return time of change and size of each file that a stage depends on, and the value of each parameter."""
    contents = {str(PARAMS): read_yaml(PARAMS)}
    definition = load_stages(contents[str(PARAMS)]).get(stage, {})
    found: dict[str, Any] = {}
    for entry in definition.get("params", []):
        for file, names in entry.items() if isinstance(entry, dict) else [(str(PARAMS), [entry])]:
            if file not in contents:
                contents[file] = read_yaml(Path(file))
            found |= {f"{file}: {name}": _look_up(contents[file], name, f"{PIPELINE}: {stage}") for name in names}
    # Files last: reading YAML takes its time, and what changes after this look is missed.
    for dependency in map(Path, definition.get("deps", [])):
        inside = dependency.rglob("*") if dependency.is_dir() else [dependency]
        for path in inside:
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".tmp":  # see .dvcignore
                status = path.stat()
                found[str(path)] = (status.st_mtime_ns, status.st_size)
    return found
