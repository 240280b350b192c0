"""Check the dvc.yaml and params.yaml files for what DVC accepts and then handles wrongly."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.core.errors import UserError
from stages.core.schema import read_yaml

CATALOG = Path("data/catalog.yaml")


def lint() -> list[str]:
    """Return one line for each problem: the file or the stage, and what is wrong with it.

    Raises:
        UserError: a file cannot be read, or DVC refuses it.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            stages = list(repo.index.stages)
    except DvcException as error:
        raise UserError(" ".join(str(error).split())) from error
    _imports.cache_clear()  # files may have changed
    params = {Path(dep.def_path) for stage in stages for dep in stage.deps if hasattr(dep, "params")}
    problems = [
        f"{path}: {key}: DVC cannot track a key with a dot"
        for path in params - {CATALOG}
        for key in _dotted_keys(read_yaml(path) if path.exists() else {})
    ]
    for path in filter(Path.exists, {*params, CATALOG, *(Path(stage.path_in_repo) for stage in stages)}):
        for token in YAML(typ="safe", pure=True).scan(path.read_text(encoding="utf-8")):
            if type(token).__name__ in ("AnchorToken", "AliasToken"):
                line = token.start_mark.line + 1
                problems.append(f"{path}: line {line}: `dvc exp run -S` writes out anchors; repeat it")
    cached = [(Path(out.def_path), stage.addressing) for stage in stages for out in stage.outs if out.use_cache]
    problems += [f"{stage.addressing}: {problem}" for stage in stages for problem in _traps(stage, cached)]
    return sorted(problems)


def _dotted_keys(value: Any, prefix: str = "") -> Iterator[str]:
    for key, item in value.items() if isinstance(value, dict) else ():
        if "." in str(key):
            yield f"{prefix}{key}"
        yield from _dotted_keys(item, f"{prefix}{key}.")


def _traps(stage: Any, cached: list[tuple[Path, str]]) -> Iterator[str]:
    for out in stage.outs:
        if out.metric and out.use_cache:
            yield f"metrics: {out.def_path} needs `cache: false`: it is in Git"
        if out.def_path.startswith("metrics/") and not out.metric:
            yield f"outs: {out.def_path} belongs under `metrics:`, or the run cache does not restore it"
    for dep in stage.deps:
        for name in sorted(set(names) - dep.read_params().keys() if (names := getattr(dep, "params", None)) else ()):
            yield f"params: {dep.def_path} has no {name}"
        if len(writers := {writer for path, writer in cached if Path(dep.def_path) in path.parents}) > 1:
            yield f"deps: {dep.def_path} has outputs of {len(writers)} stages, so that no clean clone has it: name them"
    paths = {Path(dep.def_path) for dep in stage.deps}
    for module in sorted(module for module in _needed_modules(stage) if not paths & {module, *module.parents}):
        yield f"deps: {module} is imported and missing here"


def _needed_modules(stage: Any) -> set[Path]:
    """Return the modules of this repository that a stage names or is named after, and all that these import."""
    own = {Path(folder, f"{stage.name.partition('@')[0]}.py") for folder in ("stages", Path(stage.path_in_repo).parent)}
    needed = {*(Path(dep.def_path) for dep in stage.deps if dep.def_path.endswith(".py")), *filter(Path.exists, own)}
    todo = list(needed)
    while todo:
        new = _imports(todo.pop()) - needed
        needed |= new
        todo += new
    return needed


@cache
def _imports(path: Path) -> frozenset[Path]:
    """Return the modules of this repository that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            package = path.parts[: -node.level] if node.level else ()  # of a relative import
            module = ".".join([*package, *([node.module] if node.module else [])])
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        found |= {Path(name.replace(".", "/") + ".py") for name in names if name.startswith("stages")}
    return frozenset(filter(Path.exists, found))
