"""Pipeline step: a corpus as numbers of words, with the probability of each word to be kept."""

import numpy as np

from stages.core.data import PREPARED
from stages.core.files import atomic_folder
from stages.texts.benchmarks import RAW, write_benchmarks
from stages.texts.corpus import encoded_corpus
from stages.texts.recipes import Subsample, load_text_recipe
from stages.texts.subsampling import keep_probability


def subsample(name: str) -> None:
    """Write data/prepared/<name>: the tokens, the probabilities, the vocabulary, and the benchmarks of its vectors.

    Which occurrences are kept is drawn in training, anew for each epoch, as in word2vec's program: a single draw here
    would take the others away for good.

    Raises:
        UserError: the entry is wrong, or what it needs is missing.
    """
    recipe: Subsample = load_text_recipe("subsample", name)
    vocabulary, tokens = encoded_corpus(recipe.vocab)
    keep = keep_probability(np.maximum(vocabulary.counts, 1), recipe.threshold)
    with atomic_folder(PREPARED / name) as folder:
        np.save(folder / "tokens.npy", tokens)
        np.save(folder / "keep_probability.npy", keep)
        vocabulary.save(folder / "vocabulary.json")
        write_benchmarks(RAW, folder / "benchmarks.json")
    print(f"{PREPARED / name}: {len(tokens):,} tokens, of which an epoch keeps {keep[tokens].sum(dtype=float):,.0f}")
