"""A text survives the way to disk, and becomes ids of a vocabulary in the order of the text."""

import numpy as np
import pytest

from stages.core.errors import UserError
from stages.texts.tokens import Tokens, encode, join, read_tokens, write_tokens


def tokens(*words: str) -> Tokens:
    names = list(dict.fromkeys(words))
    return Tokens(names, np.array([names.index(word) for word in words], np.int32))


def test_a_text_comes_back_as_it_was_written(tmp_path):
    """Words are numbered by first occurrence, over the texts, of which some are empty."""
    texts = [["the", "cat"], [], ["été", "the"], ["cat", "the"]]
    assert write_tokens(tmp_path / "a", iter(texts)) == 6
    words, ids = read_tokens(tmp_path / "a")
    assert words == ["the", "cat", "été"]
    assert ids.dtype == np.int32
    assert [words[i] for i in ids] == ["the", "cat", "été", "the", "cat", "the"]


@pytest.mark.parametrize("texts", [[], [[]]])
def test_a_text_without_words_writes_nothing(tmp_path, texts):
    assert write_tokens(tmp_path / "a", texts) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("file", "content"), [("words.json", b"["), ("ids.npy", b""), ("ids.npy", b"rubbish")])
def test_damaged_tokens_are_one_line(tmp_path, file, content):
    """A file cut off, empty or of another format."""
    write_tokens(tmp_path / "a", [["the", "cat"]])
    (tmp_path / "a" / file).write_bytes(content)
    with pytest.raises(UserError, match="a is missing or damaged; `dvc repro`"):
        read_tokens(tmp_path / "a")
    with pytest.raises(UserError, match="b is missing or damaged"):
        read_tokens(tmp_path / "b")


def test_out_of_vocabulary_words_become_unk_or_are_left_out():
    text = tokens("a", "b", "a", "c", "b")
    assert encode(text, {"<unk>": 0, "b": 1, "a": 2}, 0).tolist() == [2, 1, 2, 0, 1]
    assert encode(text, {"b": 0, "a": 1}, None).tolist() == [1, 0, 1, 0]


def test_joined_texts_follow_each_other_in_the_given_order():
    """Each has words of its own numbering: the same word has one number in the result."""
    first, second = tokens("a", "b"), tokens("b", "b", "a", "x")
    for one, other in ((first, second), (second, first)):
        words, ids = join(one, other)
        assert ids.dtype == np.int32
        assert len(words) == len(set(words)) == 3
        assert [words[i] for i in ids] == [text.words[i] for text in (one, other) for i in text.ids]


def test_encoding_nothing_gives_no_ids():
    for encoded in (encode(tokens(), {"a": 0}, None), encode(tokens("b"), {"a": 0}, None)):
        assert encoded.dtype == np.int32
        assert len(encoded) == 0
