"""Readers of rated texts: texts with the right ratings, and what is wrong with a file in one line."""

import io
import tarfile

import pytest

from stages.core.errors import UserError
from stages.texts.rated import read_imdb, read_movie_reviews


def write_archive(folder, **files: bytes) -> None:
    with tarfile.open(folder / "aclImdb_v1.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def test_imdb_has_the_labelled_reviews_with_their_stars(tmp_path):
    """Both parts; reviews without a label and the lists are left out; line breaks of HTML are spaces."""
    files = {
        "aclImdb/README": b"stars",
        "aclImdb/train/pos/0_9.txt": b"Fine.<br /><br />Very <i>fine</i>.",
        "aclImdb/train/unsup/1_0.txt": b"no label",
        "aclImdb/test/neg/7_2.txt": "Pas de caf\u00e9.".encode(),
        "aclImdb/test/urls_neg.txt": b"http",
    }
    write_archive(tmp_path, **files)
    assert list(read_imdb(tmp_path)) == [(3.5, "Fine. Very <i>fine</i>."), (-3.5, "Pas de caf\u00e9.")]


@pytest.mark.parametrize("content", [None, b"", b"not an archive", "cut", "empty"])
def test_a_bad_archive_is_named(tmp_path, content):
    path = tmp_path / "aclImdb_v1.tar.gz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "cut":
        write_archive(tmp_path, **{f"aclImdb/train/pos/{n}_9.txt": bytes(range(97, 123)) * 99 for n in range(50)})
        path.write_bytes(path.read_bytes()[:-60])
    elif content == "empty":
        write_archive(tmp_path, **{"aclImdb/README": b"stars"})
    with pytest.raises(UserError, match=r"aclImdb_v1\.tar\.gz(: cannot be read| is not the archive of IMDb): "):
        list(read_imdb(tmp_path))


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("1\t2.5", "must be number, rating and text, separated by tabs"),
        ("1\tgood\tFine.", "must be number, rating and text, separated by tabs"),
        ("1\tnan\tFine.", "the rating must be a finite number, and the text not empty"),
        ("1\t2.5\t ", "must be number, rating and text"),
    ],
)
def test_a_bad_line_of_movie_reviews_is_named(tmp_path, line, rule):
    (tmp_path / "movie_reviews.tsv").write_text(f"1\t0.5\tWell.\n{line}")
    with pytest.raises(UserError, match=rf"movie_reviews\.tsv, line 2: {rule}"):
        list(read_movie_reviews(tmp_path))
