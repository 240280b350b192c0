"""Rated texts: the right words of the right text."""

import pytest
import torch

from stages.core.errors import UserError
from tests.text_classification.small import WORDS, small_texts


def test_texts_are_selected_and_padded_in_the_order_asked_for():
    data = small_texts()
    chosen = torch.tensor([7, 0, 7, 3])
    wanted = [[WORDS.index(word) for word in data.texts.strings[number].split()] for number in chosen]
    part = data.texts.select(chosen)
    assert part.tokens.tolist() == [token for text in wanted for token in text]
    assert part.strings == [data.texts.strings[number] for number in chosen]
    tokens, lengths = data.texts.padded(chosen)
    longest = max(map(len, wanted))
    assert tokens.tolist() == [text + [0] * (longest - len(text)) for text in wanted]
    assert lengths.tolist() == part.lengths.tolist() == [len(text) for text in wanted]


def test_a_seed_beyond_the_splits_is_named():
    with pytest.raises(UserError, match=r"seeds: 28: must be from 1 to 27, the splits of the data: 3 folds, 9 times"):
        small_texts().split(28)
