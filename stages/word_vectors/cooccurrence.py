"""Counts of words that occur near each other (Pennington, Socher and Manning 2014, GloVe, sections 3 and 4.2)."""

import numpy as np
from scipy import sparse


def count_cooccurrences(tokens: np.ndarray, num_words: int, window: int) -> sparse.csr_array:
    """Return X, symmetric, float32 of shape (num_words, num_words): pairs at distance d <= window count 1/d.

    Args:
        tokens: token ids, int32 of shape (tokens,), at least two.
        num_words: how many words there are.
        window: the largest distance; one beyond the text's length counts nothing.
    """
    half = sparse.csr_array((num_words, num_words), dtype=np.float32)
    for distance in range(1, min(window, len(tokens) - 1) + 1):
        left, right = tokens[:-distance], tokens[distance:]
        # One number a pair, the smaller word first, so that each unordered pair is counted in one place.
        pairs = np.minimum(left, right).astype(np.int64) * num_words + np.maximum(left, right)
        found, times = np.unique(pairs, return_counts=True)
        places = np.divmod(found, num_words)
        half = half + sparse.csr_array(((times / distance).astype(np.float32), places), half.shape)
    return (half + half.T).tocsr()  # a word beside itself is its own left and right neighbour: it counts twice
