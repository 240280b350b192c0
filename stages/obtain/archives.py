"""Safe unpacking: only the wanted members are read, and they are written under names of our own."""

import bz2
import gzip
import lzma
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

_OPENERS = {"none": open, "gz": gzip.open, "bz2": bz2.open}


class ArchiveError(Exception):
    """An archive or compressed file is damaged, unsafe, or lacks a member; the message is one line."""


def extract(archive: Path, patterns: Collection[str], folder: Path) -> dict[str, list[Path]]:
    """Copy the members of a zip, tar or deb archive that match a pattern into `folder`.

    No member's name is used for a file, so none can leave `folder`; an archive that tries to is refused all the same.
    Returns the copies for each pattern, in the order of the members' names.

    Raises:
        ArchiveError: the archive is damaged, holds a path that leaves the target, or has no match for a pattern.
    """
    folder.mkdir(parents=True)
    copies: dict[str, Path] = {}
    with damage_named(archive.name):
        for number, (name, content) in enumerate(_members(archive, patterns, folder)):
            copies[name] = folder / str(number)
            with content, copies[name].open("wb") as copy:
                shutil.copyfileobj(content, copy)
    found = {pattern: [copies[name] for name in sorted(copies) if _matches(name, [pattern])] for pattern in patterns}
    for pattern, matches in found.items():
        if not matches:
            raise ArchiveError(f"{archive.name} has no member {pattern}")
    return found


def decompress(parts: list[Path], unpack: str, target: Path) -> None:
    """Write the content of `parts`, each decompressed by `unpack` (none, gz or bz2), one after the other to `target`.

    Raises:
        ArchiveError: a part is damaged or cut off; `target` then holds what could be read.
    """
    with target.open("wb") as output:
        for part in parts:
            with damage_named(part.name), _OPENERS[unpack](part, "rb") as content:
                shutil.copyfileobj(content, output)


@contextmanager
def damage_named(name: str) -> Iterator[None]:
    """Turn the many exceptions of the decompressing modules into an ArchiveError about `name`."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ArchiveError(f"{name} is damaged or cut off: {_first_line(error)}") from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or packed in a way it does not know
        raise ArchiveError(f"{name} cannot be unpacked: {_first_line(error)}") from error
    except OSError as error:
        if error.errno is not None:  # a problem of our disk and not of the archive
            raise
        raise ArchiveError(f"{name} is damaged or cut off: {_first_line(error)}") from error


def _members(archive: Path, patterns: Collection[str], folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with archive.open("rb") as start:
        magic = start.read(8)
    if magic.startswith(b"PK"):
        yield from _zip_members(archive, patterns)
    elif magic == b"!<arch>\n":
        yield from _tar_members(_tar_of_deb(archive, folder / "deb.tar"), archive.name, patterns)
    else:
        yield from _tar_members(archive, archive.name, patterns)


def _zip_members(archive: Path, patterns: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        names = {_checked(info.filename, archive.name): info for info in opened.infolist() if not info.is_dir()}
        for name, info in names.items():
            if _matches(name, patterns):
                yield name, opened.open(info)


def _tar_members(path: Path, label: str, patterns: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(path) as opened:
        for member in opened:  # in the order of the archive, because going back means decompressing again
            name = _checked(member.name, label)
            if not _matches(name, patterns):
                continue
            content = opened.extractfile(member) if member.isreg() else None
            if content is None:  # what a link points to would be read in place of what was asked for
                raise ArchiveError(f"{label} has a link or a folder where a file was expected: {name}")
            yield name, content


def _tar_of_deb(archive: Path, tar: Path) -> Path:
    with tar.open("wb") as output:
        command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
        try:
            done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
        except FileNotFoundError as error:
            raise ArchiveError(f"{archive.name} cannot be unpacked: dpkg-deb is not installed") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"dpkg-deb exit status {done.returncode}"]
        raise ArchiveError(f"{archive.name} is damaged or cut off: {lines[-1]}")
    return tar


def _checked(name: str, archive: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))  # a leading ./ falls away here
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"{archive} is refused: its member {name} leaves the target folder")
    return str(path)


def _matches(name: str, patterns: Collection[str]) -> bool:
    # Patterns of pathlib and not of fnmatch, whose * crosses folders; with a root on both sides all parts must match.
    return any(PurePosixPath("/", name).match(f"/{pattern}") for pattern in patterns)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(":")
