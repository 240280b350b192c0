"""Pipeline step: count how often words of a corpus occur near each other."""

import numpy as np

from stages.core.data import PREPARED
from stages.core.files import atomic_folder
from stages.texts.benchmarks import RAW, write_benchmarks
from stages.texts.cooccurrence import count_cooccurrences
from stages.texts.corpus import encoded_corpus
from stages.texts.recipes import Cooccur, load_text_recipe


def cooccur(name: str) -> None:
    """Write data/prepared/<name>: the counts, the vocabulary, and the benchmarks of its vectors.

    The counts are symmetric and written as compressed sparse rows: row_starts (int64), columns (int32), counts
    (float32).

    Raises:
        UserError: the entry is wrong, or what it needs is missing.
    """
    recipe: Cooccur = load_text_recipe("cooccur", name)
    vocabulary, tokens = encoded_corpus(recipe.vocab)
    counts = count_cooccurrences(tokens, len(vocabulary), recipe.window)
    with atomic_folder(PREPARED / name) as folder:
        np.save(folder / "row_starts.npy", counts.indptr.astype(np.int64))
        np.save(folder / "columns.npy", counts.indices.astype(np.int32))
        np.save(folder / "counts.npy", counts.data)
        vocabulary.save(folder / "vocabulary.json")
        write_benchmarks(RAW, folder / "benchmarks.json")
    print(f"{PREPARED / name}: {counts.nnz:,} pairs of words")
