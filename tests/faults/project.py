"""A small project of its own to break: made, rebuilt once undisturbed, copied, and compared after a fault."""

import copy
import hashlib
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from dvc.repo import Repo

from tests.conftest import ENVIRONMENT, ROOT, SMALL, write_params, yaml

REPRO = [sys.executable, "-m", "stages", "repro", "--jobs", "2"]
DVC = [sys.executable, "-m", "dvc"]
PATIENCE_SECONDS = 600  # a rebuild takes about fifteen
GONE_SECONDS = 60  # in which the last process of a rebuild has ended
IDX_FILES = {
    "train-images-idx3-ubyte": (600, 28, 28),
    "train-labels-idx1-ubyte": (600,),
    "t10k-images-idx3-ubyte": (200, 28, 28),
    "t10k-labels-idx1-ubyte": (200,),
}
COPIED = (
    "dvc.yaml",
    ".dvcignore",
    ".gitignore",
    "data/.gitignore",
    "reports/.gitignore",
    "metrics/tolerances.yaml",
)
ROW = "image_classification_tiny"


class Wrong(Exception):
    """Something is not as it should be after a fault; the message is one line."""


class Project:
    """A working copy of the pipeline (`work`), and the mirror that it fetches from, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.work, self.mirror = folder, folder / "work", folder / "mirror/tiny"
        self._environment = ENVIRONMENT | {
            "DATA_MIRROR": str(folder / "mirror"),
            "DVC_SITE_CACHE_DIR": str(folder / "site"),  # or each project leaves a folder in /var/tmp
        }

    def copy(self, folder: Path) -> "Project":
        """Return a copy of the project in a new folder."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("*.log", "site"))
        return Project(folder)

    def start(self, *command: str) -> subprocess.Popen:
        """Start a command, leader of a process group; what it prints goes to a file."""
        log = self.folder / f"{time.monotonic_ns()}.log"
        with log.open("w") as output:
            options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
            process = subprocess.Popen(command, cwd=self.work, env=self._environment, start_new_session=True, **options)
        process.log, process.until = log, time.monotonic() + PATIENCE_SECONDS
        return process

    def runs(self, process: subprocess.Popen) -> bool:
        """Return whether a process of `start` still runs.

        Raises:
            Wrong: it has run far too long.
        """
        if time.monotonic() > process.until:
            raise Wrong(f"runs for more than {PATIENCE_SECONDS} s: {self.lines(process)[-1:]}")
        return process.poll() is None

    def lines(self, process: subprocess.Popen) -> list[str]:
        """Return what a process of `start` has printed."""
        return process.log.read_text(encoding="utf-8", errors="replace").splitlines()

    def end(self, process: subprocess.Popen) -> tuple[int, list[str]]:
        """Wait for a process of `start`; return its exit status and the lines it printed.

        Raises:
            Wrong: it runs far too long.
        """
        while self.runs(process):
            time.sleep(0.01)
        return process.returncode, self.lines(process)

    def run(self, *command: str) -> tuple[int, list[str]]:
        """Run a command to its end."""
        return self.end(self.start(*command))

    def processes(self) -> list[psutil.Process]:
        """Return all processes at work in this project, whoever their parents are."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if Path(process.cwd()).is_relative_to(self.work) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def lock(self) -> dict[str, dict]:
        """Return the stages of dvc.lock."""
        return yaml.load(self.work / "dvc.lock")["stages"]

    def status(self) -> list[str]:
        """Return the stages that are out of date."""
        with Repo(str(self.work), config={"core": {"site_cache_dir": self._environment["DVC_SITE_CACHE_DIR"]}}) as repo:
            return sorted(name.split(":")[-1] for name in repo.status())  # after the path of dvc.yaml from here

    def results(self) -> dict[str, object]:
        """Return what a rebuild must give again: the bytes of each metrics file, each stage of dvc.lock."""
        metrics = {f"metrics/{path.name}": path.read_bytes() for path in (self.work / "metrics").glob("*.json")}
        return metrics | {f"dvc.lock: {name}": stage for name, stage in self.lock().items()}


@dataclass(frozen=True)
class Rebuild:
    """An undisturbed rebuild: the project `before` and `after` it, how long it took and how much it wrote."""

    before: Project
    after: Project
    seconds: float
    bytes: int


def rebuild_undisturbed(folder: Path, families: int = 2, command: Sequence[str] = REPRO) -> Rebuild:
    """Make the project in `folder`, with a row of each of one or two families, and rebuild a copy of it with `command`.

    Raises:
        Wrong: the rebuild fails.
    """
    before = _make_project(Project(folder / "before"), families)
    after, began = before.copy(folder / "after"), time.monotonic()
    _succeed(after, *command)
    seconds = time.monotonic() - began
    sizes = [sum(path.stat().st_size for path in project.work.rglob("*")) for project in (before, after)]
    return Rebuild(before, after, seconds, sizes[1] - sizes[0])


def check_rerun(project: Project, undisturbed: Project) -> None:
    """Rebuild once more, plainly: all must then be as after the undisturbed rebuild, and nothing be left over.

    Raises:
        Wrong: with all that differs.
    """
    _no_process_left(project)
    _succeed(project, *REPRO)
    _no_process_left(project)
    if found := differences(project, undisturbed):
        raise Wrong("; ".join(found))


def differences(project: Project, undisturbed: Project) -> list[str]:
    """Return what is not as in the undisturbed project, is out of date, or was left over."""
    old, new = undisturbed.results(), project.results()
    found = [f"{name} differs" for name in sorted(old | new) if old.get(name) != new.get(name)]
    found += [f"{name} is out of date" for name in project.status()]
    temporary = [path.relative_to(project.work) for path in project.work.rglob("*.tmp")]
    return found + [f"{path} is left" for path in temporary if path.parts[:2] != (".dvc", "cache")]  # DVC's own


def _succeed(project: Project, *command: str) -> None:
    status, lines = project.run(*command)
    if status:
        raise Wrong(f"{' '.join(command[1:])} ends with status {status}: {' / '.join(lines[-4:])}")


def _no_process_left(project: Project) -> None:
    """Wait for processes to go: the one that others are copied from takes seconds on a busy machine."""
    end = time.monotonic() + GONE_SECONDS
    while left := project.processes():
        if time.monotonic() > end:
            raise Wrong("works on alone: " + "; ".join(" ".join(process.cmdline()[1:])[-80:] for process in left))
        time.sleep(0.1)


def _make_project(project: Project, families: int) -> Project:
    """Write a pipeline: a row from the mirror's images and one from drawn data, a second or two each."""
    shutil.copytree(ROOT / "stages", project.work / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    for name in COPIED:
        (project.work / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project.work / name)
    yaml.dump({"tiny": _fill_mirror(project.mirror)}, project.work / "data/catalog.yaml")
    write_params(project.work, _params(families))
    for command in (["git", "init", "-q"], [*DVC, "init", "-q"]):
        _succeed(project, *command)
    return project


def _fill_mirror(folder: Path) -> dict:
    """Write images of noise; return their entry in the catalogue."""
    folder.mkdir(parents=True)
    draw, files = random.Random(0), []
    for name, shape in IDX_FILES.items():
        header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
        values = draw.randbytes(shape[0] * 784) if len(shape) == 3 else bytes(i % 10 for i in range(shape[0]))
        (folder / name).write_bytes(header + values)
        sha256 = hashlib.sha256(header + values).hexdigest()
        files.append({"name": name, "sha256": sha256, "bytes": len(header + values)})
    nobody = [{"kind": "url", "base": "http://127.0.0.1:1/"}]  # the mirror or nothing
    entry = {"title": "Noise", "license": "MIT", "citation": "None", "homepage": "https://example.org"}
    return entry | {"files": files, "sources": nobody}


def _params(families: int) -> dict:
    params, images = copy.deepcopy(SMALL), {"family": "image_classification"}
    del params["runs"]["regression_slow"]
    recipe = {"kind": "idx_images", "num_validation": 100, "seed": 0, "classes": list("abcdefghij")}
    params["fetch"], params["prepare"] = ["tiny"], {"tiny": images | {"raw": "tiny", "recipe": recipe}}
    params["defaults"] = {
        "regression": {"batch_size": 16, "num_epochs": 20},
        "image_classification": {"batch_size": 50, "num_epochs": 20, "learning_rate": 0.1},
    }
    table = {"title": "Noise", "description": "Noise.", "metrics": ["test_loss"]}
    params["tables"]["tiny"] = images | table | {"document": "002", "section": "3"}
    row = {"model": "mlp", "data": "tiny", "tables": ["tiny"], "label": "noise"}
    params["runs"][ROW] = images | row | {"args": {"layer_sizes": [784, 256, 10]}}
    params["claims"]["faster_is_closer"]["inequality"] = f"regression_fast.test_loss < {ROW}.test_loss"
    if families == 1:
        params["claims"], params["generate"] = {}, {}
        del params["runs"]["regression_fast"], params["tables"]["line"], params["defaults"]["regression"]
    return params
