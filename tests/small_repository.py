"""The small pipeline, built and committed in a Git repository of its own, for tests of what DVC does with Git."""

import shutil
import subprocess
from pathlib import Path

import pytest

from stages import check, evaluate, prepare, report, train
from tests.conftest import ENVIRONMENT, ROOT, SMALL, write_params

IGNORES = (".dvcignore", ".gitignore", "data/.gitignore", "reports/.gitignore")
FILES = (*IGNORES, "dvc.yaml", "data/catalog.yaml", "metrics/tolerances.yaml")
GIT_NAMES = {f"GIT_{who}_{what}": "t" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def shell(folder: Path, line: str, status: int = 0) -> str:
    """Run a command line in `folder`; return what it prints, and fail unless it ends with `status`."""
    options = {"env": ENVIRONMENT | GIT_NAMES, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    done = subprocess.run(line, shell=True, cwd=folder, **options)
    if done.returncode != status:
        pytest.fail(f"{line} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def make(folder: Path) -> Path:
    """Make the repository in an empty folder and return the folder.

    The stages run in this process, which has torch loaded, and DVC records them: what `dvc repro` does in a tenth of
    the time.
    """
    shutil.copytree(ROOT / "stages", folder / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    write_params(folder, SMALL)
    shell(folder, "git init -q && dvc init -q")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("STAGES_WORKERS", "1")
        check.check(Path("data/params_checked.txt"))
        prepare.prepare("line")
        for run in SMALL["runs"]:
            train.train(run)
            evaluate.evaluate(run)
        report.report()
    shell(folder, "dvc commit -q -f && git add . && git commit -q -m built")
    return folder
