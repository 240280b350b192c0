"""Tiny archives for the tests, made by hand so that they can also be wrong."""

import gzip
import io
import tarfile
import zipfile


def make_tar(members, mode="w:gz"):
    """Return a tar archive; a member whose value is a string is a symbolic link to that path."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def make_zip(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def make_deb(members):
    """Return a Debian package: an ar archive of three parts."""
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": make_tar({"./control": b"Package: demo\nVersion: 1\nArchitecture: all\n"}),
        "data.tar.gz": make_tar({f"./{name}": content for name, content in members.items()}),
    }
    deb = b"!<arch>\n"
    for name, content in parts.items():
        deb += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        deb += content + b"\n" * (len(content) % 2)
    return deb


def make_gz(content):
    return gzip.compress(content, mtime=0)
