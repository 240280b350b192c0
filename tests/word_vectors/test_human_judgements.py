"""Human judgements are read as they are, and a bad row is named by file and line."""

import json

import pytest

from stages.core.errors import UserError
from stages.word_vectors.benchmarks import read_analogies, read_similarity, write_benchmarks


def test_pairs_are_read_in_order_and_in_lower_case(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("# Word 1\tWord 2\tHuman (mean)\nTiger\tcat\t7.35\n\nfive \tCD\t10\n")
    assert read_similarity(path) == [("tiger", "cat", 7.35), ("five", "cd", 10.0)]


@pytest.mark.parametrize(
    "row", ["tiger\tcat", "tiger\tcat\thigh", "tiger\tcat\tnan", "a\tb\t1.0\t2.0", "tiger cat 7.35"]
)
def test_a_bad_pair_is_named_with_file_and_line(tmp_path, row):
    """A NaN among the ratings would make the correlation NaN without a word."""
    path = tmp_path / "pairs.tsv"
    path.write_text(f"# comment\n\nold\tnew\t1.58\n{row}\n")
    with pytest.raises(UserError, match=r"pairs\.tsv, line 4: .*must be word, tab, word, tab, number") as caught:
        read_similarity(path)
    assert "\n" not in str(caught.value)


def test_analogies_are_four_words_each(tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(": capitals\nAthens Greece Oslo Norway\n\n: family\nboy girl brother sister\n")
    assert read_analogies(path) == [["athens", "greece", "oslo", "norway"], ["boy", "girl", "brother", "sister"]]


@pytest.mark.parametrize("row", ["boy girl brother", "boy girl brother sister aunt"])
def test_an_analogy_of_another_length_is_named_with_file_and_line(tmp_path, row):
    path = tmp_path / "questions.txt"
    path.write_text(f": family\nboy girl brother sister\n{row}\n")
    with pytest.raises(UserError, match=rf"questions\.txt, line 3: '{row}': must be four words"):
        read_analogies(path)


@pytest.mark.parametrize("read", [read_similarity, read_analogies])
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, read):
    with pytest.raises(UserError, match=r"missing\.txt: cannot be read: No such file"):
        read(tmp_path / "missing.txt")
    (tmp_path / "bad.txt").write_bytes(b"# one\n# two\n\xff")
    with pytest.raises(UserError, match=r"bad\.txt, line 3: byte 0xff is not UTF-8"):
        read(tmp_path / "bad.txt")


def test_all_benchmarks_are_one_file(tmp_path, monkeypatch):
    """The name of each is the name of its data set, and begins the names of its metrics."""
    for name, file, row in (
        ("wordsim353", "wordsim353.tsv", "love\tsex\t6.77"),
        ("simlex999", "simlex999.txt", "old\tnew\t1.58"),
        ("google_analogies", "questions-words.txt", "boy girl brother sister"),
    ):
        (tmp_path / "data/raw" / name).mkdir(parents=True)
        (tmp_path / "data/raw" / name / file).write_text(row)
    monkeypatch.chdir(tmp_path)
    write_benchmarks(tmp_path / "benchmarks.json")
    assert json.loads((tmp_path / "benchmarks.json").read_text()) == {
        "wordsim353": [["love", "sex", 6.77]],
        "simlex999": [["old", "new", 1.58]],
        "analogies": [["boy", "girl", "brother", "sister"]],
    }
