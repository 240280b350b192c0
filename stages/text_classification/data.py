"""What text classifiers are trained on: rated texts as token ids, divided for cross-validation."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from stages.core.data import read_tensors
from stages.core.errors import UserError
from stages.core.vocabulary import Vocabulary, load_vocabulary


class Texts(NamedTuple):
    """Texts one after the other: `tokens` int64 (tokens,), `lengths` int64 (texts,), `strings` as they were read."""

    tokens: Tensor
    lengths: Tensor
    strings: list[str]

    def select(self, chosen: Tensor) -> "Texts":
        """Return the texts of the numbers `chosen`, int64 (chosen,)."""
        lengths = self.lengths[chosen]
        starts = (self.lengths.cumsum(0) - self.lengths)[chosen]
        ends = lengths.cumsum(0)
        places = torch.arange(int(lengths.sum()), device=lengths.device)
        shift = torch.repeat_interleave(starts - (ends - lengths), lengths)
        return Texts(self.tokens[places + shift], lengths, [self.strings[number] for number in chosen.tolist()])

    def padded(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the token ids of some texts as one tensor, and how long each is.

        int64 (chosen, longest), with 0 behind the shorter ones, and int64 (chosen,).
        """
        lengths = self.lengths[chosen]
        starts = (self.lengths.cumsum(0) - self.lengths)[chosen]
        step = torch.arange(int(lengths.max()), device=lengths.device)
        places = (starts[:, None] + step).clamp(max=len(self.tokens) - 1)
        return self.tokens[places].masked_fill(step >= lengths[:, None], 0), lengths


class Split(NamedTuple):
    """Numbers of texts, int64: those to train on in random order, those held out (perhaps none), those to test on."""

    train: Tensor
    validation: Tensor
    test: Tensor


@dataclass(frozen=True)
class RatedTexts:
    """Texts with the mean of their ratings, and how they are divided.

    Attributes:
        texts: all of them.
        ratings: float64 (texts,); above 0 is positive.
        splits: by number from 1, which is the seed of a run: the folds of one cross-validation after the other.
        vocabulary: of all texts; which of its words are in a model's vocabulary, its training texts decide.
        num_folds: of a cross-validation.
        eos: what followed each text in the corpus; no word of a text.
        vectors: of the words, float32 (words, dimensions), by another run; None if the data have none.
        has_vector: which words are in that run's vocabulary, bool (words,).
    """

    texts: Texts
    ratings: Tensor
    splits: dict[int, Split]
    vocabulary: Vocabulary
    num_folds: int
    eos: str
    vectors: Tensor | None = None
    has_vector: Tensor | None = None

    @property
    def labels(self) -> Tensor:
        """Which texts are positive, bool (texts,)."""
        return self.ratings > 0

    @property
    def info(self) -> dict[str, Any]:
        """What models are built from: the number of words, and of dimensions of their vectors (0 without)."""
        return {
            "num_words": len(self.vocabulary),
            "num_dimensions": 0 if self.vectors is None else self.vectors.shape[1],
        }

    def split(self, number: int) -> Split:
        """Return the split of a seed.

        Raises:
            UserError: there is none.
        """
        if number not in self.splits:
            raise UserError(
                f"seeds: {number}: must be from 1 to {len(self.splits)}, the splits of the data: "
                f"{self.num_folds} folds, {len(self.splits) // self.num_folds} times; num_repeats says how often"
            )
        return self.splits[number]

    def sizes(self) -> dict[str, int]:
        """Return what metrics record of the data; texts are counted in the first fold."""
        first = self.splits[1]
        return {
            **self.info,
            "num_folds": self.num_folds,
            "num_train": len(first.train),
            "num_validation": len(first.validation),
            "num_test": len(first.test),
        }


def load(folder: Path, device: str = "cpu") -> RatedTexts:
    """Read data of the kinds `folds` and `embed` onto `device`.

    Raises:
        UserError: the folder is missing or damaged.
    """
    tensors = {key: tensor.to(device) for key, tensor in read_tensors(folder / "texts.safetensors").items()}
    parts = {key: tensor.to(device) for key, tensor in read_tensors(folder / "splits.safetensors").items()}
    embedded = (folder / "vectors.safetensors").exists()
    vectors = read_tensors(folder / "vectors.safetensors") if embedded else {}
    try:
        strings = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
        return RatedTexts(
            texts=Texts(tensors["tokens"], tensors["lengths"], strings),
            ratings=tensors["ratings"],
            splits={
                number: Split(*(parts[f"{part}_{number}"] for part in Split._fields))
                for number in range(1, len(parts) // len(Split._fields) + 1)
            },
            vocabulary=load_vocabulary(folder / "vocabulary.json"),
            num_folds=info["num_folds"],
            eos=info["mark"],
            **{key: tensor.to(device) for key, tensor in vectors.items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} is missing or damaged; `dvc repro` makes it again") from error
