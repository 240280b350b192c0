"""Nothing half-written is ever left where a finished file belongs."""

import errno
import os
import resource
import signal

import pytest

from stages.core.errors import UserError
from stages.core.files import atomic_file, atomic_folder, write_text


def test_a_failed_block_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "out"
    with atomic_folder(folder) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(RuntimeError), atomic_folder(folder) as temporary:
        (temporary / "a").write_text("new")
        raise RuntimeError
    assert (folder / "a").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_what_a_killed_process_left_is_cleared(tmp_path):
    (tmp_path / ".out.tmp").mkdir()
    (tmp_path / ".out.tmp" / "rubbish").write_text("half")
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("whole")
    assert os.listdir(tmp_path / "out") == ["a"]


def test_a_full_disk_is_one_line_and_keeps_the_old_file(tmp_path):
    """A file-size limit makes the kernel refuse the write as a full disk does."""
    target = tmp_path / "file"
    target.write_text("old")
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, old_limit[1]))
        with pytest.raises(UserError, match=r"^cannot write .*file: File too large; check free space and permissions$"):
            write_text(target, "x" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_disk_errors_become_one_line(code, tmp_path):
    with pytest.raises(UserError, match="cannot write .*x: "), atomic_file(tmp_path / "x"):
        raise OSError(code, os.strerror(code))


def test_a_parent_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "parent").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_text(tmp_path / "parent" / "file", "x")


def test_other_errors_pass_through(tmp_path):
    """A missing input must not be blamed on the output."""
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "x"):
        (tmp_path / "missing").read_text()
