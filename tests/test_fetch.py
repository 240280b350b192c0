"""The step as a user meets it: one folder appears whole and verified, or not at all."""

import hashlib
import os
import resource
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.fetch import fetch
from tests.conftest import yaml
from tests.obtain.http_server import serving

CONTENT = bytes(i % 251 for i in range(200_000))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one data set of one file, which is in the mirror."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path / "mirror"))
    write_catalog("http://127.0.0.1:1/")
    Path("mirror/demo").mkdir(parents=True)
    Path("mirror/demo/a").write_bytes(CONTENT)
    return tmp_path


def write_catalog(base):
    file = {"name": "a", "sha256": hashlib.sha256(CONTENT).hexdigest(), "bytes": len(CONTENT)}
    entry = {"title": "A", "license": "MIT", "citation": "B", "homepage": "https://example.org"}
    entry |= {"files": [file], "sources": [{"kind": "url", "base": base}]}
    Path("data").mkdir(exist_ok=True)
    yaml.dump({"demo": entry}, Path("data/catalog.yaml"))


def raw_files():
    return sorted(str(path) for path in Path("data").rglob("*") if path.is_file() and path.name != "catalog.yaml")


def test_the_files_appear_and_are_checked_on_reuse(project, capsys):
    """The second call reads the files there and asks no source."""
    fetch("demo")
    assert raw_files() == ["data/raw/demo/a"]
    assert Path("data/raw/demo/a").read_bytes() == CONTENT
    Path("mirror/demo/a").unlink()
    fetch("demo")
    assert "right checksums" in capsys.readouterr().out


def test_a_flipped_byte_in_a_raw_file_is_named_and_mended(project, capsys):
    """A file that was changed on the disk must not be trained on."""
    fetch("demo")
    wrong = b"!" + CONTENT[1:]
    Path("data/raw/demo/a").write_bytes(wrong)
    capsys.readouterr()
    fetch("demo")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("data/raw/demo/a: expected sha256")
    assert hashlib.sha256(CONTENT).hexdigest() in line and hashlib.sha256(wrong).hexdigest() in line
    assert Path("data/raw/demo/a").read_bytes() == CONTENT


def test_a_wrong_raw_file_is_not_left_in_place(project):
    """Even if no source can replace it."""
    fetch("demo")
    Path("data/raw/demo/a").write_bytes(b"wrong")
    Path("mirror/demo/a").unlink()
    with pytest.raises(UserError, match="no source gives the data set demo"):
        fetch("demo")
    assert raw_files() == []


def test_no_network_and_no_mirror(project, monkeypatch):
    """The message of the command line: each source, its reason, and what to do."""
    monkeypatch.delenv("DATA_MIRROR")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        write_catalog(base)
        with pytest.raises(UserError) as caught:
            fetch("demo")
    first, reason, remedy = str(caught.value).splitlines()
    assert first == "no source gives the data set demo:"
    assert reason.startswith(f"- {base}: no connection: ")
    assert "DATA_MIRROR" in remedy
    assert raw_files() == [] and not Path("data/raw/demo").exists()


def test_a_download_that_broke_off_is_resumed_by_the_next_call(project, monkeypatch):
    """What was received is kept outside the output, and is gone when the data set is whole."""
    monkeypatch.setattr("stages.obtain.download.ATTEMPTS", 1)
    monkeypatch.delenv("DATA_MIRROR")
    with serving() as server:
        server.files["a"] = CONTENT
        server.cuts = 1
        write_catalog(server.address)
        with pytest.raises(UserError, match="broke off"):
            fetch("demo")
        assert [Path(path).parts[:4] for path in raw_files()] == [("data", "raw", ".partial.tmp", "demo")]
        fetch("demo")
        assert [wanted for _, wanted in server.requests] == [None, "bytes=100000-"]
    assert raw_files() == ["data/raw/demo/a"]


def test_an_unknown_data_set(project):
    """A misspelt name."""
    with pytest.raises(UserError, match="no data set 'dmeo'; it has: demo"):
        fetch("dmeo")


def test_a_read_only_target(project):
    """As an ordinary user, because root may write everywhere."""
    Path("data/raw").mkdir()
    for folder, mode in ((".", 0o755), ("data/raw", 0o555)):
        Path(folder).chmod(mode)
    with ordinary_user(), pytest.raises(UserError, match=r"^cannot write data/raw/demo: Permission denied; check "):
        fetch("demo")
    Path("data/raw").chmod(0o755)
    assert raw_files() == []


def test_a_full_target(project):
    """A limit on the size of files makes the system refuse the rest, as it does on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, old[1]))
    try:
        with pytest.raises(UserError, match=r"^cannot write data/raw/demo: File too large; check free space"):
            fetch("demo")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert raw_files() == []


def test_a_file_in_place_of_the_target_folder(project):
    """Nothing of the user's is overwritten."""
    Path("data/raw").write_text("mine")
    with pytest.raises(UserError, match=r"^cannot write data/raw/demo: "):
        fetch("demo")
    assert Path("data/raw").read_text() == "mine"


def test_the_step_starts_without_heavy_modules():
    """A process that only copies files must not load PyTorch."""
    heavy = "{'torch', 'pandas', 'sklearn', 'scipy', 'matplotlib', 'dvc'}"
    code = f"import sys, stages.fetch; print({heavy} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@contextmanager
def ordinary_user():
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
