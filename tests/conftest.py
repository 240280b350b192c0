"""A small working copy of the pipeline that tests may break: one tiny family, seconds to rebuild."""

import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dvc.repo import Repo  # here, before all tests: DVC's log keeps the streams that it finds, and a test's are closed
from ruamel.yaml import YAML

import stages
import tests
from stages.core.device import prepare_device
from stages.core.family import family_module
from stages.core.schema import read_yaml

ROOT = Path(__file__).parent.parent
FAMILIES = sorted(path.parent.name for path in (ROOT / "stages").glob("*/params.yaml"))
WITH_CODE = [  # others run theirs
    family for family in FAMILIES if "code" not in read_yaml(ROOT / "stages" / family / "params.yaml")
]
LINE = Path("stages/line")  # of a workspace
# With it DVC finds the `python` of this environment.
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
yaml = YAML()
yaml.preserve_quotes = True
yaml.representer.ignore_aliases = lambda _: True  # as DVC writes it: no anchors

SHARED = {"device": "cpu", "fetch": [], "tokenize": {}, "join": {}, "vocab": {}}  # params.yaml
DOCUMENTS = {
    "conclusions": {1: "Higher rates fit better."},
    "documents": {"002": {"title": "Small notes", "sections": [{"title": "1. A line", "says": "Points and a line."}]}},
}
IGNORED = ("__pycache__", "*.tmp", "dvc.lock", ".gitignore")


def wait_for(condition: Callable[[], object], seconds: float = 600) -> None:
    """Return as soon as the condition is true; a busy machine may take long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def edited(path: Path) -> Iterator[dict]:
    """Let the block change the content of a YAML file."""
    content = yaml.load(path)
    yield content
    yaml.dump(content, path)


def make_workspace(folder: Path) -> Path:
    """Write the code without the families, the tiny family `line`, and small files of parameters into a folder."""
    shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns(*IGNORED, *FAMILIES))
    copy_line(folder, "line")
    (folder / "data").mkdir()
    for name in ("data/catalog.yaml", "dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    yaml.dump(SHARED, folder / "params.yaml")
    yaml.dump(DOCUMENTS, folder / "stages/documents.yaml")
    return folder


def copy_line(folder: Path, family: str) -> None:
    """Put the tiny family into a workspace under the name `family`."""
    target = folder / "stages" / family
    shutil.copytree(ROOT / "tests/line", target, ignore=shutil.ignore_patterns(*IGNORED, "contract.py"))
    for path in target.iterdir():
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("stages.line", f"stages.{family}").replace("family: line", f"family: {family}"))


@contextmanager
def in_workspace(folder: Path) -> Iterator[None]:
    """Make a workspace the current directory, and its families and their contracts importable in this process."""
    before, known, groups = Path.cwd(), set(sys.modules), _command_groups()
    packages = [(package, str(folder / package.__name__)) for package in (stages, tests)]
    os.chdir(folder)
    family_module.cache_clear()
    importlib.invalidate_caches()
    for package, path in packages:
        package.__path__.append(path)
    try:
        yield
    finally:
        os.chdir(before)
        family_module.cache_clear()
        for package, path in packages:
            package.__path__.remove(path)
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(f"{folder}/"):
                parent, _, child = name.rpartition(".")
                del sys.modules[name]
                with suppress(KeyError, AttributeError):
                    delattr(sys.modules[parent], child)
        _command_groups()[:] = groups


def _command_groups() -> list:
    """Return the families' commands that were mounted, without importing the command line before it is needed."""
    main = sys.modules.get("stages.__main__")
    return main.app.registered_groups if main else []


@pytest.fixture(scope="session", autouse=True)
def as_in_stages() -> None:
    """One thread and deterministic kernels, in every test, whichever ran before it in this process."""
    np.finfo(np.float32), np.finfo(np.float64)  # which warns where denormal numbers are zero, and then is remembered
    prepare_device("cpu")


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    """DVC's folder of locks goes with the tests' own, or each project leaves one; no proxy for the tests' servers."""
    own = {"DVC_SITE_CACHE_DIR": str(tmp_path_factory.mktemp("site")), "no_proxy": "127.0.0.1"}
    os.environ.update(own)
    ENVIRONMENT.update(own)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """The current directory: the real code and one tiny family, `line`, with the rows `slow` and `fast`."""
    with in_workspace(make_workspace(tmp_path)):
        yield tmp_path


@pytest.fixture
def cli(workspace: Path, capfd, monkeypatch) -> Callable[..., SimpleNamespace]:
    """Run `python -m stages …` in this process, which has torch loaded; returns what `run_stages` does."""
    from stages.__main__ import main

    def run(*arguments: str) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["python -m stages", *arguments])
        capfd.readouterr()
        status = 0
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capfd.readouterr()
        return SimpleNamespace(returncode=status, stdout=out, stderr=err)

    return run


@pytest.fixture
def run_stages(workspace: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run `python -m stages …` in a process of its own, where a process is what the test is about."""

    def run(*arguments: str, **options) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "stages", *arguments]
        options = {"env": ENVIRONMENT} | options
        return subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False, **options)

    return run


@pytest.fixture
def dvc(workspace: Path) -> Callable[..., subprocess.CompletedProcess]:
    """Run `dvc …` in the workspace, which is made a DVC project without Git."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "dvc", *arguments]
        return subprocess.run(command, cwd=workspace, env=ENVIRONMENT, capture_output=True, text=True, check=False)

    if not (workspace / ".dvc").exists():
        Repo.init(no_scm=True).close()
    return run


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small pipeline, built and committed in a Git repository; not to be changed."""
    from tests.small_repository import make

    return make(tmp_path_factory.mktemp("built"))


@pytest.fixture
def built(built_once: Path, workspace: Path) -> Path:
    """The workspace, turned into a copy of that repository; to be named before the fixture `dvc`."""
    shutil.copytree(built_once, workspace, symlinks=True, dirs_exist_ok=True)
    return workspace
