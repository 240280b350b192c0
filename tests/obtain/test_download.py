"""Downloads survive a bad connection, and fail quickly and clearly where there is none."""

import socket

import pytest

from stages.obtain import download as module
from stages.obtain.download import ATTEMPTS, DownloadError, download
from tests.obtain.http_server import serving

CONTENT = bytes(i % 251 for i in range(300_000))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "BACKOFF_SECONDS", 0)
    with serving() as server:
        server.files["a.bin"] = CONTENT
        yield server


def test_a_transfer_that_is_cut_is_resumed(server, tmp_path):
    """A large file on a bad line must not begin again each time."""
    server.cuts = 2
    download(server.address + "a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=150000-", "bytes=225000-"]


def test_a_partial_file_of_an_earlier_call_is_resumed(server, tmp_path):
    """A killed process leaves its part; only the rest is asked for."""
    (tmp_path / "a.bin").write_bytes(CONTENT[:1000])
    download(server.address + "a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.requests == [("/a.bin", "bytes=1000-")]


def test_a_whole_file_of_an_earlier_call_is_kept(server, tmp_path):
    """The server answers 416 if nothing is left."""
    (tmp_path / "a.bin").write_bytes(CONTENT)
    download(server.address + "a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_gives_the_whole_file(server, tmp_path):
    """It answers 200 and begins again: appending would spoil the file."""
    server.ranges = False
    (tmp_path / "a.bin").write_bytes(b"x" * 1000)
    download(server.address + "a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_transfer_that_is_always_cut_is_given_up_and_its_part_kept(server, tmp_path):
    """The next call goes on from there."""
    server.cuts = 100
    with pytest.raises(DownloadError, match=rf"the transfer of a.bin broke off {ATTEMPTS} times"):
        download(server.address + "a.bin", tmp_path / "a.bin")
    assert CONTENT.startswith(part := (tmp_path / "a.bin").read_bytes()) and len(part) > 200_000


def test_a_server_error_is_tried_again(server, tmp_path):
    """A busy server is often well a moment later."""
    server.status = [500, 503]
    download(server.address + "a.bin", tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (500, ATTEMPTS)])
def test_a_lasting_error_is_named(server, tmp_path, status, requests):
    """A missing file will not come back: only errors of the server are tried again."""
    server.status = [status] * 10
    with pytest.raises(DownloadError, match=rf"the server answers {status} .* for a.bin"):
        download(server.address + "a.bin", tmp_path / "a.bin")
    assert len(server.requests) == requests
    assert not (tmp_path / "a.bin").exists()


def test_no_network_fails_at_once_with_the_cause(tmp_path, monkeypatch):
    """A closed port and a name that cannot be resolved: waiting would not help."""

    def waits(seconds):
        pytest.fail(f"it waits for {seconds} s")

    monkeypatch.setattr("time.sleep", waits)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and not listening, which refuses; no other program can have the port
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/a.bin"
        with pytest.raises(DownloadError, match=r"no connection: .*refused"):
            download(address, tmp_path / "a.bin")

    def unknown(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DownloadError, match=r"no connection: Failed to resolve 'example.org'"):
        download("http://example.org/a.bin", tmp_path / "a.bin")


def test_no_progress_bar_without_a_terminal(server, tmp_path, capfd):
    """A bar makes a log unreadable."""
    download(server.address + "a.bin", tmp_path / "a.bin")
    assert capfd.readouterr() == ("", "")
