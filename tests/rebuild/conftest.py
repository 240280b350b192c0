"""The project of these tests."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.rebuild.project import Project


@pytest.fixture(scope="session")
def new_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project; not to be changed."""
    return Project(tmp_path_factory.mktemp("project")).folder


@pytest.fixture
def project(new_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project of its own, the current directory; nothing works on in it after the test."""
    shutil.copytree(new_project, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    yield project
    for process in project.others():
        with suppress(psutil.Error):
            process.kill()
