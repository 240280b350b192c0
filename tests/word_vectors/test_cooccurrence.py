"""Counts of co-occurrences are those of a plain double loop over the text."""

import numpy as np
import pytest

from stages.word_vectors.cooccurrence import count_cooccurrences

NUM_WORDS = 7


def plain_counts(tokens: np.ndarray, window: int) -> np.ndarray:
    counts = np.zeros((NUM_WORDS, NUM_WORDS))
    for i, word in enumerate(tokens):
        for j, other in enumerate(tokens):
            if 0 < abs(i - j) <= window:
                counts[word, other] += 1 / abs(i - j)
    return counts


@pytest.mark.parametrize("window", [1, 4, 59, 60, 1000])
def test_counts_are_those_of_a_double_loop(window):
    """Windows up to, at and beyond the length of the text; a word that never occurs has an empty row."""
    tokens = np.random.default_rng(0).integers(NUM_WORDS - 1, size=60).astype(np.int32)
    counts = count_cooccurrences(tokens, NUM_WORDS, window)
    assert counts.dtype == np.float32
    assert (counts.data > 0).all()
    np.testing.assert_allclose(counts.toarray(), plain_counts(tokens, window), rtol=1e-5)


def test_the_shortest_text_has_one_pair():
    assert count_cooccurrences(np.array([0, 1], np.int32), 2, 10).toarray().tolist() == [[0, 1], [1, 0]]


def test_a_word_beside_itself_counts_once_for_each_side():
    assert count_cooccurrences(np.array([0, 0], np.int32), 1, 1).toarray().tolist() == [[2]]


def test_pairs_of_a_large_vocabulary_are_not_mixed_up():
    """A pair's number exceeds 32 bits from 65,536 words on."""
    size = 100_000
    counts = count_cooccurrences(np.array([size - 1, size - 2, 5], np.int32), size, 2).tocoo()
    found = {(int(i), int(j)): float(x) for i, j, x in zip(*counts.coords, counts.data, strict=True)}
    half = {(size - 1, size - 2): 1.0, (size - 2, 5): 1.0, (size - 1, 5): 0.5}
    assert found == half | {(j, i): x for (i, j), x in half.items()}
