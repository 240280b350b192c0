"""A vocabulary finds words, helps with misspelt ones, and survives the way to disk."""

import pytest

from stages.core.errors import UserError
from stages.core.vocabulary import Vocabulary, load_vocabulary

WORDS = Vocabulary(["<unk>", "the", "physics", "physical", "king", "été"], [0, 9, 5, 4, 3, 1])


def test_words_have_the_numbers_of_their_order():
    assert len(WORDS) == 6
    assert [WORDS.find(word) for word in WORDS.words] == [0, 1, 2, 3, 4, 5]
    assert WORDS.ids(["king", "the", "king"]) == [4, 1, 4]
    assert WORDS.ids(["<unk>"]) == [0]  # number 0 is a number, not a lack of one


def test_one_unknown_word_makes_all_unknown():
    """A question of a benchmark with a word that has no vector cannot be asked."""
    assert WORDS.ids(["king", "queen"]) is None


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("phisics", "closest spellings: physics, physical"),
        ("king's", "closest spellings: king"),
        ("ping", "closest spellings: king"),  # the first letter is wrong: all words are compared
        ("zzzzzz", "nothing is spelled like it"),
        ("", "nothing is spelled like it"),
    ],
)
def test_an_unknown_word_comes_with_the_closest_spellings(typed, hint):
    with pytest.raises(UserError) as caught:
        WORDS.find(typed)
    assert str(caught.value) == f"'{typed}' is not among the 6 words; {hint}"


def test_spellings_with_the_same_first_letter_are_preferred():
    """Comparing with all of 60,000 words takes a second, and typing errors are rarely in the first letter."""
    with pytest.raises(UserError, match="closest spellings: bringing$"):
        Vocabulary(["ringing", "bringing"], [2, 1]).find("binging")


def test_a_vocabulary_comes_back_as_it_was_saved(tmp_path):
    WORDS.save(tmp_path / "folder" / "v.json")
    assert load_vocabulary(tmp_path / "folder" / "v.json") == WORDS


@pytest.mark.parametrize(
    "content", [b"", b'{"words": ["a"', b"[1]", b'{"words": ["a"]}', b'{"words": [], "other": 1}', b"\xff"]
)
def test_a_damaged_file_is_one_line(tmp_path, content):
    """Cut off, not JSON, another JSON, or not UTF-8."""
    (tmp_path / "v.json").write_bytes(content)
    with pytest.raises(UserError, match=r"v\.json is missing or damaged; `dvc repro` makes it again"):
        load_vocabulary(tmp_path / "v.json")


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"v\.json is missing or damaged"):
        load_vocabulary(tmp_path / "v.json")
