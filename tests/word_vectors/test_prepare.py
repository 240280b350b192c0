"""From texts to data for word vectors; what is missing or wrong is named, and nothing half-written is left."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stages.core.errors import UserError
from stages.prepare import prepare
from stages.texts.tokens import write_tokens
from stages.tokenize import join_tokens, tokenize
from stages.vocab import vocab
from stages.word_vectors.data import Cooccurrences, Corpus, load
from stages.word_vectors.subsampling import keep_probability
from tests.family_folder import make_family_folder, written

RECIPES = {
    "subsample": {"windows": {"tokens": "both", "vocab": "words", "threshold": 0.1}},
    "cooccur": {"counts": {"tokens": "both", "vocab": "words", "window": 2}},
}
BENCHMARKS = {
    "wordsim353/wordsim353.tsv": "# comment\nTiger\tcat\t7.35\n",
    "simlex999/simlex999.txt": "old\tnew\t1.58\n",
    "google_analogies/questions-words.txt": ": family\nboy girl brother sister\n",
}
WINDOWS, COUNTS = "word_vectors/windows", "word_vectors/counts"
TOKENIZED = {"tokens/first", "tokens/second", "tokens/both", "vocabularies/words.json"}


@pytest.fixture
def write_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write two texts, tokenized and joined, their vocabulary and small benchmarks into the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(first: str, second: str = "a b", **recipe) -> None:
        make_family_folder(
            tmp_path,
            "word_vectors",
            {"data": RECIPES},
            tokenize={name: {"raw": name, "reader": "plain"} for name in ("first", "second")},
            join={"both": {"first": "first", "second": "second"}},
            vocab={"words": {"tokens": "both", **recipe}},
        )
        for name, text in {"first/a.txt": first, "second/a.txt": second, **BENCHMARKS}.items():
            path = Path("data/raw", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in ("first", "second"):
            tokenize(name)
        join_tokens("both")
        vocab("words")

    return write


def test_steps_write_what_runs_read(write_corpus):
    """Lower case, a to z, one text after the other; both kinds of data with the benchmarks."""
    write_corpus("The cat's 2 hats:\nTHE cat.", "the dog, the-hats!")
    prepare(WINDOWS)
    prepare(COUNTS)

    text = ["the", "cat", "s", "hats", "the", "cat", "the", "dog", "the", "hats"]
    windows = load(Path("data/prepared") / WINDOWS)
    assert isinstance(windows, Corpus)
    assert windows.vocabulary.words == ["the", "cat", "hats", "dog", "s"]
    assert windows.vocabulary.counts == [4, 2, 2, 1, 1]
    assert [windows.vocabulary.words[i] for i in windows.tokens] == text
    np.testing.assert_array_equal(windows.keep_probability, keep_probability(np.array([4, 2, 2, 1, 1]), 0.1))
    assert windows.sizes() == {"num_words": 5, "num_tokens": 10}

    counts = load(Path("data/prepared") / COUNTS)
    assert isinstance(counts, Cooccurrences)
    found = {}
    for row, word in enumerate(counts.vocabulary.words):
        for place in range(counts.row_starts[row], counts.row_starts[row + 1]):
            found[word, counts.vocabulary.words[counts.columns[place]]] = counts.counts[place].item()
    expected = Counter()
    for i, word in enumerate(text):
        for j in (i - 2, i - 1, i + 1, i + 2):
            if 0 <= j < len(text):
                expected[word, text[j]] += 1 / abs(i - j)
    assert found == dict(expected)

    for data in (windows, counts):
        assert data.similarity == {"wordsim353": [["tiger", "cat", 7.35]], "simlex999": [["old", "new", 1.58]]}
        assert data.analogies == [["boy", "girl", "brother", "sister"]]


@pytest.mark.filterwarnings("error")  # a special word never occurs: no division by zero
def test_words_that_do_not_count_are_left_out_or_become_unk(write_corpus):
    """With `<unk>` among the specials the text keeps its length; without, neighbours move together."""
    for specials, length in (([], 4), (["<unk>"], 6)):
        write_corpus("a b x", "a y b", min_count=2, specials=specials)
        prepare(WINDOWS)
        data = load(Path("data/prepared") / WINDOWS)
        assert data.vocabulary.words == [*specials, "a", "b"]
        assert len(data.tokens) == length
        assert data.keep_probability.shape == (len(specials) + 2,)


@pytest.mark.parametrize("name", [WINDOWS, COUNTS])
def test_a_corpus_with_nothing_of_the_vocabulary_is_named(write_corpus, name):
    """The text was replaced and the vocabulary was not made again."""
    write_corpus("a b a b")
    write_tokens(Path("data/tokens/both"), [["a", "z", "z"]])
    with pytest.raises(UserError, match=r"^'both': 1 tokens are in the vocabulary 'words': it needs two$"):
        prepare(name)
    assert written() == TOKENIZED


@pytest.mark.parametrize("name", [WINDOWS, COUNTS])
def test_a_bad_benchmark_leaves_no_half_written_data(write_corpus, name):
    """The benchmarks come last, when the rest of the folder is there."""
    write_corpus("a b a b")
    Path("data/raw/simlex999/simlex999.txt").write_text("old\tnew\n")
    with pytest.raises(UserError, match=r"simlex999\.txt, line 1"):
        prepare(name)
    assert written() == TOKENIZED


@pytest.mark.parametrize("name", [WINDOWS, COUNTS])
def test_a_step_that_is_missing_is_named(write_corpus, name):
    write_corpus("a b a b")
    Path("data/vocabularies/words.json").unlink()
    with pytest.raises(UserError, match=r"data/vocabularies/words\.json is missing"):
        prepare(name)


def test_an_unknown_data_set_and_a_wrong_recipe_are_named(write_corpus, tmp_path):
    write_corpus("a b a b")
    with pytest.raises(UserError, match=r"stages/word_vectors/params\.yaml: data has no 'nothing'; it has: windows, c"):
        prepare("word_vectors/nothing")
    wrong = RECIPES | {"cooccur": {"counts": {"tokens": "both", "vocab": "words", "window": 0}}}
    make_family_folder(tmp_path, "word_vectors", {"data": wrong})
    with pytest.raises(UserError, match=r"params\.yaml: data\.cooccur\.counts\.window = 0: .*greater than or equal"):
        prepare(COUNTS)
