"""A tokenized data set: its words in the order of their first occurrence, and the text as numbers of them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.core.errors import UserError
from stages.core.files import atomic_folder, write_text

TOKENS = Path("data/tokens")


class Tokens(NamedTuple):
    """`ids`, int32 of shape (tokens,), mapped from disk, are positions in `words`."""

    words: list[str]
    ids: np.ndarray


def write_tokens(folder: Path, pieces: Iterable[list[str]]) -> int:
    """Write a text given as lists of words to `folder`, nothing if it has none; return the number of tokens."""
    index: dict[str, int] = {}
    parts = [np.array([index.setdefault(word, len(index)) for word in piece], np.int32) for piece in pieces]
    ids = np.concatenate([*parts, np.zeros(0, np.int32)])
    if not len(ids):
        return 0
    with atomic_folder(folder) as temporary:
        write_text(temporary / "words.json", json.dumps(list(index), ensure_ascii=False))
        np.save(temporary / "ids.npy", ids)
    return len(ids)


def read_tokens(folder: Path) -> Tokens:
    """Read what `write_tokens` wrote.

    Raises:
        UserError: the folder is missing or damaged.
    """
    try:
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        return Tokens(words, np.load(folder / "ids.npy", mmap_mode="r"))
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{folder} is missing or damaged; `dvc repro` makes it again") from error


def encode(data_sets: Iterable[Tokens], index: dict[str, int], unknown: int | None) -> np.ndarray:
    """Return the data sets, one after the other, as numbers of a vocabulary: int32 of shape (tokens,).

    A word that `index` lacks becomes `unknown`; with None it is left out, as in word2vec's program, and its neighbours
    become neighbours of each other.
    """
    parts = []
    for words, ids in data_sets:
        number = np.array([index.get(word, -1 if unknown is None else unknown) for word in words], np.int32)
        encoded = number[ids]
        parts.append(encoded if unknown is not None else encoded[encoded >= 0])
    return np.concatenate([*parts, np.zeros(0, np.int32)])
