"""Human judgements that word vectors are compared with: rated pairs of words, and analogy questions."""

import math
from pathlib import Path
from typing import Any

from stages.core.data import RAW
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.texts.decoding import decoded

SIMILARITY = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
ANALOGIES = ("google_analogies", "questions-words.txt")


def write_benchmarks(path: Path) -> None:
    """Write all benchmarks as one JSON file; see `read_similarity`, `read_analogies`.

    Raises:
        UserError: a file is missing or has a bad row.
    """
    content: dict[str, Any] = {name: read_similarity(RAW / name / file) for name, file in SIMILARITY.items()}
    content["analogies"] = read_analogies(RAW / ANALOGIES[0] / ANALOGIES[1])
    write_json(path, content)


def read_similarity(path: Path) -> list[tuple[str, str, float]]:
    """Return pairs of lower-case words with the mean human rating, higher for more similar, as the file orders them.

    A row is two words and a number, with tabs between; rows that begin with # are comments.

    Raises:
        UserError: a row is otherwise; the message names file and line.
    """
    pairs = []
    for number, line in _lines(path):
        if line.startswith("#"):
            continue
        try:
            first, second, rating = line.split("\t")
            if not (first.strip() and second.strip() and math.isfinite(float(rating))):
                raise ValueError
            pairs.append((first.strip().lower(), second.strip().lower(), float(rating)))
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {line[:60]!r}: must be word, tab, word, tab, number") from error
    return pairs


def read_analogies(path: Path) -> list[list[str]]:
    """Return questions of four lower-case words each: the first is to the second as the third to the fourth.

    Rows that begin with a colon name the kind of the questions below.

    Raises:
        UserError: a row has not four words; the message names file and line.
    """
    questions = []
    for number, line in _lines(path):
        if line.startswith(":"):
            continue
        words = line.lower().split()
        if len(words) != 4:
            raise UserError(f"{path}, line {number}: {line[:60]!r}: must be four words")
        questions.append(words)
    return questions


def _lines(path: Path) -> list[tuple[int, str]]:
    return [(number, line) for number, line in enumerate(decoded(path).splitlines(), 1) if line.strip()]
