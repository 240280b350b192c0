"""A small project of its own to break: made, rebuilt once undisturbed, copied, and compared after a fault."""

import hashlib
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from dvc.repo import Repo

from tests.conftest import ENVIRONMENT, LINE, ROOT, edited, make_workspace, yaml
from tests.small_repository import IGNORES

REPRO = [sys.executable, "-m", "stages", "repro", "--jobs", "2"]
DVC = [sys.executable, "-m", "dvc"]
PATIENCE_SECONDS = 600  # a rebuild takes about fifteen
GONE_SECONDS = 60  # in which the last process of a rebuild has ended
DVCS_OWN = re.compile(r"(.*\.)?[\w-]{22}\.tmp")  # DVC leaves some in its cache when killed, and where a disk is full
POINTS = "points.csv"  # what is fetched
ROW = "slow"  # its row


class Wrong(Exception):
    """Something is not as it should be after a fault; the message is one line."""


class Project:
    """A working copy of the pipeline (`work`), and the mirror that it fetches from, in `folder`.

    `targets` are the rows that are rebuilt, all stages if none.
    """

    def __init__(self, folder: Path, targets: Sequence[str] = ()) -> None:
        self.targets, self.repro = targets, [*REPRO, *targets]
        self.folder, self.work, self.mirror = folder, folder / "work", folder / "mirror/tiny"
        self._environment = ENVIRONMENT | {
            "DATA_MIRROR": str(folder / "mirror"),
            "DVC_SITE_CACHE_DIR": str(folder / "site"),  # or each project leaves a folder in /var/tmp
        }

    def copy(self, folder: Path) -> "Project":
        """Return a copy of the project in a new folder."""
        shutil.copytree(self.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("*.log", "site"))
        return Project(folder, self.targets)

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
        """Return the stages of all lock files, by lock file and name.

        Without the hash of the folder `stages`: the lock files in it keep the order in which stages ended.
        """
        paths = [path for path in (Path("dvc.lock"), LINE / "dvc.lock") if (self.work / path).exists()]
        contents = {path: yaml.load(self.work / path)["stages"] for path in paths}
        found = {f"{path}: {name}": stage for path, stages in contents.items() for name, stage in stages.items()}
        for dep in found.get("dvc.lock: report", {}).get("deps", []):
            if dep["path"] == "stages":
                dep.clear()
        return found

    def status(self) -> list[str]:
        """Return the stages that are out of date."""
        with Repo(str(self.work), config={"core": {"site_cache_dir": self._environment["DVC_SITE_CACHE_DIR"]}}) as repo:
            return sorted(name.split(":")[-1] for name in repo.status())  # after the path of dvc.yaml from here

    def results(self) -> dict[str, object]:
        """Return what a rebuild must give again: the bytes of each metrics file, each stage of the lock files."""
        paths = [path.relative_to(self.work) for path in (self.work / "metrics").rglob("*.json")]
        return {str(path): (self.work / path).read_bytes() for path in paths} | self.lock()


@dataclass(frozen=True)
class Rebuild:
    """An undisturbed rebuild: the project `before` and `after` it, how long it took and how much it wrote."""

    before: Project
    after: Project
    seconds: float
    bytes: int


def rebuild_undisturbed(folder: Path, targets: Sequence[str] = ()) -> Rebuild:
    """Make the project in `folder`, and rebuild a copy of it.

    Raises:
        Wrong: the rebuild fails.
    """
    before = _make_project(Project(folder / "before", targets))
    after, began = before.copy(folder / "after"), time.monotonic()
    _succeed(after, *after.repro)
    seconds = time.monotonic() - began
    sizes = [sum(path.stat().st_size for path in project.work.rglob("*")) for project in (before, after)]
    return Rebuild(before, after, seconds, sizes[1] - sizes[0])


def check_rerun(project: Project, undisturbed: Project) -> None:
    """Rebuild once more, plainly: all must then be as after the undisturbed rebuild, and nothing be left over.

    Raises:
        Wrong: with all that differs.
    """
    _no_process_left(project)
    _succeed(project, *project.repro)
    _no_process_left(project)
    if found := differences(project, undisturbed):
        raise Wrong("; ".join(found))


def differences(project: Project, undisturbed: Project) -> list[str]:
    """Return what is not as in the undisturbed project, is out of date, or was left over."""
    old, new = undisturbed.results(), project.results()
    found = [f"{name} differs" for name in sorted(old | new) if old.get(name) != new.get(name)]
    never_made = undisturbed.status()
    found += [f"{name} is out of date" for name in project.status() if name not in never_made]
    temporary = [path.relative_to(project.work) for path in project.work.rglob("*.tmp")]
    return found + [f"{path} is left" for path in temporary if not DVCS_OWN.fullmatch(path.name)]


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


def _make_project(project: Project) -> Project:
    """Write a pipeline: a row of points from the mirror, a second or two, and one of drawn points."""
    project.work.mkdir(parents=True)
    make_workspace(project.work)
    for name in IGNORES:
        (project.work / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project.work / name)
    yaml.dump({"tiny": _fill_mirror(project.mirror)}, project.work / "data/catalog.yaml")
    with edited(project.work / "params.yaml") as shared:
        shared["fetch"] = ["tiny"]
    with edited(project.work / LINE / "params.yaml") as params:
        params["data"]["table"]["measured"] = {"raw": "tiny", "file": POINTS, "num_train": 1000}
        params["runs"]["slow"] |= {"data": "measured", "args": {"learning_rate": 0.01, "batch_size": 1}}
        params["residuals"]["slow"] = {"data": "measured", "count": 3}
    for command in (["git", "init", "-q"], [*DVC, "init", "-q"]):
        _succeed(project, *command)
    return project


def _fill_mirror(folder: Path) -> dict:
    """Write points around a line; return their entry in the catalogue."""
    folder.mkdir(parents=True)
    draw = random.Random(0)
    xs = [draw.gauss(0, 1) for _ in range(1200)]
    content = "".join(f"{x:.4f},{2 * x + draw.gauss(1, 0.1):.4f}\n" for x in xs).encode()
    (folder / POINTS).write_bytes(content)
    file = {"name": POINTS, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    nobody = [{"kind": "url", "base": "http://127.0.0.1:1/"}]  # the mirror or nothing
    entry = {"title": "Points", "license": "MIT", "citation": "None", "homepage": "https://example.org"}
    return entry | {"files": [file], "sources": nobody}
