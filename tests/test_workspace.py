"""The DVC workspace: how dvc.lock is written. What killed processes leave in it, tests/test_faults.py tries."""

from collections import OrderedDict

from dvc.utils.serialize import dumps_yaml, load_yaml

from stages.workspace import LOCK_FILE, break_lines_as_dvc_does, dump_quickly


def test_what_a_rebuild_writes_says_what_dvc_would_write(dvc):
    """And at its end it is written just so: dvc.lock has long texts, numbers of all kinds and words like `on`."""
    data = OrderedDict(
        stages={"a": OrderedDict(outs=[{"path": "x", "size": 3}], params={"p": {"title": "word " * 40, "rate": 1e-5}})},
        words=["on", "1e-3", "0x10", "12:30", "", None, True, 0.1, "ü", "a: b", "- c"],
    )
    with LOCK_FILE.open("w", encoding="utf-8") as file:
        dump_quickly(data, file)
    assert load_yaml(LOCK_FILE) == data
    assert LOCK_FILE.read_text(encoding="utf-8") != dumps_yaml(data)
    break_lines_as_dvc_does()
    assert LOCK_FILE.read_text(encoding="utf-8") == dumps_yaml(data)


def test_a_damaged_lock_file_is_left_for_the_next_rebuild_to_find(dvc):
    break_lines_as_dvc_does()  # there is none
    assert not LOCK_FILE.exists()
    cut = "schema: '2.0'\nstages:\n  a:\n    outs:\n    - path: x\n      size: 1"
    for damaged in (cut, cut + '\n      "nfi'):
        LOCK_FILE.write_text(damaged)
        break_lines_as_dvc_does()
        assert LOCK_FILE.read_text() == damaged
