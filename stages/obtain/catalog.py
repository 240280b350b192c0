"""The catalogue of data sets, data/catalog.yaml: its schema and how it is read."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from stages.core.errors import UserError
from stages.core.schema import Strict, read_yaml, validate


def _stays_inside(path: str) -> str:
    if not path or path.startswith("/") or "\\" in path or ".." in PurePosixPath(path).parts:
        raise ValueError("must be a relative path without '..'")
    return path


RelativePath = Annotated[str, AfterValidator(_stays_inside)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.+-]*$")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
PackageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9@][A-Za-z0-9@/._+-]*$")]  # never an option: no '-'
Text = Annotated[str, StringConstraints(min_length=1)]


class File(Strict):
    """One file of a data set, pinned by the sha256 of its content and not of the container it comes in."""

    name: FileName
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    path: RelativePath | None = None
    unpack: Literal["none", "gz", "bz2"] = "none"

    @property
    def path_in_source(self) -> str:
        """Where a source keeps the file below its folder; a pattern stands for many files to be joined."""
        return self.path or self.name

    @property
    def is_pattern(self) -> bool:
        """Whether the path stands for many files."""
        return any(sign in self.path_in_source for sign in "*?[")


class MirrorSource(Strict):
    """A local folder with the decompressed files, plain or as .gz; never in the catalogue, always tried first."""

    kind: Literal["mirror"] = "mirror"
    folder: Path

    @property
    def label(self) -> str:
        """How messages name the source."""
        return f"mirror folder {self.folder}"


class UrlSource(Strict):
    """Files that can be downloaded one by one below an address."""

    kind: Literal["url"]
    base: Address

    @property
    def label(self) -> str:
        """How messages name the source."""
        return self.base


class _InArchive(Strict):
    folder: RelativePath | None = None
    inside: RelativePath | None = None


class ArchiveSource(_InArchive):
    """One zip or tar archive at an address."""

    kind: Literal["archive"]
    url: Address

    @property
    def label(self) -> str:
        """How messages name the source."""
        return self.url


class DebianSource(_InArchive):
    """A Debian package; it needs no version, because the content is pinned."""

    kind: Literal["debian"]
    package: PackageName

    @property
    def label(self) -> str:
        """How messages name the source."""
        return f"Debian package {self.package}"


class Wheel(Strict):
    """The Python and the platform that a wheel is asked for, so that every machine gets the same file."""

    python_version: Annotated[str, StringConstraints(pattern=r"^3\.\d+$")]
    platform: PackageName


class PypiSource(_InArchive):
    """A release on PyPI: the wheel described by `wheel`, or the source archive if there is none."""

    kind: Literal["pypi"]
    package: PackageName
    version: PackageName
    wheel: Wheel | None = None

    @property
    def label(self) -> str:
        """How messages name the source."""
        return f"PyPI package {self.package} {self.version}"


class NpmSource(_InArchive):
    """A release on npm; its files lie in the folder `package`."""

    kind: Literal["npm"]
    package: PackageName
    version: PackageName

    @property
    def label(self) -> str:
        """How messages name the source."""
        return f"npm package {self.package} {self.version}"


Source = Annotated[
    UrlSource | ArchiveSource | DebianSource | PypiSource | NpmSource,
    Field(discriminator="kind"),
]


class Entry(Strict):
    """One data set: what it is, whom to thank, which files it has and where they can be had."""

    title: Text
    license: Text
    citation: Text
    homepage: Address
    files: Annotated[list[File], Field(min_length=1)]
    sources: Annotated[list[Source], Field(min_length=1)]

    @model_validator(mode="after")
    def _can_be_fetched(self) -> "Entry":
        names = [file.name for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        if any(file.is_pattern for file in self.files) and any(source.kind == "url" for source in self.sources):
            raise ValueError("a path that is a pattern needs an archive or a package: an address cannot list its files")
        return self


_EntryName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


def load_catalog(path: Path) -> dict[str, Entry]:
    """Read and check the whole catalogue.

    Raises:
        UserError: the file is missing, is no YAML, or breaks the schema.
    """
    return validate(dict[_EntryName, Entry], read_yaml(path), f"{path}:")


def load_entry(path: Path, name: str) -> Entry:
    """Read the catalogue and return the data set `name`.

    Raises:
        UserError: the catalogue is bad, or has no such data set.
    """
    catalog = load_catalog(path)
    if name not in catalog:
        raise UserError(f"{path} has no data set {name!r}; it has: {', '.join(sorted(catalog))}")
    return catalog[name]
