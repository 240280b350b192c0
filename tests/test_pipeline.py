"""dvc.yaml says all that each stage depends on, and stays free of DVC's traps."""

import ast
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, write_params

STEPS_OF_RUN = {"train": ["data", "train"], "evaluate": ["data", "train", "evaluate"]}


def load(name: str) -> dict:
    return YAML(typ="safe", pure=True).load(ROOT / name)


def imports(path: Path) -> set[Path]:
    """Files of this repository that a file imports, directly or not."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        for node in ast.walk(ast.parse(todo.pop().read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                module = ROOT / (name.replace(".", "/") + ".py")
                if name.startswith("stages") and module.exists() and module not in found:
                    found.add(module)
                    todo.append(module)
    return found


def declared(stage: str, **values: str) -> set[str]:
    deps = load("dvc.yaml")["stages"][stage]["do"]["deps"]
    for name, value in values.items():
        deps = [dep.replace("${" + name + "}", value) for dep in deps]
    return {dep for dep in deps if dep.startswith("stages/")}


def needed(stage: str, *modules: str) -> set[str]:
    roots = [ROOT / "stages" / f"{stage}.py", *(ROOT / "stages" / module for module in modules)]
    files = set(roots).union(*(imports(root) for root in roots))
    return {str(file.relative_to(ROOT)) for file in files if file.name != "__init__.py"}


@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("key", load("params.yaml")["runs"])
def test_deps_of_runs_are_their_imports(stage, key):
    """Neither too few (a change would go unnoticed) nor too many (a change would retrain for nothing)."""
    run = load("params.yaml")["runs"][key]
    modules = [f"{run['family']}/{name}.py" for name in [*STEPS_OF_RUN[stage], run["model"]]]
    names = {"item.family": run["family"], "item.model": run["model"]}
    assert declared(stage, **names) == needed(stage, *modules)


@pytest.mark.parametrize("section", ["prepare", "generate"])
def test_deps_of_data_are_their_imports(section):
    for entry in load("params.yaml")[section].values():
        needs = needed("prepare", f"{entry['family']}/data.py")
        assert declared(section, **{"item.family": entry["family"]}) == needs


def test_deps_of_fetch_are_its_imports():
    assert declared("fetch") == needed("fetch")


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", "data/catalog.yaml"])
def test_no_anchors(name):
    """`dvc exp run -S` writes an anchor's content into every place that refers to it."""
    tokens = YAML(typ="safe", pure=True).scan((ROOT / name).read_text(encoding="utf-8"))
    assert not [token for token in tokens if type(token).__name__ in ("AnchorToken", "AliasToken")]


def test_a_new_row_trains_only_itself(workspace, params, dvc):
    """One entry in params.yaml, and the others are neither trained nor evaluated again."""
    first = dvc("repro")
    assert first.returncode == 0, first.stderr
    old = (workspace / "metrics/regression_slow.json").stat().st_mtime_ns
    params["runs"]["regression_new"] = params["runs"]["regression_slow"] | {"label": "new"}
    write_params(workspace, params)
    done = dvc("repro")
    assert done.returncode == 0, done.stderr
    started = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]
    assert started == ["check", "train@regression_new", "evaluate@regression_new", "report"]
    assert (workspace / "metrics/regression_slow.json").stat().st_mtime_ns == old
    assert "new" in (workspace / "reports/tables/line.md").read_text()

    third = dvc("repro")
    assert "Running stage" not in third.stdout
