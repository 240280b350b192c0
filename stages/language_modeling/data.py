"""What language models are trained on: a text as one stream of tokens in three parts; or what two models predicted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stages.core.data import read_tensors
from stages.core.errors import UserError
from stages.core.vocabulary import Vocabulary, load_vocabulary


@dataclass(frozen=True)
class Stream:
    """A text as token ids: training, validation and test part, one after the other.

    Attributes:
        tokens: int64 (tokens,).
        vocabulary: of the tokens, the most frequent ones of the training part first.
        unit: `word` or `character`.
        eos: the token that ends a sentence or a poem.
        num_train: tokens of the first part.
        num_validation: tokens of the second.
        num_test: tokens of the third.
    """

    tokens: Tensor
    vocabulary: Vocabulary
    unit: str
    eos: str
    num_train: int
    num_validation: int
    num_test: int

    @property
    def info(self) -> dict[str, Any]:
        """What models are built from: the number of different tokens."""
        return {"num_words": len(self.vocabulary)}

    @property
    def train(self) -> Tensor:
        """The training part, int64 (num_train,)."""
        return self.tokens[: self.num_train]

    def part(self, name: str) -> tuple[Tensor, int]:
        """Return the stream up to the end of `validation` or `test`, and where that part begins in it."""
        start = self.num_train if name == "validation" else self.num_train + self.num_validation
        end = start + (self.num_validation if name == "validation" else self.num_test)
        return self.tokens[:end], start

    def sizes(self) -> dict[str, int]:
        """Return what metrics record of the data."""
        return {
            "num_words": len(self.vocabulary),
            "num_train": self.num_train,
            "num_validation": self.num_validation,
            "num_test": self.num_test,
        }


@dataclass(frozen=True)
class Predictions:
    """What the models of two runs gave the tokens of the same stream, by seed.

    Attributes:
        first: log-probabilities of the first run, `validation_<seed>` and `test_<seed>`, float32 (tokens,).
        second: those of the second run.
    """

    first: dict[str, Tensor]
    second: dict[str, Tensor]
    info: dict[str, Any]

    def pair(self, part: str, seed: int) -> tuple[Tensor, Tensor]:
        """Return both runs' log-probabilities of `validation` or `test`, float32 (tokens,).

        A run without this seed gives those of its first one: n-grams are the same for every seed.
        """
        return _of_seed(self.first, part, seed), _of_seed(self.second, part, seed)

    def sizes(self) -> dict[str, int]:
        """Return what metrics record of the data."""
        return {name: self.info[name] for name in ("num_words", "num_train", "num_validation", "num_test")}


def _of_seed(tensors: dict[str, Tensor], part: str, seed: int) -> Tensor:
    seeds = sorted(int(name.rpartition("_")[2]) for name in tensors if name.startswith(f"{part}_"))
    return tensors[f"{part}_{seed if seed in seeds else seeds[0]}"]


def load(folder: Path, device: str = "cpu") -> Stream | Predictions:
    """Read data of the kinds `divide` and `mix`.

    Raises:
        UserError: the folder is missing or damaged.
    """
    try:
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
        if "first" in info:
            first, second = (read_tensors(folder / f"{name}.safetensors") for name in ("first", "second"))
            return Predictions(first, second, info)
        tokens = torch.from_numpy(np.load(folder / "tokens.npy")).long().to(device)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{folder} is missing or damaged; `dvc repro` makes it again") from error
    return Stream(tokens, load_vocabulary(folder / "vocabulary.json"), eos=info.pop("mark"), **info)
