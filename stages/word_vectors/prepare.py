"""Data for word vectors: a corpus as token ids with the probability to keep each, or counts of co-occurrences."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from stages.core.schema import Strict
from stages.texts.corpus import encoded_corpus
from stages.word_vectors.benchmarks import write_benchmarks
from stages.word_vectors.cooccurrence import count_cooccurrences
from stages.word_vectors.subsampling import keep_probability


class Subsample(Strict):
    """A corpus for models that look at words in a window.

    Which occurrences are kept is drawn in training, anew for each epoch, as in word2vec's program: a single draw here
    would take the others away for good.

    Attributes:
        tokens: key of `tokenize` or `join` in params.yaml.
        vocab: key of `vocab` there.
        threshold: t of Mikolov et al. 2013; words more frequent than this share of all tokens are thinned out.
    """

    has_validation: ClassVar[bool] = False
    tokens: str
    vocab: str
    threshold: float = Field(gt=0, le=1)

    def make(self, folder: Path, where: str) -> None:
        """Write the token ids, the probabilities, the vocabulary, and the benchmarks of its vectors.

        Raises:
            UserError: what it needs is missing.
        """
        vocabulary, tokens = encoded_corpus(self.tokens, self.vocab)
        keep = keep_probability(np.maximum(vocabulary.counts, 1), self.threshold)
        np.save(folder / "tokens.npy", tokens)
        np.save(folder / "keep_probability.npy", keep)
        vocabulary.save(folder / "vocabulary.json")
        write_benchmarks(folder / "benchmarks.json")
        print(f"{len(tokens):,} tokens, of which an epoch keeps {keep[tokens].sum(dtype=float):,.0f}")


class Cooccur(Strict):
    """How often words of a corpus occur near each other.

    Attributes:
        tokens: key of `tokenize` or `join` in params.yaml.
        vocab: key of `vocab` there.
        window: the largest distance counted; a pair at distance d counts 1/d.
    """

    has_validation: ClassVar[bool] = False
    tokens: str
    vocab: str
    window: int = Field(ge=1)

    def make(self, folder: Path, where: str) -> None:
        """Write the counts, the vocabulary, and the benchmarks of its vectors.

        The counts are symmetric and written as compressed sparse rows: row_starts (int64), columns (int32), counts
        (float32).

        Raises:
            UserError: what it needs is missing.
        """
        vocabulary, tokens = encoded_corpus(self.tokens, self.vocab)
        counts = count_cooccurrences(tokens, len(vocabulary), self.window)
        np.save(folder / "row_starts.npy", counts.indptr.astype(np.int64))
        np.save(folder / "columns.npy", counts.indices.astype(np.int32))
        np.save(folder / "counts.npy", counts.data)
        vocabulary.save(folder / "vocabulary.json")
        write_benchmarks(folder / "benchmarks.json")
        print(f"{counts.nnz:,} pairs of words")


RECIPES = {"subsample": Subsample, "cooccur": Cooccur}
