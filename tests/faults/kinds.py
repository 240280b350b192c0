"""What is done to a project to break it: a function each, listed in `faults`."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from stages.core.files import write_json
from stages.rebuild.workspace import WORKER
from tests.conftest import LINE
from tests.faults.project import DVC, POINTS, ROW, Project, Rebuild, Wrong, check_rerun

MODEL = f"data/models/line/{ROW}"
OUTPUTS = {  # one of each kind
    "raw file": f"data/raw/tiny/{POINTS}",
    "prepared data": "data/prepared/line/measured/train.safetensors",
    "model": f"{MODEL}/1.safetensors",
    "evaluation": f"data/evaluations/line/{ROW}/test.safetensors",
    "metrics": f"metrics/line/{ROW}.json",
    "further metrics": f"metrics/line/residuals/{ROW}.json",
    "curve": f"reports/curves/line/{ROW}.csv",
    "figure": "reports/figures/line/fast_fit.png",
    "page": "reports/index.html",
}
TRAINING = f"data/models/line/.{ROW}.tmp"  # is there while it is trained
NUM_STAGES = 10  # of the project
VICTIMS = ["scheduler", "dvc", "stage", "all"]  # all at once: as if the power failed
LOCK = f"{LINE}/dvc.lock"
WRITTEN = ["dvc.lock", LOCK, ".dvc/tmp/rwlock"]  # DVC writes these in place
Cut = Callable[[bytes, random.Random], int]  # how many of the bytes of a file are kept
CUTS: dict[str, Cut] = {
    "to nothing": lambda content, draw: 0,
    "to half": lambda content, draw: len(content) // 2,
}
LOCK_CUTS: dict[str, Cut] = {  # what DVC cannot read, and two that it takes for whole
    "anywhere": lambda content, draw: draw.randrange(len(content)),
    "anywhere else": lambda content, draw: draw.randrange(len(content)),
    "in its last number": lambda content, draw: content.rindex(b"size: ") + len("size: 1"),
    "before its last line": lambda content, draw: content.rindex(b"\n", 0, -1) + 1,
}
MIRROR_FAULTS = {  # and what the message says
    "missing": "neither",
    "flipped byte": "expected sha256",
    "truncated": "expected sha256",
    "unreadable": "cannot read",
}


class Skipped(Exception):
    """This machine cannot do the fault; the message says why."""


class TooLate(Exception):
    """The rebuild ended before it was broken."""


class Fault(NamedTuple):
    """What is done to a project, a fresh one or (if `finished`) one that was rebuilt; `do` may return a note."""

    name: str
    do: Callable[[Project, random.Random], str | None]
    finished: bool = False


def faults(undisturbed: Rebuild, kills: int) -> list[Fault]:
    """Return every fault, the fast ones first."""
    files = OUTPUTS | {path: path for path in WRITTEN}
    cuts = [
        Fault(f"{kind} cut {how}", partial(cut, path, CUTS[how]), True)
        for how in ("to nothing", "to half")
        for kind, path in files.items()
    ]
    locks = [Fault(f"dvc.lock cut {how}", partial(cut, LOCK, where), True) for how, where in LOCK_CUTS.items()]
    mirror = [Fault(f"mirror: {how}", partial(break_mirror, how), True) for how in MIRROR_FAULTS]
    sizes = {share: int(share * undisturbed.bytes) for share in (0.1, 0.5, 0.9)}
    disk = [Fault(f"disk full at {share:.0%}", partial(fill_disk, free)) for share, free in sizes.items()]
    victims = [VICTIMS[i % len(VICTIMS)] for i in range(kills)]
    return [
        *cuts,
        *locks,
        Fault("cache removed", partial(remove, [".dvc/cache"]), True),
        Fault("cache and a model removed", partial(remove, [".dvc/cache", MODEL]), True),
        Fault("rwlock names a living process", reuse_pid, True),
        *mirror,
        Fault("kill while training", kill_while_training, True),
        Fault("edit during a stage", edit_during_stage, True),
        Fault("two rebuilds at once", two_at_once),
        Fault("beside plain dvc repro", beside_dvc),
        *disk,
        Fault("Ctrl-C", interrupt),
        *(Fault(f"kill while dvc.lock is written {i}", kill_while_lock_is_written) for i in range(2)),
        *(Fault(f"kill {i} {who}", partial(kill, who)) for i, who in enumerate(victims)),
    ]


# --- Faults of a finished project ----------------------------------------------------------------------------------


def cut(path: str, where: Cut, project: Project, draw: random.Random) -> str:
    """Keep the first part of a file only."""
    file = project.work / path
    content = file.read_bytes()
    length = where(content, draw)
    os.truncate(file, length)
    return f"{length} of {len(content)} bytes are left"


def remove(paths: list[str], project: Project, draw: random.Random) -> None:
    """Remove files and folders."""
    for path in paths:
        target = project.work / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()


def forget(path: str, project: Project) -> None:
    """Remove an output, and from the cache what would give it back: its stage has to run again."""
    outs = [out for stage in project.lock().values() for out in stage["outs"] if out["path"] == path]
    md5 = outs[0]["md5"]
    (project.work / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()
    shutil.rmtree(project.work / ".dvc/cache/runs")
    shutil.rmtree(project.work / path)


def reuse_pid(project: Project, draw: random.Random) -> None:
    """Leave half a model, and a killed DVC's entry in the rwlock with a process identifier given out again: ours."""
    cut(OUTPUTS["model"], CUTS["to half"], project, draw)
    entry = {"pid": os.getpid(), "cmd": WORKER}
    write_json(project.work / ".dvc/tmp/rwlock", {"write": {str(project.work / MODEL): entry}, "read": {}})


def break_mirror(how: str, project: Project, draw: random.Random) -> None:
    """Break a file of the mirror while the fetched ones are gone, see the message, and mend the mirror."""
    forget("data/raw/tiny", project)
    file, folder = project.mirror / POINTS, project.mirror / f"{POINTS}.gz"
    content = file.read_bytes()
    file.unlink()
    if how == "flipped byte":
        place = draw.randrange(len(content))
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    elif how == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif how == "unreadable":
        folder.mkdir()  # as a folder, because no mode of a file keeps root out
    _rebuild_fails(project, POINTS, MIRROR_FAULTS[how])
    if folder.exists():
        folder.rmdir()
    file.write_bytes(content)


# --- Faults of a rebuild from nothing ------------------------------------------------------------------------------


def kill(victim: str, project: Project, draw: random.Random) -> str:
    """kill -9 of one process of a kind, or of all, at a random moment or as soon after as there is one."""
    rebuild, moment = _rebuild_to_random_moment(project, draw)
    while project.runs(rebuild) and not _living(project, victim):
        time.sleep(0.005)
    living = _living(project, victim)
    _kill(living if victim == "all" else draw.sample(living, min(1, len(living))))
    _was_broken(project, rebuild)
    return moment


def kill_while_training(project: Project, draw: random.Random) -> None:
    """kill -9 of everything when a model is being trained."""
    forget(MODEL, project)
    rebuild = _rebuild_until(project, (project.work / TRAINING).exists)
    _kill(_living(project, "all"))
    _was_broken(project, rebuild)


def kill_while_lock_is_written(project: Project, draw: random.Random) -> str:
    """kill -9 of DVC when a dvc.lock, which it writes in place, is empty, once it had a random size before."""
    lock, rebuild = project.work / LOCK, project.start(*project.repro)
    least, largest, killed = draw.randrange(1, 5000), 0, False
    while project.runs(rebuild) and not killed:
        writers, until = _living(project, "dvc"), time.monotonic() + 0.2  # known before, because there is no time then
        while time.monotonic() < until and not killed:
            size = lock.stat().st_size if lock.exists() else 0
            largest = max(size, largest)
            if killed := size == 0 and largest >= least:
                _kill(writers)
    _was_broken(project, rebuild)
    return f"{lock.stat().st_size} of more than {largest} bytes are left"


def _was_broken(project: Project, rebuild: subprocess.Popen) -> None:
    if project.end(rebuild)[0] == 0:
        raise TooLate


def _rebuild_until(project: Project, happened: Callable[[], object]) -> subprocess.Popen:
    """Start a rebuild; return it when something happened, or when it has ended."""
    rebuild = project.start(*project.repro)
    while project.runs(rebuild) and not happened():
        time.sleep(0.005)
    return rebuild


def _rebuild_to_random_moment(project: Project, draw: random.Random) -> tuple[subprocess.Popen, str]:
    """Start a rebuild; return it at a moment that does not depend on how fast the machine is, and that moment."""
    ended, pause = draw.randrange(NUM_STAGES), draw.uniform(0, 3)
    rebuild = project.start(*project.repro)
    while project.runs(rebuild) and sum(line.startswith("[") for line in project.lines(rebuild)) < ended:
        time.sleep(0.005)
    time.sleep(pause)
    return rebuild, f"{pause:.1f} s after {ended} of {NUM_STAGES} stages"


def _living(project: Project, kind: str) -> list[psutil.Process]:
    """Return the processes at work: `all`, or those of a kind; a stage's workers and its shell count as stages.

    The scheduler's copies of itself are DVC.
    """
    kinds: dict[str, list[psutil.Process]] = {kind: [] for kind in VICTIMS}
    for process in project.processes():
        with suppress(psutil.Error):
            found = "stage"
            if process.cmdline() == project.repro:
                found = "dvc" if process.parent().cmdline() == project.repro else "scheduler"
            kinds[found].append(process)
            kinds["all"].append(process)
    return kinds[kind]


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def interrupt(project: Project, draw: random.Random) -> str:
    """Ctrl-C: the rebuild stops and fails, without a traceback."""
    rebuild, moment = _rebuild_to_random_moment(project, draw)
    while project.runs(rebuild) and not project.lines(rebuild):
        time.sleep(0.005)  # Python itself is starting
    if rebuild.poll() is None:
        os.killpg(rebuild.pid, signal.SIGINT)
    status, lines = project.end(rebuild)
    if status == 0:
        raise TooLate
    _failed(status, lines, "stopped")
    return moment


def fill_disk(free: int, project: Project, draw: random.Random) -> str:
    """Rebuild on a disk with `free` bytes, see the message, and make room."""
    plain = project.work.rename(project.folder / "plain")
    project.work.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64M", "tmpfs", project.work]
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        raise Skipped(f"no tmpfs can be mounted: {done.stderr.strip()}")
    shutil.copytree(plain, project.work, symlinks=True, dirs_exist_ok=True)
    ballast = project.work / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, psutil.disk_usage(str(project.work)).free - free)
    _rebuild_fails(project, "No space left on device")
    ballast.unlink()
    return f"{free >> 10} KiB free"


def edit_during_stage(project: Project, draw: random.Random) -> None:
    """Edit a dependency while its stage runs, which must fail and stay out of date; then undo the edit."""
    name = f"{LINE}/straight_line.py"
    code, content = project.work / name, (project.work / name).read_bytes()
    forget(MODEL, project)
    rebuild = _rebuild_until(project, (project.work / TRAINING).exists)
    code.write_bytes(content + b"\n# edited\n")
    _failed(*project.end(rebuild), name, "changed while")
    if f"train@{ROW}" not in project.status():
        raise Wrong("the stage counts as up to date")
    code.write_bytes(content)


def two_at_once(project: Project, draw: random.Random) -> None:
    """Start two rebuilds: both succeed."""
    for status, lines in map(project.end, [project.start(*project.repro) for _ in range(2)]):
        if status:
            raise Wrong(f"status {status}: {' / '.join(lines[-3:])}")


def beside_dvc(project: Project, draw: random.Random) -> str:
    """Start a rebuild and a plain `dvc repro`: one may meet the other's lock and give up, but neither does harm."""
    both = [project.end(process) for process in [project.start(*project.repro), project.start(*DVC, "repro")]]
    if any("Traceback" in line for _, lines in both for line in lines):
        raise Wrong("a traceback")
    return "the rebuild ends with status {}, DVC with {}".format(*(status for status, _ in both))


def _rebuild_fails(project: Project, *words: str) -> None:
    _failed(*project.run(*project.repro), *words)


def _failed(status: int, lines: list[str], *words: str) -> None:
    """Check that a rebuild failed and said why in a line that holds all of `words`, without a traceback."""
    if status == 0:
        raise Wrong("the rebuild succeeds where it should fail")
    if any("Traceback" in line for line in lines):
        raise Wrong(f"a traceback: {' / '.join(lines[-3:])}")
    if not any(all(word in line for word in words) for line in lines):
        raise Wrong(f"no line says {words}: {' / '.join(lines[-4:])}")


def try_fault(fault: Fault, undisturbed: Rebuild, folder: Path, seed: int) -> tuple[str, str]:
    """Break a copy of the project in `folder`; return `ok`, `skipped` or what is wrong, and a note."""
    project = (undisturbed.after if fault.finished else undisturbed.before).copy(folder)
    note = ""
    try:
        note = fault.do(project, random.Random(f"{seed} {fault.name}")) or ""
        check_rerun(project, undisturbed.after)
    except Wrong as error:
        return str(error), note
    except Skipped as error:
        return "skipped", str(error)
    except TooLate:
        shutil.rmtree(folder)
        return try_fault(fault, undisturbed, folder, seed + 1)
    finally:
        _kill(project.processes())
        if project.work.is_mount():
            subprocess.run(["umount", "--lazy", project.work], check=True)
    return "ok", note
