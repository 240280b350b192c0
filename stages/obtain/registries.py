"""Getting a package from a registry through the registry's own client, with the user's configuration."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from stages.obtain.catalog import DebianSource, NpmSource, PypiSource

_NPM_NOISE = re.compile(r"npm (warn|WARN|\S+ (code|errno|syscall|path) )")  # what comes before the message itself


class ClientError(Exception):
    """A registry's client is missing or failed; the message is one line."""


def get_debian(source: DebianSource, folder: Path) -> Path:
    """Download a package with `apt-get download`, as any user; return the path of the .deb in `folder`.

    The system's package lists are tried first. If they are missing or too old, new ones are loaded into `folder`.

    Raises:
        ClientError: apt-get is missing, or finds no such package.
    """
    # Only root changes to the user _apt, who may not write into our folder.
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    download = ["download", source.package]
    if shutil.which("apt-get") is None:
        raise ClientError("apt-get is not installed")
    try:
        _run([*apt, *download], folder)
        return _only_file(folder, "*.deb")
    except ClientError as error:
        system_reason = error

    state, cache = folder / "state", folder / "cache"
    for needed in (state / "lists/partial", cache / "archives/partial"):
        needed.mkdir(parents=True)
    own = [*apt, "-o", f"Dir::State={state}", "-o", f"Dir::State::Lists={state / 'lists'}", "-o", f"Dir::Cache={cache}"]
    try:
        _run([*own, "-o", "APT::Update::Error-Mode=any", "update"], folder)
        update_reason = ""
    except ClientError as error:  # one unreachable address among the user's does no harm if another has the package
        update_reason = f"; own package lists: {error}"
    try:
        _run([*own, *download], folder)
    except ClientError as error:
        raise ClientError(f"{system_reason}{update_reason or f'; with new package lists: {error}'}") from error
    return _only_file(folder, "*.deb")


def get_pypi(source: PypiSource, folder: Path) -> Path:
    """Download a wheel or a source archive with `pip download`; return its path in `folder`.

    Raises:
        ClientError: pip is missing, or finds no such release.
    """
    command = [*_pip(), "download", "--no-deps", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    if source.wheel is None:
        command += ["--no-binary=:all:"]
    else:
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", source.wheel.python_version]
        command += ["--platform", source.wheel.platform]
    _run([*command, f"{source.package}=={source.version}"], folder)
    return _only_file(folder, "*")


def get_npm(source: NpmSource, folder: Path) -> Path:
    """Download a package with `npm pack`; return the path of the .tgz in `folder`.

    Raises:
        ClientError: npm is missing, or finds no such release.
    """
    quick = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=1000"]  # not minutes
    command = ["npm", "pack", "--ignore-scripts", "--loglevel=error", *quick, "--pack-destination", str(folder)]
    _run([*command, f"{source.package}@{source.version}"], folder)
    return _only_file(folder, "*.tgz")


def _pip() -> list[str]:
    # An environment made by uv has no pip of its own; the wheel's platform is given, so any other pip will do.
    if importlib.util.find_spec("pip") is None and shutil.which("pip"):
        return ["pip"]
    return [sys.executable, "-m", "pip"]


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise ClientError(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        raise ClientError(_reason(done.stderr) or f"{command[0]} ended with exit status {done.returncode}")


def _reason(stderr: str) -> str:
    """Return the line that says why: the first error of apt or npm, who end with advice, or else the last line."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E: ", "npm ")) and not _NPM_NOISE.match(line)]
    reason = (errors[:1] or lines[-1:] or [""])[0]
    # pip warns of this and then says that there is no such package.
    return f"no connection to the package index; {reason}" if "connection broken by" in stderr else reason


def _only_file(folder: Path, pattern: str) -> Path:
    files = [path for path in folder.glob(pattern) if path.is_file()]
    if len(files) != 1:
        raise ClientError(f"the client left {len(files)} files where one package was expected")
    return files[0]
