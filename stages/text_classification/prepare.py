"""Data for text classifiers: rated texts as token ids, divided for cross-validation; and word vectors beside them."""

import json
import shutil
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedShuffleSplit
from torch import Tensor

from stages.core.data import PREPARED, RAW, write_tensors
from stages.core.errors import UserError
from stages.core.files import write_json, write_text
from stages.core.run import EVALUATIONS
from stages.core.schema import Strict
from stages.core.vocabulary import UNKNOWN, load_vocabulary
from stages.texts.corpus import encoded_corpus
from stages.texts.rated import RATED

FAMILY = Path(__file__).parent.name
VECTORS = "word_vectors"  # the family whose vectors these data have


class Folds(Strict):
    """Rated texts, divided again and again into training and test texts.

    The positive ones are those rated above 0. A run's seed is the number of a split: seeds 1 to `num_folds` are the
    folds of a cross-validation, the next as many those of a second one with other folds, and so on.

    Attributes:
        raw: key of `fetch` in params.yaml.
        reader: which function of `stages/texts/rated.py` reads texts and ratings.
        tokens: key of `tokenize` in params.yaml, of these texts alone.
        vocab: key of `vocab` there, of these texts alone. It gives each word an id; which of them a model has in its
            vocabulary, its training texts decide.
        eos: what follows each text in the corpus.
        num_folds: each text is tested in one of so many.
        num_repeats: cross-validations with different folds.
        validation: share of each training part that is held out, to choose hyperparameters on; 0 for none.
        seed: of the folds.
    """

    raw: str
    reader: Literal["movie_reviews", "imdb"]
    tokens: str
    vocab: str
    eos: str
    num_folds: int = Field(default=5, ge=2)
    num_repeats: int = Field(default=2, ge=1)
    validation: float = Field(default=0.0, ge=0, le=0.5)
    seed: int = Field(ge=0, lt=2**31)

    @property
    def has_validation(self) -> bool:
        """Whether there are validation texts."""
        return self.validation > 0

    def make(self, folder: Path, where: str) -> None:
        """Write the texts, as they are and as token ids, their ratings, the vocabulary and the splits.

        Raises:
            UserError: what it needs is missing or does not fit, or there are fewer texts of a class than folds.
        """
        rated = list(RATED[self.reader](RAW / self.raw))
        ratings = torch.tensor([rating for rating, _ in rated], dtype=torch.float64)
        vocabulary, stream = encoded_corpus(self.tokens, self.vocab)
        if vocabulary.words[0] != UNKNOWN or self.eos not in vocabulary.index:
            raise UserError(f"{where}.vocab = '{self.vocab}': must begin with {UNKNOWN} and have {self.eos}")
        tokens = torch.from_numpy(stream).long()
        ends = (tokens == vocabulary.index[self.eos]).nonzero()[:, 0]
        if len(ends) != len(rated):
            raise UserError(
                f"{where}: '{self.vocab}' has {len(ends):,} texts that end with {self.eos}, and {self.raw} has "
                f"{len(rated):,}: its corpus must be these texts alone"
            )
        rarer = min((ratings > 0).sum().item(), (ratings <= 0).sum().item())
        if rarer < self.num_folds:
            raise UserError(
                f"{where}.num_folds = {self.num_folds}: must be at most {rarer}, the texts of the rarer class"
            )
        lengths = ends.diff(prepend=torch.tensor([-1])) - 1
        texts = {"tokens": tokens[tokens != vocabulary.index[self.eos]], "lengths": lengths, "ratings": ratings}
        write_tensors(folder / "texts.safetensors", texts)
        write_tensors(folder / "splits.safetensors", splits(ratings > 0, self))
        write_text(folder / "texts.json", json.dumps([text for _, text in rated], ensure_ascii=False))
        vocabulary.save(folder / "vocabulary.json")
        write_json(folder / "info.json", {"num_folds": self.num_folds, "mark": self.eos})
        print(f"{len(rated):,} texts, {rarer:,} of the smaller class, in {self.num_folds} folds")


def splits(positive: Tensor, recipe: Folds) -> dict[str, Tensor]:
    """Return the numbers of the texts of each part of each split: `train_1`, `validation_1`, `test_1` and so on.

    Each part has nearly the same share of positive texts. Training texts are in random order, so that the first
    thousand of them are a sample.

    Args:
        positive: bool (texts,).
        recipe: how.
    """
    labels = positive.numpy()
    folds = RepeatedStratifiedKFold(n_splits=recipe.num_folds, n_repeats=recipe.num_repeats, random_state=recipe.seed)
    parts = {}
    for number, (train, test) in enumerate(folds.split(labels, labels), 1):
        held_out = np.zeros(0, dtype=train.dtype)
        if recipe.validation:
            holding = StratifiedShuffleSplit(1, test_size=recipe.validation, random_state=recipe.seed + number)
            ((kept, held),) = holding.split(labels[train], labels[train])
            train, held_out = train[kept], train[held]
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(recipe.seed + number))
        parts[f"train_{number}"] = torch.from_numpy(train)[order]
        parts[f"validation_{number}"], parts[f"test_{number}"] = torch.from_numpy(held_out), torch.from_numpy(test)
    return parts


class Embed(Strict):
    """Rated texts and what another run's word vectors say of their words.

    Attributes:
        data: a name under `folds`.
        vectors: a row of the family word_vectors; the vectors of its first seed are taken.
    """

    has_validation: ClassVar[bool] = False
    data: str
    vectors: str

    def make(self, folder: Path, where: str) -> None:
        """Write all of data/prepared/<family>/<data>, and the vectors.

        `vectors` are float32 (words, dimensions) in the vocabulary's order, 0 for words without one, which
        `has_vector`, bool (words,), tells.

        Raises:
            UserError: what it needs is missing or damaged.
        """
        source = PREPARED / FAMILY / self.data
        index = load_vocabulary(source / "vocabulary.json").index
        path = EVALUATIONS / VECTORS / self.vectors / "vectors.txt"
        found = {}
        try:
            with path.open(encoding="utf-8") as file:
                _, dimensions = map(int, file.readline().split())
                for line in file:
                    word, *numbers = line.split()
                    if word in index:
                        found[index[word]] = torch.tensor([float(number) for number in numbers])
            vectors, has_vector = torch.zeros(len(index), dimensions), torch.zeros(len(index), dtype=torch.bool)
            rows = torch.tensor(list(found), dtype=torch.int64)
            vectors[rows], has_vector[rows] = torch.stack(list(found.values())), True
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"{where}: {path} is missing or damaged; `dvc repro` makes it again") from error
        shutil.copytree(source, folder, dirs_exist_ok=True)
        write_tensors(folder / "vectors.safetensors", {"vectors": vectors, "has_vector": has_vector})
        print(f"{len(found):,} of {len(index):,} words have a vector of {self.vectors}")


RECIPES = {"folds": Folds, "embed": Embed}
