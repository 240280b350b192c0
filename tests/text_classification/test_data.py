"""Rated texts: the right words of the right text, parts that share none, and classes in equal shares."""

import pytest
import torch

from stages.core.errors import UserError
from stages.fold import splits
from tests.text_classification.small import FOLD, WORDS, small_texts


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


def test_folds_test_each_text_once_a_repeat_and_share_none_with_training():
    recipe = FOLD.model_copy(update={"validation": 0.2})
    positive = torch.arange(90) % 3 == 0
    parts = splits(positive, recipe)
    for repeat in range(recipe.num_repeats):
        numbers = range(1 + 3 * repeat, 4 + 3 * repeat)
        tested = torch.cat([parts[f"test_{number}"] for number in numbers])
        assert sorted(tested.tolist()) == list(range(90))
        for number in numbers:
            three = [parts[f"{part}_{number}"] for part in ("train", "validation", "test")]
            assert sorted(torch.cat(three).tolist()) == list(range(90))
            assert [len(part) for part in three] == [48, 12, 30]
            assert [int(positive[part].sum()) for part in three] == [16, 4, 10]
    assert parts["test_1"].tolist() != parts["test_4"].tolist()  # another repeat has other folds


def test_no_validation_texts_unless_asked_for():
    assert len(splits(torch.arange(30) % 2 == 0, FOLD)["validation_1"]) == 0


def test_a_seed_beyond_the_splits_is_named():
    with pytest.raises(UserError, match=r"seeds: 28: must be from 1 to 27, the splits of the data: 3 folds, 9 times"):
        small_texts().split(28)
