"""A corpus: one or more tokenized data sets, as numbers of a vocabulary's words."""

from pathlib import Path

import numpy as np

from stages.core.errors import UserError
from stages.core.vocabulary import UNKNOWN, Vocabulary, load_vocabulary
from stages.texts.recipes import load_text_recipe
from stages.texts.tokens import TOKENS, encode, read_tokens

VOCABULARIES = Path("data/vocabularies")


def encoded_corpus(vocab: str) -> tuple[Vocabulary, np.ndarray]:
    """Return a vocabulary and its corpus as numbers of its words, int32 of shape (tokens,).

    Raises:
        UserError: the vocabulary or a data set is missing, or fewer than two tokens remain.
    """
    vocabulary = load_vocabulary(VOCABULARIES / f"{vocab}.json")
    corpus = load_text_recipe("corpora", load_text_recipe("vocab", vocab).corpus)
    tokens = encode((read_tokens(TOKENS / name) for name in corpus), vocabulary.index, vocabulary.index.get(UNKNOWN))
    if len(tokens) < 2:
        raise UserError(
            f"corpus {', '.join(corpus)}: {len(tokens)} tokens are in the vocabulary '{vocab}': it needs two"
        )
    return vocabulary, tokens
