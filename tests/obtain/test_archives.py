"""Unpacking is safe, whatever the archive says, and a damaged archive is one clear line."""

import bz2
import shutil

import pytest

from stages.obtain.archives import ArchiveError, decompress, extract
from tests.obtain.archive_makers import make_deb, make_gz, make_tar, make_zip

# Random-looking, so that a compressed archive is long enough to be cut.
CONTENT = bytes((i * i * 31 + i // 7) % 251 for i in range(20_000))
MEMBERS = {"top/b.txt": b"second", "top/a.txt": b"first", "top/inner/a.txt": b"deeper", "big": CONTENT}
MAKERS = {
    "tar.gz": make_tar,
    "tar": lambda members: make_tar(members, "w"),
    "tar.bz2": lambda members: make_tar(members, "w:bz2"),
    "zip": make_zip,
    "deb": make_deb,
}


@pytest.fixture(params=MAKERS)
def kind(request):
    if request.param == "deb" and shutil.which("dpkg-deb") is None:
        pytest.skip("a .deb is unpacked by dpkg-deb")
    return request.param


def write(tmp_path, kind, content):
    path = tmp_path / f"demo.{kind}"
    path.write_bytes(content)
    return path


def test_members_that_match_come_in_name_order(tmp_path, kind):
    """A corpus in hundreds of files is pinned as one: the order is part of the content; * stays in its folder."""
    archive = write(tmp_path, kind, MAKERS[kind](MEMBERS))
    found = extract(archive, ["top/*.txt", "big"], tmp_path / "out")
    assert [path.read_bytes() for path in found["top/*.txt"]] == [b"first", b"second"]
    assert [path.read_bytes() for path in found["big"]] == [CONTENT]


@pytest.mark.parametrize("name", ["../evil", "top/../../evil", "/evil"])
def test_an_archive_with_a_path_that_leaves_the_target_is_refused(tmp_path, kind, name):
    """Such an archive is an attack, even if the files we want are fine."""
    if kind == "deb" and name.startswith("/"):
        name = name.removeprefix("/") + "/../../evil"  # the maker puts ./ before it
    archive = write(tmp_path, kind, MAKERS[kind]({name: b"evil", "top/a.txt": b"first"}))
    with pytest.raises(ArchiveError, match=rf"demo.{kind} is refused: its member .*evil leaves the target folder"):
        extract(archive, ["top/a.txt"], tmp_path / "work/out")
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("target", ["/etc/hostname", "../../secret", "big"])
def test_a_link_in_place_of_a_file_is_refused(tmp_path, target):
    """A link may point at any file of the machine; data sets need none."""
    archive = write(tmp_path, "tar.gz", make_tar({"big": CONTENT, "a.txt": target}))
    with pytest.raises(ArchiveError, match=r"demo.tar.gz has a link or a folder where a file was expected: a.txt"):
        extract(archive, ["a.txt"], tmp_path / "out")


def test_a_truncated_archive_is_one_clear_line(tmp_path, kind):
    """A download that was cut off must not look like a programming error."""
    whole = MAKERS[kind](MEMBERS)
    for share in (0.3, 0.6, 0.7):
        archive = write(tmp_path, kind, whole[: int(len(whole) * share)])
        with pytest.raises(ArchiveError, match=rf"^demo.{kind} (is damaged or cut off: \S|has no member)") as caught:
            extract(archive, ["big", "top/a.txt"], tmp_path / f"out{share}")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04", b"!<arch>\n"])
def test_something_else_than_an_archive_is_one_clear_line(tmp_path, content):
    """Portals answer with a web page and status 200."""
    with pytest.raises(ArchiveError, match=r"^demo.bin is damaged or cut off: \S") as caught:
        extract(write(tmp_path, "bin", content), ["a"], tmp_path / "out")
    assert "\n" not in str(caught.value)


def test_a_missing_member_is_named(tmp_path, kind):
    """A new release of a package may have moved its files."""
    with pytest.raises(ArchiveError, match=rf"demo.{kind} has no member top/c.txt"):
        extract(write(tmp_path, kind, MAKERS[kind](MEMBERS)), ["top/a.txt", "top/c.txt"], tmp_path / "out")


@pytest.mark.parametrize(("unpack", "pack"), [("none", bytes), ("gz", make_gz), ("bz2", bz2.compress)])
def test_parts_are_decompressed_and_joined(tmp_path, unpack, pack):
    """The three ways a file can be packed, each also in parts."""
    parts = [tmp_path / "1", tmp_path / "2"]
    for part in parts:
        part.write_bytes(pack(CONTENT))
    decompress(parts, unpack, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT * 2


@pytest.mark.parametrize(("unpack", "pack"), [("gz", make_gz), ("bz2", bz2.compress)])
@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: b"no archive" + packed])
def test_damaged_compressed_files_are_named(tmp_path, unpack, pack, damage):
    """Cut off, or something else altogether."""
    (tmp_path / "file").write_bytes(damage(pack(CONTENT)))
    with pytest.raises(ArchiveError, match="file is damaged or cut off"):
        decompress([tmp_path / "file"], unpack, tmp_path / "out")
