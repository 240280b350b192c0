"""From a text to data for language models; what does not fit is named, and nothing half-written is left."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.language_modeling.data import load
from stages.prepare import prepare
from stages.tokenize import tokenize
from stages.vocab import vocab
from tests.family_folder import make_family_folder, written

DIVIDE = {"tokens": "text", "vocab": "words", "unit": "word", "eos": "</s>", "train": 5, "validation": 3}
MIX = {"data": "stream", "first": "one", "second": "two"}
STREAM, MIXED = "language_modeling/stream", "language_modeling/both"
PARTS = {"validation": 3, "test": 4}


@pytest.fixture
def write_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write a tokenized text with its vocabulary into the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(text: str, eos: str | None = "</s>", parts: dict[str, Any] | None = None, **recipe) -> None:
        make_family_folder(
            tmp_path,
            "language_modeling",
            {"data": {"divide": {"stream": DIVIDE | (parts or {})}, "mix": {"both": MIX}}},
            tokenize={"text": {"raw": "one", "reader": "plain", "tokens": "words", "eos": eos}},
            vocab={"words": {"tokens": "text", "specials": ["<unk>"], **recipe}},
        )
        path = Path("data/raw/one/a.txt")
        path.parent.mkdir(parents=True)
        path.write_text(text)
        tokenize("text")
        vocab("words")

    return write


def test_a_stream_for_language_models(write_corpus):
    """Case kept, EOS after each line, words counted in the training part only, others merged, three parts."""
    write_corpus("The cat the\n\ncat The cat\na dog The", first=5)
    prepare(STREAM)
    data = load(Path("data/prepared") / STREAM)
    assert data.vocabulary.words == ["<unk>", "cat", "</s>", "The", "the"]
    assert data.vocabulary.counts == [0, 2, 1, 1, 1]
    assert data.eos == "</s>"
    text = ["The", "cat", "the", "</s>", "cat", "The", "cat", "</s>", "<unk>", "<unk>", "The", "</s>"]
    assert [data.vocabulary.words[token] for token in data.tokens] == text
    assert data.sizes() == {"num_words": 5, "num_train": 5, "num_validation": 3, "num_test": 4}
    assert [data.vocabulary.words[token] for token in data.train] == text[:5]
    for part, start, end in (("validation", 5, 8), ("test", 8, 12)):
        tokens, begin = data.part(part)
        assert (begin, len(tokens)) == (start, end)


def test_parts_may_be_shares(write_corpus):
    """So that one parameter is enough to put in a text of another length."""
    write_corpus("a b\n" * 34, parts={"train": 0.8, "validation": 0.1}, first=0.8)
    prepare(STREAM)
    assert load(Path("data/prepared") / STREAM).sizes()["num_train"] == 82


@pytest.mark.parametrize("parts", [{"train": 9}, {"train": 0.9, "validation": 0.1}, {"train": 12, "validation": 5}])
def test_a_part_without_tokens_is_named(write_corpus, parts):
    write_corpus("a b c\na b c\na b c", parts=parts)
    with pytest.raises(UserError, match=r"params\.yaml: data\.divide\.stream: train = .*of 12 tokens each part"):
        prepare(STREAM)
    assert written() == {"tokens/text", "vocabularies/words.json"}


@pytest.mark.parametrize(
    ("eos", "specials", "missing"), [(None, ["<unk>"], "</s>"), ("</s>", [], "<unk>")], ids=["eos", "unk"]
)
def test_a_vocabulary_without_eos_or_unk_is_named(write_corpus, eos, specials, missing):
    write_corpus("a b c", eos=eos, specials=specials)
    with pytest.raises(UserError, match=rf"data\.divide\.stream: '{missing}' is not in the vocabulary 'words'"):
        prepare(STREAM)


def test_predictions_of_two_runs_are_put_side_by_side(write_corpus):
    """By part and seed; runs of data with other sizes are refused."""
    write_corpus("a b c\na b c\na b c")
    prepare(STREAM)
    folder = Path("data/evaluations/language_modeling")
    for run, seeds in (("one", (1, 2)), ("two", (1,))):
        scores = {f"{part}_{seed}": torch.full((n,), -float(seed)) for part, n in PARTS.items() for seed in seeds}
        (folder / run).mkdir(parents=True)
        write_tensors(folder / run / "predictions.safetensors", scores)
    prepare(MIXED)
    data = load(Path("data/prepared") / MIXED)
    assert [scores.tolist() for scores in data.pair("test", 2)] == [[-2.0] * 4, [-1.0] * 4]
    assert data.sizes() == {"num_words": 5, "num_train": 5, "num_validation": 3, "num_test": 4}

    write_tensors(folder / "two/predictions.safetensors", {"test_1": torch.zeros(9)})
    message = r"data\.mix\.both\.second = 'two': it predicted 9 tokens of test_1, and 'stream' has 4"
    with pytest.raises(UserError, match=message):
        prepare(MIXED)


def test_damaged_data_are_named(write_corpus):
    write_corpus("a b c\na b c\na b c")
    prepare(STREAM)
    (Path("data/prepared") / STREAM / "tokens.npy").write_bytes(b"")
    with pytest.raises(UserError, match=r"data/prepared/language_modeling/stream is missing or damaged"):
        load(Path("data/prepared") / STREAM)
