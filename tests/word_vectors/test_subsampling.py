"""Frequent words are kept as word2vec's program keeps them."""

import numpy as np
import pytest

from stages.word_vectors.subsampling import keep_probability


def test_the_probability_is_the_formulas():
    """Shares 0.9, 0.09 and 0.01 at t = 0.01: sqrt(t/f) + t/f by hand, at most 1."""
    keep = keep_probability(np.array([900, 90, 10]), 0.01)
    assert keep.dtype == np.float32
    assert keep.tolist() == pytest.approx([0.105409 + 0.011111, 0.333333 + 0.111111, 1], rel=1e-5)


def test_a_threshold_of_one_keeps_everything():
    """Even of a text that is almost one word."""
    assert keep_probability(np.array([10**9, 3, 1]), 1.0).tolist() == [1, 1, 1]
