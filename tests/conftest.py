"""A small working copy of the pipeline that tests may break: synthetic data, seconds to rebuild."""

import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stages.core.device import prepare_device

ROOT = Path(__file__).parent.parent
# With it DVC finds the `python` of this environment.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
yaml = YAML()
yaml.representer.ignore_aliases = lambda _: True  # as DVC writes it: no anchors

SMALL = {
    "seeds": [1, 2],
    "device": "cpu",
    "fetch": [],
    "prepare": {},
    "generate": {
        "line": {
            "family": "regression",
            "recipe": {
                "kind": "linear",
                "weights": [2.0],
                "bias": 1.0,
                "noise": 0.1,
                "num_train": 64,
                "num_test": 32,
                "seed": 0,
            },
        }
    },
    "tokenize": {},
    "corpora": {},
    "vocab": {},
    "subsample": {},
    "cooccur": {},
    "divide": {},
    "mix": {},
    "fold": {},
    "embed": {},
    "judge": {},
    "defaults": {"regression": {"batch_size": 16, "num_epochs": 3}},
    "tables": {
        "line": {
            "title": "A line",
            "family": "regression",
            "document": "002",
            "section": "1",
            "description": "One weight.",
            "metrics": ["test_loss", "weight_1"],
        }
    },
    "claims": {
        "faster_is_closer": {
            "number": 1,
            "document": "002",
            "text": "A higher rate fits better.",
            "inequality": "regression_fast.test_loss < regression_slow.test_loss",
        }
    },
    "runs": {
        "regression_slow": {
            "family": "regression",
            "model": "linear_regression",
            "data": "line",
            "tables": ["line"],
            "label": "slow",
            "args": {"num_inputs": 1, "learning_rate": 0.01},
            "document": {"weight_1": 2.0},
        },
        "regression_fast": {
            "family": "regression",
            "model": "linear_regression",
            "data": "line",
            "tables": ["line"],
            "label": "fast",
            "args": {"num_inputs": 1, "learning_rate": 0.1},
        },
    },
}

DOCUMENTS = {
    "conclusions": {1: "Higher rates fit better."},
    "documents": {"002": {"title": "Small notes", "sections": [{"title": "1. A line", "says": "Points and a line."}]}},
}


def wait_for(condition: Callable[[], object], seconds: float = 600) -> None:
    """Return as soon as the condition is true; a busy machine may take long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def write_params(folder: Path, params: dict) -> None:
    """Write params.yaml, and a stages/documents.yaml that names nothing in it and so fits all that tests try."""
    yaml.dump(params, folder / "params.yaml")
    yaml.dump(DOCUMENTS, folder / "stages/documents.yaml")


@pytest.fixture(scope="session", autouse=True)
def as_in_stages() -> None:
    """One thread and deterministic kernels, in every test, whichever ran before it in this process."""
    prepare_device("cpu")


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """DVC's folder of locks goes with the tests' own, or each project leaves one; no proxy for the tests' servers."""
    own = {"DVC_SITE_CACHE_DIR": str(tmp_path_factory.mktemp("site")), "no_proxy": "127.0.0.1"}
    os.environ.update(own)
    ENVIRONMENT.update(own)


@pytest.fixture
def params() -> dict:
    """A small valid params.yaml as a dict of its own for each test."""
    return copy.deepcopy(SMALL)


@pytest.fixture
def workspace(tmp_path: Path, params: dict, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the real code, catalogue and dvc.yaml and the small params.yaml; the current directory."""
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data/catalog.yaml", tmp_path / "data/catalog.yaml")
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "metrics").mkdir()
    shutil.copy(ROOT / "metrics/tolerances.yaml", tmp_path / "metrics/tolerances.yaml")
    write_params(tmp_path, params)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run_stages(workspace: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run `python -m stages …` in the workspace."""

    def run(*arguments: str, **options) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "stages", *arguments]
        return subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False, **options)

    return run


@pytest.fixture
def dvc(workspace: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run `dvc …` in the workspace, which is made a DVC project without Git."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "dvc", *arguments]
        return subprocess.run(command, cwd=workspace, env=ENVIRONMENT, capture_output=True, text=True, check=False)

    if not (workspace / ".dvc").exists():
        done = run("init", "--no-scm", "-q")
        if done.returncode:
            pytest.fail(done.stderr)
    return run


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small pipeline, built and committed in a Git repository; not to be changed."""
    from tests.small_repository import make

    return make(tmp_path_factory.mktemp("built"))


@pytest.fixture
def built(built_once: Path, workspace: Path) -> Path:
    """The workspace, turned into a copy of that repository; to be named before the fixture `dvc`."""
    shutil.copytree(built_once, workspace, dirs_exist_ok=True)
    return workspace
