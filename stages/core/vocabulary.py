"""A vocabulary: words by number, with how often each occurs; one JSON file."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stages.core.errors import UserError
from stages.core.files import write_text

UNKNOWN = "<unk>"


@dataclass(frozen=True)
class Vocabulary:
    """Words, the most frequent first, after the special ones such as `<unk>`; `counts` in the corpus, beside them."""

    words: list[str]
    counts: list[int]

    def __len__(self) -> int:
        """Return the number of words, special ones included."""
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    def ids(self, words: Sequence[str]) -> list[int] | None:
        """Return the numbers of words, or None if one of them is unknown."""
        numbers = [self.index.get(word) for word in words]
        return None if None in numbers else numbers

    def find(self, word: str) -> int:
        """Return the number of a word that a user typed.

        Raises:
            UserError: it is unknown; the message suggests the closest spellings.
        """
        if word not in self.index:
            # Most words share their first letter with what was meant, and the others would take a second to compare.
            same_start = [known for known in self.words if known[:1] == word[:1]]
            close = difflib.get_close_matches(word, same_start) or difflib.get_close_matches(word, self.words)
            hint = f"; closest spellings: {', '.join(close)}" if close else "; nothing is spelled like it"
            raise UserError(f"'{word}' is not among the {len(self):,} words{hint}")
        return self.index[word]

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON, atomically."""
        write_text(path, json.dumps({"words": self.words, "counts": self.counts}, ensure_ascii=False))


def load_vocabulary(path: Path) -> Vocabulary:
    """Read what `Vocabulary.save` wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return Vocabulary(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} is missing or damaged; `dvc repro` makes it again") from error
