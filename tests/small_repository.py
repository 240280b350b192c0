"""The small pipeline, built and committed in a Git repository of its own, for tests of what DVC does with Git."""

import shutil
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from stages import evaluate, figures, prepare, report, train
from tests.conftest import ENVIRONMENT, ROOT, in_workspace, make_workspace

IGNORES = (".gitignore", "data/.gitignore", "reports/.gitignore")
GIT_NAMES = {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def shell(folder: Path, line: str, status: int = 0) -> str:
    """Run a command line in `folder`; return what it prints, and fail unless it ends with `status`."""
    options = {"env": ENVIRONMENT | GIT_NAMES, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run(line, shell=True, cwd=folder, **options)
    if done.returncode != status:
        pytest.fail(f"{line} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def rebuild(*rows: str) -> None:
    """Bring rows and the report up to date in this process, and let DVC record it."""
    for row in rows:
        train.train(row)
        evaluate.evaluate(row)
    if rows:
        figures.figures("line")
    report.report()
    for target in (None, "report"):  # the report depends on the folder with the lock files of all families
        with Repo() as repo:
            repo.commit(target, force=True)


def make(folder: Path) -> Path:
    """Make the repository in an empty folder and return the folder.

    The stages run in this process, which has torch loaded, and DVC records them: what `dvc repro` does in a tenth of
    the time.
    """
    make_workspace(folder)
    for name in IGNORES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shell(folder, "git init -q && dvc init -q")
    with in_workspace(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("STAGES_WORKERS", "1")
        prepare.prepare("line/points")
        rebuild("line/slow", "line/fast")
    shell(folder, "git add . && git commit -q -m built")
    return folder
