"""What word vectors are trained on: a corpus as token ids, or counts of co-occurrences; and the benchmarks of both."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.core.errors import UserError
from stages.core.vocabulary import Vocabulary, load_vocabulary


@dataclass(frozen=True)
class TextData:
    """A prepared text: its vocabulary and the human judgements that vectors of its words are compared with.

    Attributes:
        similarity: by benchmark, pairs of words with a human rating.
        analogies: questions of four words.
    """

    vocabulary: Vocabulary
    similarity: dict[str, list[tuple[str, str, float]]]
    analogies: list[list[str]]

    @property
    def info(self) -> dict[str, Any]:
        """What models are built from: the number of words."""
        return {"num_words": len(self.vocabulary)}

    def sizes(self) -> dict[str, int]:
        """Return what metrics record of the data."""
        return {"num_words": len(self.vocabulary), "num_tokens": sum(self.vocabulary.counts)}


@dataclass(frozen=True)
class Corpus(TextData):
    """A text as token ids.

    Attributes:
        tokens: int32 (tokens,).
        keep_probability: of each word, float32 (words,); see `stages/word_vectors/subsampling.py`.
    """

    tokens: Tensor
    keep_probability: Tensor


@dataclass(frozen=True)
class Cooccurrences(TextData):
    """How often words occur near each other, as compressed sparse rows.

    Attributes:
        row_starts: int64 (words + 1,).
        columns: int32 (pairs,).
        counts: float32 (pairs,), above 0.
    """

    row_starts: Tensor
    columns: Tensor
    counts: Tensor


def load(folder: Path, device: str = "cpu") -> TextData:
    """Read data of the kinds `subsample` and `cooccur`; tensors stay on the CPU, training moves what it needs.

    Raises:
        UserError: the folder is missing or damaged.
    """
    kind, names = Corpus, ("tokens", "keep_probability")
    if (folder / "counts.npy").exists():
        kind, names = Cooccurrences, ("row_starts", "columns", "counts")
    try:
        # Mapped privately: torch wants memory that may be written to, and the file stays as it is.
        tensors = {name: torch.from_numpy(np.load(folder / f"{name}.npy", mmap_mode="c")) for name in names}
        benchmarks = json.loads((folder / "benchmarks.json").read_text(encoding="utf-8"))
        analogies = benchmarks.pop("analogies")
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise UserError(f"{folder} is missing or damaged; `dvc repro` makes it again") from error
    vocabulary = load_vocabulary(folder / "vocabulary.json")
    return kind(vocabulary=vocabulary, similarity=benchmarks, analogies=analogies, **tensors)
