"""A corpus: tokenized text as ids of a vocabulary's words."""

from pathlib import Path

import numpy as np

from stages.core.errors import UserError
from stages.core.vocabulary import UNKNOWN, Vocabulary, load_vocabulary
from stages.texts.tokens import TOKENS, encode, read_tokens

VOCABULARIES = Path("data/vocabularies")


def encoded_corpus(tokens: str, vocab: str) -> tuple[Vocabulary, np.ndarray]:
    """Return a vocabulary and a tokenized text as token ids, int32 of shape (tokens,).

    Raises:
        UserError: the vocabulary or the tokens are missing, or fewer than two tokens remain.
    """
    vocabulary = load_vocabulary(VOCABULARIES / f"{vocab}.json")
    ids = encode(read_tokens(TOKENS / tokens), vocabulary.index, vocabulary.index.get(UNKNOWN))
    if len(ids) < 2:
        raise UserError(f"'{tokens}': {len(ids)} tokens are in the vocabulary '{vocab}': it needs two")
    return vocabulary, ids
