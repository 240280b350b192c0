"""A DVC project of two small folders of stages, whose commands take no time and note that they ran."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from stages.core.schema import read_yaml
from tests.conftest import ENVIRONMENT, ROOT

REPRO = """
import sys
from stages.core.errors import UserError
from stages.rebuild.repro import repro
force, keep_going = "--force" in sys.argv, "--keep-going" in sys.argv
try:
    done = repro([name for name in sys.argv[1:] if not name.startswith("--")], 2, force, keep_going)
except UserError as error:
    sys.exit(f"error: {error}")
except KeyboardInterrupt:
    sys.exit(130)
sys.exit(not done)
"""
ROOT_STAGES = """
stages:
  fetch:
    foreach: [a, b]
    do:
      cmd: mkdir -p data/raw/${item} && cp code.py data/raw/${item}/file && echo fetch ${item} >> ran
      deps: [code.py]
      outs: ['data/raw/${item}']
  report:
    cmd: ls metrics/* > report.txt && echo report >> ran
    deps: [metrics]
    outs: [report.txt]
"""
STAGES = """
vars: [params.yaml]
stages:
  train:
    foreach: ${runs}
    do:
      wdir: ../..
      cmd: python code.py train ${key} FAMILY
      deps: [code.py, stages/FAMILY/train.py, 'data/raw/${item.data}']
      params:
        - device
        - stages/FAMILY/params.yaml:
            - runs.${key}.args
      outs: ['data/models/FAMILY/${key}.txt']
  evaluate:
    foreach: ${runs}
    do:
      wdir: ../..
      cmd: python code.py evaluate ${key} FAMILY
      deps: ['data/models/FAMILY/${key}.txt', code.py]
      metrics:
        - metrics/FAMILY/${key}.json:
            cache: false
"""
PARAMS = """
runs:
  slow: {data: a, args: {rate: 1}}
  fast: {data: b, args: {rate: 2}}
"""
CODE = """
import os, sys, time
from pathlib import Path
from stages.core.errors import UserError
from stages.core.processes import die_with_parent
from stages.rebuild.guard import unchanged_dependencies

kind, row, family = sys.argv[1:]
die_with_parent()
try:
    with unchanged_dependencies(os.environ["DVC_STAGE"]):
        Path("begun").write_text(row)
        while Path("wait").exists():
            time.sleep(0.02)
        if Path("fail").exists() and Path("fail").read_text() == row:
            sys.exit("this row is broken")
        out = Path(f"data/models/{family}/{row}.txt" if kind == "train" else f"metrics/{family}/{row}.json")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text('{"value": 1}')
        with Path("ran").open("a") as ran:
            print(kind, row, family, file=ran)
except UserError as error:
    sys.exit(f"error: {error}")
"""


class Project:
    """The project, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun: list[subprocess.Popen] = []
        self.environment = ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
        self.write("dvc.yaml", ROOT_STAGES)
        self.write("params.yaml", "device: cpu\n")
        self.write("code.py", CODE)
        for family in ("first", "second"):
            self.write(f"stages/{family}/dvc.yaml", STAGES.replace("FAMILY", family))
            self.write(f"stages/{family}/params.yaml", PARAMS)
            self.write(f"stages/{family}/train.py", "")
        if not (folder / ".dvc").exists():
            self.dvc("init", "--no-scm", "-q")

    def write(self, name: str, text: str) -> Path:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace some text, which must be there, in a file."""
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new, 1))

    def ran(self) -> list[str]:
        """Return the stages that ran since the last call."""
        path = self.folder / "ran"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def locks(self) -> dict[Path, Any]:
        """Return the content of each dvc.lock."""
        return {path: read_yaml(path) for path in self.folder.rglob("dvc.lock")}

    def dvc(self, *arguments: str, folder: str = ".") -> subprocess.CompletedProcess:
        """Run `dvc …` in a folder of the project."""
        options = {"env": self.environment, "capture_output": True, "text": True, "check": False}
        return subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=self.folder / folder, **options)

    def start(self, *arguments: str) -> subprocess.Popen:
        """Begin a rebuild."""
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        command = [sys.executable, "-c", REPRO, *arguments]
        self.begun.append(subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipe))
        return self.begun[-1]

    def repro(self, *arguments: str, status: int = 0) -> str:
        """Rebuild; return what is printed, and fail unless it ends with `status`."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=600)
        assert process.returncode == status, output
        return output

    def start_and_wait(self, *arguments: str) -> subprocess.Popen:
        """Begin a rebuild; return when a stage runs, which waits until the file `wait` goes."""
        self.write("wait", "")
        (self.folder / "begun").unlink(missing_ok=True)
        process, end = self.start(*arguments), time.monotonic() + 600
        while not (self.folder / "begun").exists():
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        return process

    def go_on(self) -> None:
        """Let stages that wait go on."""
        (self.folder / "wait").unlink()

    def others(self) -> list[psutil.Process]:
        """Return all processes at work in this project, but the test's own."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                here = Path(process.cwd()) == self.folder and process.pid != os.getpid()
                if here and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found
