"""Data for language models: a corpus in three parts, or what two models predicted, for mixtures."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from stages.core.data import PREDICTIONS, PREPARED, read_tensors, write_tensors
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.run import EVALUATIONS
from stages.core.schema import Strict
from stages.core.vocabulary import UNKNOWN, load_vocabulary
from stages.texts.corpus import encoded_corpus
from stages.texts.recipes import Part, part_size

FAMILY = Path(__file__).parent.name


class Divide(Strict):
    """A corpus in three parts, one after the other.

    Attributes:
        tokens: key of `tokenize` or `join` in params.yaml.
        vocab: key of `vocab` there; other words become its `<unk>`.
        unit: what a token is; words are joined by spaces when they are shown, characters by nothing.
        eos: the token that ends a sentence or a poem, after which a text begins.
        train: the first part, that models are trained on.
        validation: the part after it; the rest is the test split.
    """

    has_validation: ClassVar[bool] = True
    tokens: str
    vocab: str
    unit: Literal["word", "character"]
    eos: str
    train: Part
    validation: Part

    def make(self, folder: Path, where: str) -> None:
        """Write the token ids, the vocabulary, and where the parts begin.

        Raises:
            UserError: the recipe does not fit the corpus, what it needs is missing, or a part is empty.
        """
        vocabulary, tokens = encoded_corpus(self.tokens, self.vocab)
        for special in (UNKNOWN, self.eos):
            if special not in vocabulary.index:
                raise UserError(f"{where}: '{special}' is not in the vocabulary '{self.vocab}'")
        train, validation = (part_size(part, len(tokens)) for part in (self.train, self.validation))
        sizes = {"num_train": train, "num_validation": validation, "num_test": len(tokens) - train - validation}
        if min(sizes.values()) < 1:
            raise UserError(
                f"{where}: train = {self.train}, validation = {self.validation}: of {len(tokens):,} tokens each part, "
                f"the rest for test included, must have at least one"
            )
        np.save(folder / "tokens.npy", tokens)
        vocabulary.save(folder / "vocabulary.json")
        write_json(folder / "info.json", {"unit": self.unit, "mark": self.eos, **sizes})
        print(f"{len(tokens):,} tokens, {len(vocabulary):,} different ones; {sizes}")


class Mix(Strict):
    """What the models of two runs gave the tokens of the same data, side by side, for runs that mix them.

    Attributes:
        data: of both runs.
        first: a row of this family.
        second: another.
    """

    has_validation: ClassVar[bool] = True
    data: str
    first: str
    second: str

    def make(self, folder: Path, where: str) -> None:
        """Write the log-probabilities of both runs, by part and seed, and the sizes of their data.

        Raises:
            UserError: a file is missing or damaged, or the runs are of other data.
        """
        source = PREPARED / FAMILY / self.data
        try:
            info = json.loads((source / "info.json").read_text(encoding="utf-8"))
            sizes = {key: info[key] for key in ("num_train", "num_validation", "num_test")}
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{source} is missing or damaged; `dvc repro` makes it again") from error
        sizes["num_words"] = len(load_vocabulary(source / "vocabulary.json"))
        for place, run in (("first", self.first), ("second", self.second)):
            predictions = read_tensors(EVALUATIONS / FAMILY / run / PREDICTIONS)
            for key, scores in predictions.items():
                wanted = sizes[f"num_{key.rpartition('_')[0]}"]
                if len(scores) != wanted:
                    raise UserError(
                        f"{where}.{place} = '{run}': it predicted {len(scores):,} tokens of {key}, and "
                        f"'{self.data}' has {wanted:,}: both runs must have these data"
                    )
            write_tensors(folder / f"{place}.safetensors", predictions)
        write_json(folder / "info.json", {"first": self.first, "second": self.second, **sizes})
        print(f"predictions of {self.first} and {self.second}")


RECIPES = {"divide": Divide, "mix": Mix}
