"""From rated texts to data for classifiers: words with their texts, folds, word vectors; what does not fit is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stages.core.errors import UserError
from stages.prepare import prepare
from stages.text_classification.data import load
from stages.text_classification.prepare import splits
from stages.tokenize import tokenize
from stages.vocab import vocab
from tests.family_folder import make_family_folder, written
from tests.text_classification.small import FOLDS

RECIPE = {
    "raw": "one",
    "reader": "movie_reviews",
    "tokens": "reviews",
    "vocab": "words",
    "eos": "</s>",
    "num_folds": 2,
    "num_repeats": 1,
    "seed": 0,
}
DIVIDED, EMBEDDED = "text_classification/divided", "text_classification/embedded"
REVIEWS = "1\t2.5\tA fine film!\r\n2\t-1\tNot “fine”.\r\n3\t0\tA café…\r\n4\t0.1\tIt’s fine"


@pytest.fixture
def write_reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write the reviews, tokenized, and their vocabulary into the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(recipe: dict[str, Any] | None = None, specials: tuple[str, ...] = ("<unk>",)) -> None:
        data = {
            "folds": {"divided": RECIPE | (recipe or {})},
            "embed": {"embedded": {"data": "divided", "vectors": "some"}},
        }
        make_family_folder(
            tmp_path,
            "text_classification",
            {"data": data},
            tokenize={"reviews": {"raw": "one", "reader": "movie_reviews", "tokens": "words_and_signs", "eos": "</s>"}},
            vocab={"words": {"tokens": "reviews", "specials": list(specials)}},
        )
        path = Path("data/raw/one/movie_reviews.tsv")
        path.parent.mkdir(parents=True)
        path.write_bytes(REVIEWS.encode())
        tokenize("reviews")
        vocab("words")

    return write


def test_rated_texts_in_folds(write_reviews):
    """Words with their texts, ratings above 0 positive, each text tested once; line ends of Windows are no words."""
    write_reviews()
    prepare(DIVIDED)
    data = load(Path("data/prepared") / DIVIDED)
    assert data.texts.strings == ["A fine film!", "Not “fine”.", "A café…", "It’s fine"]
    words = [[data.vocabulary.words[token] for token in data.texts.select(torch.tensor([k])).tokens] for k in range(4)]
    assert words == [
        ["a", "fine", "film", "!"],
        ["not", '"', "fine", '"', "."],
        ["a", "café", "…"],
        ["it", "'", "s", "fine"],
    ]
    assert data.eos == "</s>"
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


def test_word_vectors_of_a_run_beside_rated_texts(write_reviews):
    """In the vocabulary's order; a word that the run lacks has 0; a run that was not evaluated is named."""
    write_reviews()
    prepare(DIVIDED)
    path = Path("data/evaluations/word_vectors/some/vectors.txt")
    with pytest.raises(UserError, match=rf"data\.embed\.embedded: {path} is missing or damaged; `dvc repro`"):
        prepare(EMBEDDED)
    path.parent.mkdir(parents=True)
    path.write_text("2 3\nfine 1 2 3\nzebra 4 5 6\n")
    prepare(EMBEDDED)
    data = load(Path("data/prepared") / EMBEDDED)
    place = data.vocabulary.index["fine"]
    assert data.has_vector.nonzero().flatten().tolist() == [place]
    assert data.vectors[place].tolist() == [1.0, 2.0, 3.0]
    assert data.vectors.sum() == 6
    assert data.info["num_dimensions"] == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"recipe": {"num_folds": 3}},
            r"data\.folds\.divided\.num_folds = 3: must be at most 2, the texts of the rarer class",
        ),
        ({"specials": ()}, r"data\.folds\.divided\.vocab = 'words': must begin with <unk> and have </s>"),
    ],
)
def test_rated_texts_that_cannot_be_folded(write_reviews, change, message):
    write_reviews(**change)
    with pytest.raises(UserError, match=message):
        prepare(DIVIDED)
    assert written() == {"tokens/reviews", "vocabularies/words.json"}


def test_a_corpus_that_is_not_the_rated_texts(write_reviews):
    write_reviews()
    Path("data/raw/one/movie_reviews.tsv").write_text(REVIEWS + "\n5\t1\tFine.")
    with pytest.raises(UserError, match=r"'words' has 4 texts that end with </s>, and one has 5"):
        prepare(DIVIDED)


def test_folds_test_each_text_once_a_repeat_and_share_none_with_training():
    recipe = FOLDS.model_copy(update={"validation": 0.2})
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
    assert len(splits(torch.arange(30) % 2 == 0, FOLDS)["validation_1"]) == 0
