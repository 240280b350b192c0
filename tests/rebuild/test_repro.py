"""Stages side by side: the same as `dvc repro`, whatever happens to it."""

import json
import os
import re
import shutil
import signal
import time

import pytest

from stages.core.errors import UserError
from stages.rebuild.repro import find_stages, read_tables
from stages.rebuild.workspace import WORKER, read_pipeline


def test_side_by_side_gives_what_dvc_gives_and_then_does_nothing(project):
    output = project.repro()
    assert len(re.findall(r"^\[\d+/11\]", output, re.MULTILINE)) == 11
    assert sorted(project.ran())[0] == "evaluate fast first"
    locks = project.locks()
    assert len(locks) == 3

    assert project.repro() == "Data and pipelines are up to date.\n"
    assert "Running stage" not in project.dvc("repro").stdout

    for path in locks:
        path.unlink()
    shutil.rmtree(project.folder / ".dvc/cache")
    assert project.dvc("repro", "--force").returncode == 0
    assert project.locks() == locks


def test_a_change_runs_what_it_reaches_and_no_more(project):
    """Also what is out of date only when another stage has run: `code.py` is in the data."""
    project.repro()
    project.ran()
    project.edit("stages/first/params.yaml", "{rate: 1}", "{rate: 3}")
    project.repro("first/fast")
    assert project.ran() == []
    project.repro("first")
    assert project.ran() == ["train slow first"]  # its output is the same, so nothing follows

    project.edit("code.py", '"value": 1', '"value": 2')
    project.repro("second/fast")
    assert project.ran() == ["fetch b", "train fast second", "evaluate fast second"]
    project.repro("second/fast", "--force")
    assert project.ran() == ["fetch b", "train fast second", "evaluate fast second"]
    assert json.loads((project.folder / "metrics/second/fast.json").read_text()) == {"value": 2}


def test_names_of_stages(project):
    upstream = read_pipeline().upstream
    train, evaluate = (f"stages/first/dvc.yaml:{kind}@slow" for kind in ("train", "evaluate"))
    assert find_stages(upstream, [train]) == {train, "fetch@a"}
    assert find_stages(upstream, ["first/slow"]) == {train, evaluate, "fetch@a"}
    assert find_stages(upstream, ["fetch"]) == {"fetch@a", "fetch@b"}
    assert find_stages(upstream, ["fetch@a"]) == {"fetch@a"}
    assert len(find_stages(upstream, ["first"])) == len(find_stages(upstream, ["stages/first/dvc.yaml"])) == 6
    assert len(find_stages(upstream, ["stages/first/dvc.yaml:train"])) == 4
    assert find_stages(upstream, []) == find_stages(upstream, ["report"]) == set(upstream)
    for unknown in ("fetch@c", "third", "first/gone", "", "first/"[:-2]):
        with pytest.raises(UserError, match="there is no stage"):
            find_stages(upstream, [unknown])
    with pytest.raises(UserError, match="there are no stages"):
        find_stages({}, [])


def test_a_table_is_complete_when_all_that_writes_numbers_of_its_rows_has_run(project):
    project.edit(
        "stages/first/dvc.yaml",
        "  evaluate:",
        "  judge:\n    wdir: ../..\n    cmd: 'true'\n    metrics:\n"
        "      - metrics/first/judge/fast.json:\n          cache: false\n  evaluate:",
    )
    project.write("stages/first/tables.yaml", "tables: {all: {rows: [slow, fast]}, one: {rows: [slow]}}\n")
    address = "stages/first/dvc.yaml:{}".format
    one = {address("evaluate@slow")}
    assert read_tables(read_pipeline().metrics) == {
        "first/one": one,
        "first/all": one | {address("evaluate@fast"), address("judge")},
    }


def test_a_failure_is_shown_and_with_keep_going_the_others_run(project):
    project.write("fail", "slow")
    output = project.repro("first", "--keep-going", status=1)
    assert "train@slow: FAILED; cannot run without it: stages/first/dvc.yaml:evaluate@slow;" in output
    assert "    this row is broken\n" in output
    assert "error: failed stages: stages/first/dvc.yaml:train@slow\n" in output
    assert "evaluate fast first" in project.ran()

    (project.folder / "fail").unlink()
    project.repro("first")
    assert project.ran() == ["train slow first", "evaluate slow first"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_process_and_a_rerun_goes_on(project, number):
    process = project.start_and_wait("first")
    process.send_signal(number)
    process.communicate(timeout=600)
    assert process.returncode == 130
    assert project.others() == []
    assert '"write": {"' not in (project.folder / ".dvc/tmp/rwlock").read_text()  # DVC ended in order
    project.go_on()
    project.repro("first")
    assert sorted(project.ran())[-2:] == ["train fast first", "train slow first"]


def test_a_killed_rebuild_leaves_no_process_and_a_rerun_goes_on(project):
    """Also where another process has the number of the killed one, which DVC's file of locks names."""
    process = project.start_and_wait("stages/first/dvc.yaml:train@slow")
    process.kill()
    process.communicate(timeout=600)
    end = time.monotonic() + 60
    while project.others():
        assert time.monotonic() < end
        time.sleep(0.02)
    rwlock = project.folder / ".dvc/tmp/rwlock"
    held = json.loads(rwlock.read_text())
    assert {by["cmd"] for by in held["write"].values()} == {WORKER}
    for by in [*held["write"].values(), *(by for all_by in held["read"].values() for by in all_by)]:
        by["pid"] = os.getpid()
    rwlock.write_text(json.dumps(held))
    project.go_on()
    assert "rwlock: damaged by a killed process" in project.repro("first")


def test_two_rebuilds_wait_for_each_other(project):
    first = project.start_and_wait("first/slow")
    second = project.start("first")
    assert second.stdout.readline() == "Another rebuild is at work here: waiting for it\n"
    project.go_on()
    for process in (first, second):
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output


CUTS = [
    lambda text: text[: len(text) // 2],
    lambda text: text[: text.rindex("size: ") + len("size: 1")],
    lambda text: text[: text.rindex("\n", 0, -1) + 1],
    lambda text: text[: text.index("deps:") + len("deps:\n")],
    lambda text: "",
]


def test_damaged_locks_are_made_anew_from_the_run_cache(project):
    """DVC writes in place: a killed one leaves the beginning of a file."""
    project.repro("fetch", "first", "second")
    project.ran()
    locks = project.locks()
    for cuts in (CUTS[:3], CUTS[3:]):
        for lock, cut in zip(locks, cuts, strict=False):
            lock.write_text(cut(lock.read_text()))
        (project.folder / ".dvc/tmp/rwlock").write_text('{"read": {')
        output = project.repro("fetch", "first", "second")
        assert "rwlock: damaged by a killed process, made anew" in output
        assert project.ran() == []
        assert project.locks() == locks


def test_a_merge_conflict_is_left_to_the_user(project):
    project.repro("first/slow")
    lock = project.folder / "stages/first/dvc.lock"
    conflict = f"<<<<<<< HEAD\n{lock.read_text()}=======\n>>>>>>> other\n"
    lock.write_text(conflict)
    output = project.repro(status=1)
    assert output.startswith("error: ") and output.count("\n") == 1 and "first/dvc.lock" in output
    assert lock.read_text() == conflict


def test_where_nobody_has_what_the_lock_names_the_run_cache_is_asked(project):
    """The lock is another machine's, whose models have other bytes; ours are of the same inputs."""
    project.repro("first/slow")
    project.ran()
    before = project.locks()
    lock = project.folder / "stages/first/dvc.lock"
    model = re.search(
        r"outs:\n    - path: data/models/first/slow.txt\n      hash: md5\n      md5: (\w+)", lock.read_text()
    )
    lock.write_text(lock.read_text().replace(model[1], "0" * 32))
    project.repro("first/slow")
    assert project.ran() == []
    assert project.locks() == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("stages/first/train.py", "", "# edited\n"),
        ("stages/first/params.yaml", "{rate: 1}", "{rate: 3}"),
        ("params.yaml", "cpu", "gpu"),
    ],
)
def test_an_edit_during_a_stage_leaves_it_stale(project, file, old, new):
    """DVC alone would take the results for those of the edited file (its issue 11058)."""
    process = project.start_and_wait("stages/first/dvc.yaml:train@slow")
    project.edit(file, old, new)
    project.go_on()
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 1
    assert f"{file} changed while stages/first/dvc.yaml:train@slow ran: DVC does not record its results" in output
    assert "train@slow" in project.dvc("status").stdout


def test_an_edit_that_the_stage_does_not_read_does_no_harm(project):
    process = project.start_and_wait("stages/first/dvc.yaml:train@slow")
    project.edit("stages/first/params.yaml", "{rate: 2}", "{rate: 3}")
    project.edit("params.yaml", "device: cpu", "other: 1\ndevice: cpu")
    project.go_on()
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output


def test_the_guard_knows_a_stage_that_dvc_runs_from_its_folder(project):
    project.write("fail", "nothing")
    assert project.dvc("repro", "train@slow", folder="stages/first").returncode == 0


def test_the_guard_refuses_a_stage_that_dvc_does_not_run(project, monkeypatch):
    from stages.rebuild import guard

    monkeypatch.setattr(guard, "LOOKS", 1)
    with pytest.raises(UserError, match="DVC_STAGE is train@gone, but"), guard.unchanged_dependencies("train@gone"):
        pass
