"""Check dvc.yaml and params.yaml for what DVC accepts and then handles wrongly."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.core.run import PARAMS
from stages.core.schema import read_yaml
from stages.pipeline import PIPELINE, load_stages, read_definitions

CATALOG = Path("data/catalog.yaml")
COMMAND = "python -m stages "
# Modules of a run's family that a command imports by name, so that its imports do not show them.
FAMILY_MODULES = {
    "prepare": ["data"],
    "train": ["data", "train"],
    "evaluate": ["data", "train", "evaluate"],
    "judge": ["data", "train"],
}


def lint() -> list[str]:
    """Return one line for each problem: the file, the key, and what is wrong with it.

    Raises:
        UserError: a file cannot be read, or `${…}` in dvc.yaml names a value that is not there.
    """
    params, pipeline = read_yaml(PARAMS), read_definitions()
    problems = [f"{PARAMS}: {key}: DVC cannot track a key with a dot" for key in _dotted_keys(params)]
    for path in (PARAMS, PIPELINE, CATALOG):
        problems += [f"{path}: line {line}: `dvc exp run -S` writes out anchors; repeat it" for line in _anchors(path)]
    for name, definition in pipeline.items():
        problems += [f"{PIPELINE}: stages.{name}: {problem}" for problem in _traps(definition, params)]
    if problems:
        return problems
    stages = load_stages(params)
    for name, definition in stages.items():
        missing = _needed_modules(definition, params) - _covered_modules(definition)
        problems += [
            f"{PIPELINE}: stages.{name}.deps: {module} is imported and missing here" for module in sorted(missing)
        ]
    return problems + list(_shared_folders(stages))


def _dotted_keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if "." in str(key):
                yield f"{path}{key}"
            yield from _dotted_keys(item, f"{path}{key}.")


def _anchors(path: Path) -> Iterator[int]:
    """Yield the lines that hold an anchor or refer to one."""
    for token in YAML(typ="safe", pure=True).scan(path.read_text(encoding="utf-8")):
        if type(token).__name__ in ("AnchorToken", "AliasToken"):
            yield token.start_mark.line + 1


def _traps(definition: dict[str, Any], params: dict[str, Any]) -> Iterator[str]:
    matrix = definition.get("matrix", {})
    for key, values in matrix.items():
        named = params.get(values[2:-1]) if isinstance(values, str) else values
        if isinstance(named, dict):
            yield f"matrix.{key} is over a dict and yields its keys alone; use foreach"
    body = definition.get("do", definition)
    for output in body.get("outs", []):
        path = output if isinstance(output, str) else next(iter(output))
        if path.startswith("metrics"):
            yield f"outs: {path} belongs under `metrics:` with `cache: false`, or the run cache does not restore it"
    for entry in body.get("metrics", []):
        path, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        if options.get("cache", True):
            yield f"metrics: {path} needs `cache: false`: it is in Git"
    for dependency in body.get("deps", []):
        if not isinstance(dependency, str):
            yield f"deps: {dependency}: must be a path"


def _needed_modules(definition: dict[str, Any], params: dict[str, Any]) -> set[str]:
    """Return the files of this repository that the command of a stage imports, directly or not."""
    if not str(definition.get("cmd")).startswith(COMMAND):
        return set()  # not ours
    command, *keys = definition["cmd"].removeprefix(COMMAND).split()
    roots = [Path("stages") / f"{command}.py"]
    if command == "judge":  # what is imported is not the generator but who judges it
        keys = [params["judge"][key]["extractor"] for key in keys]
    for section in ("runs", "prepare", "generate"):
        for entry in [params[section][key] for key in keys if key in params.get(section, {})]:
            names = [*FAMILY_MODULES.get(command, []), *([entry["model"]] if "model" in entry else [])]
            roots += [Path("stages") / entry["family"] / f"{name}.py" for name in names]
    found, todo = set(roots), list(roots)
    while todo:
        new = set(_imports(todo.pop())) - found
        found |= new
        todo += new
    return {str(path) for path in found if path.name != "__init__.py"}


def _imports(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            package = path.parts[: -node.level] if node.level else ()  # of a relative import
            module = ".".join([*package, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        for name in names:
            module = Path(name.replace(".", "/") + ".py")
            if name.startswith("stages") and module.exists():
                yield module


def _covered_modules(definition: dict[str, Any]) -> set[str]:
    paths = [Path(dependency) for dependency in definition.get("deps", [])]
    return {str(file) for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])}


def _shared_folders(stages: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield stages that read a folder which several stages write into, and that others wait for.

    A change of any file in such a folder reruns the reader: right for a last stage that reads all, wrong elsewhere, but
    where the stage says so (`meta: {reads_all_of: folder}`), because what it reads is a list and DVC takes none.
    """
    for name, definition in stages.items():
        for dependency in definition.get("deps", []):
            writers = [
                other for other in stages if any(f"{dependency}/" in f"{out}/" for out in _outputs(stages[other]))
            ]
            inside = [other for other in writers if dependency not in _outputs(stages[other])]
            outputs = _outputs(definition)
            waiting = [other for other in stages if set(outputs) & set(stages[other].get("deps", []))]
            stated = definition.get("meta", {}).get("reads_all_of") == dependency
            if len(inside) > 1 and waiting and not stated:
                yield f"{PIPELINE}: stages.{name}.deps: {dependency} is written by {len(inside)} stages; name the files"


def _outputs(definition: dict[str, Any]) -> Sequence[str]:
    entries = [entry for kind in ("outs", "metrics", "plots") for entry in definition.get(kind, [])]
    return [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
