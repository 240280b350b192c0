"""The steps from a text to data for runs fit each other; without words they say so and leave nothing behind."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.cooccur import cooccur
from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.divide import divide
from stages.embed import embed
from stages.fold import fold
from stages.language_modeling import data as streams
from stages.mix import mix
from stages.subsample import subsample
from stages.text_classification import data as rated
from stages.texts.recipes import Vocab
from stages.texts.subsampling import keep_probability
from stages.texts.tokens import read_tokens, write_tokens
from stages.tokenize import tokenize
from stages.vocab import choose_words, vocab
from stages.word_vectors.data import Cooccurrences, Corpus, load
from tests.conftest import ROOT, yaml

FAMILY = {"family": "word_vectors", "vocab": "words"}
EMPTY: dict = {}
STREAM = {"family": "language_modeling", "vocab": "words", "unit": "word", "mark": "</s>", "train": 5, "validation": 3}
FOLDS = {
    "family": "text_classification",
    "raw": "one",
    "reader": "movie_reviews",
    "vocab": "words",
    "mark": "</s>",
    "num_folds": 2,
    "num_repeats": 1,
    "seed": 0,
}
RATED = {"tokens": "words_and_signs", "reader": "movie_reviews", "mark": "</s>"}
REVIEWS = "1\t2.5\tA fine film!\r\n2\t-1\tNot “fine”.\r\n3\t0\tA café…\r\n4\t0.1\tIt’s fine"
BENCHMARKS = {
    "wordsim353/wordsim353.tsv": "# comment\nTiger\tcat\t7.35\n",
    "simlex999/simlex999.txt": "old\tnew\t1.58\n",
    "google_analogies/questions-words.txt": ": family\nboy girl brother sister\n",
}


@pytest.fixture
def write_corpus(tmp_path, monkeypatch):
    """Write two texts that make one corpus, a params.yaml, and small benchmarks; tmp_path is the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(
        first: str, second: str = "", /, *, tokens: dict = EMPTY, parts: dict = EMPTY, folds: dict = EMPTY, **vocab_args
    ) -> None:
        params = {
            "tokenize": {
                "first": {"raw": "one", "reader": "plain", **tokens},
                "second": {"raw": "two", "reader": "plain"},
            },
            "corpora": {"text": ["first", "second"] if second else ["first"]},
            "vocab": {"words": {"corpus": "text", **vocab_args}},
            "subsample": {"windows": {**FAMILY, "threshold": 0.1}},
            "cooccur": {"counts": {**FAMILY, "window": 2}},
            "divide": {"stream": {**STREAM, **parts}},
            "fold": {"folds": {**FOLDS, **folds}},
            "embed": {"embedded": {"family": "text_classification", "data": "folds", "run": "some"}},
            "mix": {"both": {"family": "language_modeling", "data": "stream", "first": "one", "second": "two"}},
        }
        yaml.dump(params, tmp_path / "params.yaml")
        for name, text in {"one/a.txt": first, "two/a.txt": second, **BENCHMARKS}.items():
            path = tmp_path / "data/raw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def written() -> set[str]:
    """What lies in the folders that the steps write to, half-written folders included."""
    return {str(path.relative_to("data")) for path in Path("data").glob("*/*") if path.parts[1] != "raw"}


def test_steps_write_what_runs_read(write_corpus):
    """Lower case, a to z, data sets in order, rare words left out; both kinds of data with the benchmarks."""
    write_corpus("The cat's 2 hats:\nTHE cat.", "the dog, the-hats!")
    for name in ("first", "second"):
        tokenize(name)
    vocab("words")
    subsample("windows")
    cooccur("counts")

    text = ["the", "cat", "s", "hats", "the", "cat", "the", "dog", "the", "hats"]
    windows = load(Path("data/prepared/windows"))
    assert isinstance(windows, Corpus)
    assert windows.vocabulary.words == ["the", "cat", "hats", "dog", "s"]
    assert windows.vocabulary.counts == [4, 2, 2, 1, 1]
    assert [windows.vocabulary.words[i] for i in windows.tokens] == text
    np.testing.assert_array_equal(windows.keep_probability, keep_probability(np.array([4, 2, 2, 1, 1]), 0.1))
    assert windows.sizes() == {"num_words": 5, "num_tokens": 10}

    counts = load(Path("data/prepared/counts"))
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


WORDS = {"tokens": "words", "mark": "</s>"}
PARTS = {"validation": 3, "test": 4}


def test_a_stream_for_language_models(write_corpus):
    """Case kept, a mark after each line, words counted in the training part only, others merged, three parts."""
    write_corpus("The cat the\n\ncat The cat\na dog The", tokens=WORDS, specials=["<unk>"], first=5)
    for step, name in ((tokenize, "first"), (vocab, "words"), (divide, "stream")):
        step(name)
    data = streams.load(Path("data/prepared/stream"))
    assert data.vocabulary.words == ["<unk>", "cat", "</s>", "The", "the"]
    assert data.vocabulary.counts == [0, 2, 1, 1, 1]
    text = ["The", "cat", "the", "</s>", "cat", "The", "cat", "</s>", "<unk>", "<unk>", "The", "</s>"]
    assert [data.vocabulary.words[token] for token in data.tokens] == text
    assert data.sizes() == {"num_words": 5, "num_train": 5, "num_validation": 3, "num_test": 4}
    assert [data.vocabulary.words[token] for token in data.train] == text[:5]
    for part, start, end in (("validation", 5, 8), ("test", 8, 12)):
        tokens, begin = data.part(part)
        assert (begin, len(tokens)) == (start, end)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("text8", ["it", "s", "a", "cat"]),
        ("words", ["It's", "a", "Cat", "."]),
        ("lower_case_words", ["it's", "a", "cat", "."]),
        ("words_and_signs", ["it", "'", "s", "a", "cat", "."]),
        ("characters", list("It's a Cat .")),
    ],
)
def test_ways_to_divide_a_text(write_corpus, tokens, expected):
    write_corpus("It's a Cat .\n", tokens={"tokens": tokens})
    tokenize("first")
    words, ids = read_tokens(Path("data/tokens/first"))
    assert [words[number] for number in ids] == expected


def test_parts_may_be_shares(write_corpus):
    """So that one parameter is enough to put in a text of another length."""
    write_corpus("a b\n" * 34, tokens=WORDS, parts={"train": 0.8, "validation": 0.1}, specials=["<unk>"], first=0.8)
    for step, name in ((tokenize, "first"), (vocab, "words"), (divide, "stream")):
        step(name)
    assert streams.load(Path("data/prepared/stream")).sizes()["num_train"] == 82


@pytest.mark.parametrize("parts", [{"train": 9}, {"train": 0.9, "validation": 0.1}, {"train": 12, "validation": 5}])
def test_a_part_without_tokens_is_named(write_corpus, parts):
    write_corpus("a b c\na b c\na b c", tokens=WORDS, parts=parts, specials=["<unk>"])
    tokenize("first")
    vocab("words")
    with pytest.raises(UserError, match=r"params\.yaml: divide\.stream: train = .*of 12 tokens each part"):
        divide("stream")
    assert "prepared/stream" not in written()


@pytest.mark.parametrize(
    ("tokens", "specials", "missing"), [({"tokens": "words"}, ["<unk>"], "</s>"), (WORDS, [], "<unk>")]
)
def test_a_vocabulary_without_marks_is_named(write_corpus, tokens, specials, missing):
    write_corpus("a b c", tokens=tokens, specials=specials)
    tokenize("first")
    vocab("words")
    with pytest.raises(UserError, match=rf"divide\.stream: '{missing}' is not in the vocabulary 'words'"):
        divide("stream")


def test_a_lyrics_file_that_is_not_utf_8(write_corpus):
    """One line with the file, the line and the byte; nothing is written."""
    write_corpus("a b c", tokens={"tokens": "characters", "reader": "verse"})
    Path("data/raw/one/a.txt").write_bytes("one\ntwo \u00e9".encode("latin-1"))
    with pytest.raises(UserError, match=r"data/raw/one/a\.txt, line 2: byte 0xe9 is not UTF-8; convert the file"):
        tokenize("first")
    assert written() == set()


def test_predictions_of_two_runs_are_put_side_by_side(write_corpus):
    """By part and seed; runs of data with other sizes are refused."""
    write_corpus("a b c\na b c\na b c", tokens=WORDS, specials=["<unk>"])
    for step, name in ((tokenize, "first"), (vocab, "words"), (divide, "stream")):
        step(name)
    for run, seeds in (("one", (1, 2)), ("two", (1,))):
        scores = {f"{part}_{seed}": torch.full((n,), -float(seed)) for part, n in PARTS.items() for seed in seeds}
        Path(f"data/evaluations/{run}").mkdir(parents=True)
        write_tensors(Path(f"data/evaluations/{run}/predictions.safetensors"), scores)
    mix("both")
    data = streams.load(Path("data/prepared/both"))
    assert [scores.tolist() for scores in data.pair("test", 2)] == [[-2.0] * 4, [-1.0] * 4]
    assert data.sizes() == {"num_words": 5, "num_train": 5, "num_validation": 3, "num_test": 4}

    write_tensors(Path("data/evaluations/two/predictions.safetensors"), {"test_1": torch.zeros(9)})
    with pytest.raises(
        UserError, match=r"mix\.both\.second = 'two': it predicted 9 tokens of test_1, and 'stream' has 4"
    ):
        mix("both")


@pytest.fixture
def reviews(write_corpus) -> Callable[..., None]:
    """Write the reviews, tokenized and numbered."""

    def write(content: str = REVIEWS, specials=("<unk>",), **options) -> None:
        write_corpus("", tokens=RATED, specials=list(specials), **options)
        Path("data/raw/one/movie_reviews.tsv").write_bytes(content.encode())
        tokenize("first")
        vocab("words")

    return write


def test_rated_texts_in_folds(reviews):
    """Words with their texts, ratings above 0 positive, each text tested once; line ends of Windows are no words."""
    reviews()
    fold("folds")
    data = rated.load(Path("data/prepared/folds"))
    assert data.texts.strings == ["A fine film!", "Not “fine”.", "A café…", "It’s fine"]
    words = [[data.vocabulary.words[token] for token in data.texts.select(torch.tensor([k])).tokens] for k in range(4)]
    assert words == [
        ["a", "fine", "film", "!"],
        ["not", '"', "fine", '"', "."],
        ["a", "café", "…"],
        ["it", "'", "s", "fine"],
    ]
    assert data.labels.tolist() == [True, False, False, True]
    assert sorted(torch.cat([data.split(number).test for number in (1, 2)]).tolist()) == [0, 1, 2, 3]
    assert data.sizes() == {
        "num_words": len(data.vocabulary),
        "num_dimensions": 0,
        "num_folds": 2,
        "num_train": 2,
        "num_validation": 0,
        "num_test": 2,
    }


def test_word_vectors_of_a_run_beside_rated_texts(reviews):
    """In the vocabulary's order; a word that the run lacks has 0; a run that was not evaluated is named."""
    reviews()
    fold("folds")
    with pytest.raises(UserError, match="vectors.txt is missing or damaged; `dvc repro evaluate@some` makes it again"):
        embed("embedded")
    Path("data/evaluations/some").mkdir(parents=True)
    Path("data/evaluations/some/vectors.txt").write_text("2 3\nfine 1 2 3\nzebra 4 5 6\n")
    embed("embedded")
    data = rated.load(Path("data/prepared/embedded"))
    place = data.vocabulary.index["fine"]
    assert data.has_vector.nonzero().flatten().tolist() == [place]
    assert data.vectors[place].tolist() == [1.0, 2.0, 3.0]
    assert data.vectors.sum() == 6
    assert data.info["num_dimensions"] == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": {"num_folds": 3}}, r"fold\.folds\.num_folds = 3: must be at most 2, the texts of the rarer class"),
        ({"specials": ()}, r"fold\.folds\.vocab = 'words': must begin with <unk> and have </s>"),
    ],
)
def test_rated_texts_that_cannot_be_folded(reviews, change, message):
    reviews(**change)
    with pytest.raises(UserError, match=message):
        fold("folds")
    assert "prepared/folds" not in written()


def test_a_corpus_that_is_not_the_rated_texts(reviews):
    reviews()
    Path("data/raw/one/movie_reviews.tsv").write_text(REVIEWS + "\n5\t1\tFine.")
    with pytest.raises(UserError, match=r"'words' has 4 texts that end with </s>, and one has 5"):
        fold("folds")


@pytest.mark.filterwarnings("error")  # a special word never occurs: no division by zero
def test_words_that_do_not_count_are_left_out_or_become_unk(write_corpus):
    """With `<unk>` among the specials the text keeps its length; without, neighbours move together."""
    for specials, length in (([], 4), (["<unk>"], 6)):
        write_corpus("a b x a y b", min_count=2, specials=specials)
        tokenize("first")
        vocab("words")
        subsample("windows")
        data = load(Path("data/prepared/windows"))
        assert data.vocabulary.words == [*specials, "a", "b"]
        assert len(data.tokens) == length
        assert data.keep_probability.shape == (len(specials) + 2,)


def test_an_empty_text_is_named(write_corpus):
    """No text, and one with no letter from a to z."""
    for text in ("", "123 – 456\n"):
        write_corpus(text)
        with pytest.raises(UserError, match="^data/raw/one: there is no word in it$"):
            tokenize("first")
        assert written() == set()


@pytest.mark.parametrize("text", ["word", "word word word"])
def test_a_corpus_of_one_word_is_named(write_corpus, text):
    write_corpus(text)
    tokenize("first")
    with pytest.raises(
        UserError, match=r"^params\.yaml: vocab\.words: 1 words occur min_count = 1 times: it needs two$"
    ):
        vocab("words")
    assert written() == {"tokens/first"}


def test_a_vocabulary_of_one_word_is_refused_by_its_key(write_corpus):
    """No text could make up for it, so the message must not blame the text."""
    write_corpus("a b c", max_size=1)
    with pytest.raises(UserError, match=r"params\.yaml: vocab\.words\.max_size = 1: .*greater than or equal to 2"):
        vocab("words")


def test_a_vocabulary_that_admits_nothing_is_named(write_corpus):
    """Special words do not make up for it."""
    write_corpus("a b c a b c", min_count=3, specials=["<unk>", "<pad>"])
    tokenize("first")
    with pytest.raises(UserError, match=r"vocab\.words: 0 words occur min_count = 3 times"):
        vocab("words")
    assert written() == {"tokens/first"}


@pytest.mark.parametrize("step", [lambda: subsample("windows"), lambda: cooccur("counts")])
def test_a_corpus_with_nothing_of_the_vocabulary_is_named(write_corpus, step):
    """The text was replaced and the vocabulary was not made again."""
    write_corpus("a b a b")
    tokenize("first")
    vocab("words")
    write_tokens(Path("data/tokens/first"), [["a", "z", "z"]])
    with pytest.raises(UserError, match=r"^corpus first: 1 tokens are in the vocabulary 'words': it needs two$"):
        step()
    assert written() == {"tokens/first", "vocabularies/words.json"}


@pytest.mark.parametrize("step", [lambda: subsample("windows"), lambda: cooccur("counts")])
def test_a_bad_benchmark_leaves_no_half_written_data(write_corpus, step):
    """The benchmarks come last, when the rest of the folder is there."""
    write_corpus("a b a b")
    tokenize("first")
    vocab("words")
    Path("data/raw/simlex999/simlex999.txt").write_text("old\tnew\n")
    with pytest.raises(UserError, match=r"simlex999\.txt, line 1"):
        step()
    assert written() == {"tokens/first", "vocabularies/words.json"}


def test_a_step_that_is_missing_is_named(write_corpus):
    """Each step says which file it lacks, or which entry of params.yaml."""
    write_corpus("a b", "b c")
    tokenize("first")
    with pytest.raises(UserError, match=r"data/tokens/second is missing"):
        vocab("words")
    for step, name in ((subsample, "windows"), (cooccur, "counts")):
        with pytest.raises(UserError, match=r"data/vocabularies/words\.json is missing"):
            step(name)
        with pytest.raises(UserError, match=rf"params\.yaml: {step.__name__} has no 'nothing'"):
            step("nothing")


COUNTS = Counter({"b": 3, "c": 3, "a": 3, "the": 9, "rare": 1})


@pytest.mark.parametrize(
    ("options", "words", "counts"),
    [
        ({}, ["the", "a", "b", "c", "rare"], [9, 3, 3, 3, 1]),
        ({"min_count": 3}, ["the", "a", "b", "c"], [9, 3, 3, 3]),
        ({"min_count": 4}, ["the"], [9]),
        ({"max_size": 3}, ["the", "a", "b"], [9, 3, 3]),
        ({"max_size": 4, "min_count": 9}, ["the"], [9]),
        ({"max_size": 2, "specials": ["<unk>", "<pad>"]}, ["<unk>", "<pad>", "the", "a"], [7, 0, 9, 3]),
    ],
)
def test_words_are_chosen_by_count_and_then_by_the_alphabet(options, words, counts):
    """Equal counts have an order of their own, so that the same text gives the same vectors."""
    chosen = choose_words(COUNTS, Vocab(corpus="text", **options))
    assert (chosen.words, chosen.counts) == (words, counts)


def test_runs_need_no_torchtext():
    """Torchtext is at its end: only the two steps that the documents do with it may need it."""
    modules = "stages.subsample, stages.divide, stages.mix, stages.train, stages.word_vectors.evaluate, stages.language"
    program = f"import sys, {modules}; sys.exit('torchtext' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
