"""Readers of texts that people rated: each yields the mean rating, above 0 for a positive one, and the text."""

import math
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from stages.core.errors import UserError
from stages.texts.decoding import decoded

_REVIEW = re.compile(r"aclImdb/(?:train|test)/(?:pos|neg)/\d+_(\d+)\.txt")
_MIDDLE_OF_STARS = 5.5  # from 1 to 10
_LINE_BREAK = re.compile(r"<br\s*/?>")


class Rated(NamedTuple):
    """A text with the mean of its ratings."""

    rating: float
    text: str


def read_movie_reviews(folder: Path) -> Iterator[Rated]:
    """Yield the sentences of movie reviews with the mean of 20 ratings from -4 to 4 (Hutto and Gilbert 2014).

    Raises:
        UserError: a line is not number, rating and text, separated by tabs.
    """
    path = folder / "movie_reviews.tsv"
    for number, line in enumerate(decoded(path).split("\n"), 1):
        fields = line.strip().split("\t")
        try:
            _, rating, text = fields
            rated = Rated(float(rating), text.strip())
        except ValueError as error:
            raise UserError(f"{path}, line {number}: must be number, rating and text, separated by tabs") from error
        if not (math.isfinite(rated.rating) and rated.text):
            raise UserError(f"{path}, line {number}: the rating must be a finite number, and the text not empty")
        yield rated


def read_imdb(folder: Path) -> Iterator[Rated]:
    """Yield the labelled reviews of IMDb, both its parts, in the order of the archive; the rating is stars minus 5.5.

    Raises:
        UserError: the archive is missing or damaged.
    """
    path = folder / "aclImdb_v1.tar.gz"
    found = False
    try:
        with tarfile.open(path, "r|gz") as archive:  # one way, without seeking: the archive is large
            for member in archive:
                if match := _REVIEW.fullmatch(member.name):
                    found = True
                    text = archive.extractfile(member).read().decode("utf-8")
                    yield Rated(int(match[1]) - _MIDDLE_OF_STARS, " ".join(_LINE_BREAK.sub(" ", text).split()))
    except (tarfile.TarError, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not the archive of IMDb: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not found:
        raise UserError(f"{path} is not the archive of IMDb: it holds no review")


RATED: dict[str, Callable[[Path], Iterator[Rated]]] = {"movie_reviews": read_movie_reviews, "imdb": read_imdb}
