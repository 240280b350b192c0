"""A tokenized data set: its words in the order of their first occurrence, and the text as ids of them."""

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


def write_tokens(folder: Path, texts: Iterable[list[str]]) -> int:
    """Write texts, lists of words, as one to `folder`, nothing if it has none; return the number of tokens."""
    index: dict[str, int] = {}
    parts = [np.array([index.setdefault(word, len(index)) for word in text], np.int32) for text in texts]
    ids = np.concatenate([*parts, np.zeros(0, np.int32)])
    if len(ids):
        save_tokens(folder, Tokens(list(index), ids))
    return len(ids)


def save_tokens(folder: Path, tokens: Tokens) -> None:
    """Write tokens to `folder`, all or nothing."""
    with atomic_folder(folder) as temporary:
        write_text(temporary / "words.json", json.dumps(tokens.words, ensure_ascii=False))
        np.save(temporary / "ids.npy", tokens.ids)


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


def join(first: Tokens, second: Tokens) -> Tokens:
    """Return one text after the other, with the words of both."""
    index = {word: number for number, word in enumerate(first.words)}
    number = np.array([index.setdefault(word, len(index)) for word in second.words], np.int32)
    return Tokens(list(index), np.concatenate([first.ids, number[second.ids]]))


def encode(text: Tokens, index: dict[str, int], unknown: int | None) -> np.ndarray:
    """Return a text as ids of a vocabulary: int32 of shape (tokens,).

    A word that `index` lacks becomes `unknown`; with None it is left out, as in word2vec's program, and its neighbours
    become neighbours of each other.
    """
    number = np.array([index.get(word, -1 if unknown is None else unknown) for word in text.words], np.int32)
    encoded = number[text.ids]
    return encoded if unknown is not None else encoded[encoded >= 0]
