"""Subsampling of frequent words.

Mikolov et al. 2013, Distributed Representations of Words and Phrases and their Compositionality, section 2.3.
"""

import numpy as np


def keep_probability(counts: np.ndarray, threshold: float) -> np.ndarray:
    """Return the probability with which each occurrence of a word is kept: float32 of shape (words,).

    Equation 5 of the paper discards an occurrence of word w with probability P(w) = 1 - sqrt(t / f(w)), for a share
    f(w) of all tokens and a threshold t. word2vec's program, which the paper's results and every library since are made
    with, keeps it with probability min(1, sqrt(t / f(w)) + t / f(w)). This is the latter; it keeps a little more.

    Args:
        counts: how often each word occurs, at least once each, shape (words,).
        threshold: t; 1 keeps everything.
    """
    ratio = threshold * counts.sum() / counts
    return np.minimum(1.0, np.sqrt(ratio) + ratio).astype(np.float32)
