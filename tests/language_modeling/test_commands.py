"""The commands that use trained language models, on an n-gram model of a few sentences."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from typer.testing import CliRunner

from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.run import load_family
from stages.core.vocabulary import Vocabulary
from stages.language_modeling import commands, mixture, ngram
from stages.language_modeling.data import Stream, load
from tests.conftest import ROOT
from tests.family_folder import make_family_folder

SENTENCES = ("the dog barks .", "the cat sleeps .", "the dog sleeps .", "`` the <unk> '' barks !")
TEXT = " </s> ".join([*SENTENCES * 4, ""]).split()
VERSE = "abc\nabd\n" * 20
GAP_RULE = "must have one gap, written ___, and at least one word beside it"
COLD = "must be a number above 0, at least 1e-06"
RUNS = {"trigram": 3, "bigram": 2}


ROW = {"preset": "none", "seeds": 1}
PARAMS = {
    "presets": {"none": {}},
    "data": {"mix": {"both": {"data": "words", "first": "trigram", "second": "bigram"}}},
    "runs": {
        **{name: ROW | {"model": "ngram", "data": "words", "args": {"order": order}} for name, order in RUNS.items()},
        "characters": ROW | {"model": "ngram", "data": "verse", "args": {"order": 3}},
        "mixed": ROW | {"model": "mixture", "data": "both", "args": {"weight": 0.3}},
        "untrained": ROW | {"model": "ngram", "data": "words", "args": {"order": 1}},
    },
}
PREPARED = Path("data/prepared/language_modeling")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory has prepared data and trained models of all runs but one."""
    monkeypatch.chdir(tmp_path)
    make_family_folder(tmp_path, "language_modeling", PARAMS)
    write_stream("words", TEXT, "word")
    write_stream("verse", [*VERSE, "</s>"], "character")
    for name, data, order in (("trigram", "words", 3), ("bigram", "words", 2), ("characters", "verse", 3)):
        stream = load(PREPARED / data)
        model = ngram.NGram(order, len(stream.vocabulary))
        ngram.count(model, stream.tokens, ngram.modified_discounts)
        save(name, model)
    mixed = mixture.build(mixture.Args(), {})
    mixed.weight.data.fill_(0.3)
    save("mixed", mixed)


def write_stream(name: str, tokens: list[str], unit: str) -> None:
    words = ["<unk>", *dict.fromkeys(word for word in tokens if word != "<unk>")]
    folder = PREPARED / name
    folder.mkdir(parents=True)
    np.save(folder / "tokens.npy", np.array([words.index(word) for word in tokens], dtype=np.int32))
    Vocabulary(words, [tokens.count(word) for word in words]).save(folder / "vocabulary.json")
    sizes = {"num_train": len(tokens) - 2, "num_validation": 1, "num_test": 1}
    write_json(folder / "info.json", {"unit": unit, "mark": "</s>", **sizes})


def save(run: str, model: torch.nn.Module) -> None:
    path = Path(f"data/models/language_modeling/{run}/1.safetensors")
    path.parent.mkdir(parents=True)
    write_tensors(path, model.state_dict())
    path.with_suffix(".json").write_text(json.dumps([{"epoch": 1, "train_loss": 1.0, "validation_loss": 1.0}]))


def invoke(*arguments: str) -> Result:
    """Run a command in this process; raise what it raised."""
    return CliRunner().invoke(commands.app, list(arguments), catch_exceptions=False)


def call(*arguments: str) -> str:
    """Run a command in this process; return what it printed, or raise what it raised."""
    return invoke(*arguments).stdout


def perplexity(text: str, run: str) -> float:
    Path("text.txt").write_text(text)
    return float(call("score", "text.txt", "--run", run).split()[1])


def by_hand(words: str, order: int) -> float:
    """The log-probability of words after EOS, from the model itself."""
    stream = load(PREPARED / "words")
    model = ngram.NGram(order, len(stream.vocabulary))
    ngram.count(model, stream.tokens, ngram.modified_discounts)
    tokens = torch.tensor([stream.vocabulary.index[word] for word in ["</s>", *words.split()]])[:, None]
    return model.log_likelihood(tokens[:-1], tokens[1:], None)[0].double().sum().item()


def test_score_is_the_perplexity_of_all_tokens(trained):
    """Words and signs apart, EOS after each sentence, quotes as in the corpus, the first word after EOS."""
    expected = math.exp(-by_hand("the dog sleeps . </s> `` the cat '' barks ! </s>", 3) / 12)
    assert perplexity('the dog sleeps.\n"the cat" barks!\n', "trigram") == pytest.approx(expected, abs=0.006)


def test_a_sentence_ends_after_its_closing_quote(trained):
    expected = math.exp(-by_hand("`` the cat sleeps . '' </s> the dog barks ! </s>", 3) / 12)
    assert perplexity('"the cat sleeps." the dog barks!\n', "trigram") == pytest.approx(expected, abs=0.006)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The court met in Aug. and “closed”.", "The court met in Aug. and `` closed '' . </s>"),
        ("It cost $20,000 -- or 5%!", "It cost $20,000 -- or 5% ! </s>"),
        (
            "He (Ivan Allen Jr.) didn’t--or wouldn't--say so.",
            "He ( Ivan Allen Jr. ) didn't -- or wouldn't -- say so . </s>",
        ),
        ('"Yes." He left.', "`` Yes . '' </s> He left . </s>"),
        ("no end", "no end"),
    ],
)
def test_a_text_is_divided_as_the_corpus_is(text, tokens):
    """What the vocabulary has as one word stays one; signs around other words come off."""
    known = "The court met in Aug. and closed It cost $20,000 or 5% He Ivan Allen Jr. didn't wouldn't say Yes left"
    vocabulary = Vocabulary(known.split(), [1] * len(known.split()))
    stream = Stream(torch.zeros(0), vocabulary, "word", "</s>", 0, 0, 0)
    assert list(commands._tokens(text, stream)) == tokens.split()


def test_verse_is_divided_into_poems():
    """An empty line and one with % end a poem, and the last one ends too."""
    stream = Stream(torch.zeros(0), Vocabulary(["a"], [1]), "character", "</s>", 0, 0, 0)
    expected = ["a", "b", "\n", "c", "</s>", "d", "</s>", "e", "</s>"]
    assert list(commands._tokens("\nab\n c \n\n\nd\n%\ne\n", stream)) == expected


def test_much_out_of_vocabulary_is_said(trained):
    Path("text.txt").write_text("the zebra quacks loudly\n")
    done = invoke("score", "text.txt", "--run", "bigram")
    assert done.exit_code == 0
    assert "so many words are out of vocabulary that" in done.stderr
    assert done.stdout.endswith("4 tokens with </s>, of which 75.0% are out of vocabulary\n")


def test_a_text_of_one_word_is_scored(trained):
    assert perplexity("the", "trigram") == pytest.approx(math.exp(-by_hand("the", 3)), abs=0.006)


def test_cloze_for_characters(trained):
    printed = call("cloze", "a___c", "--run", "characters", "--count", "1")
    assert printed.split()[-3] == "b"


def test_score_of_characters(trained):
    """Line breaks are characters."""
    assert 1 < perplexity("abc\nabd\n", "characters") < 4 < perplexity("cba\ndba\n", "characters")


def test_a_mixture_has_both_models(trained):
    words = "the dog sleeps . </s>"
    parts = [math.exp(by_hand(words[: -len(" </s>")], order)) for order in (3, 2)]
    assert parts[0] != pytest.approx(parts[1])
    mixed = perplexity("the dog sleeps.", "mixed")
    low, high = sorted(perplexity("the dog sleeps.", run) for run in RUNS)
    assert low - 0.01 <= mixed <= high + 0.01


def test_cloze_ranks_by_the_whole_sentence(trained):
    """By the probability of the sentence with every word in the gap, which the search may leave out."""
    table = [
        line.split() for line in call("cloze", "the ___ sleeps .", "--run", "trigram", "--count", "3").splitlines()
    ]
    rows = [(cells[0], float(cells[1])) for cells in table if len(cells) == 3 and cells[1][0] == "-"]
    words = [word for word in load(PREPARED / "words").vocabulary.words if word not in ("<unk>", "</s>")]
    expected = sorted(((by_hand(f"the {word} sleeps . </s>", 3), word) for word in words), reverse=True)[:3]
    assert [word for word, _ in rows[:2]] == [word for _, word in expected[:2]] == ["dog", "cat"]
    assert [score for _, score in rows] == pytest.approx([score for score, _ in expected], abs=0.001)


def test_generate_goes_on_with_the_prompt(trained):
    """Seed and temperature decide; `<unk>` is never written; sentences end their lines."""
    text = call("generate", "--prompt", "the dog", "--run", "trigram", "--length", "40")
    assert text.startswith("the dog ")
    assert "<unk>" not in text
    assert "</s>" not in text
    assert "\n" in text.strip()
    assert text == call("generate", "--prompt", "the dog", "--run", "trigram", "--length", "40")
    assert text != call("generate", "--prompt", "the dog", "--run", "trigram", "--length", "40", "--seed", "2")
    assert call("generate", "--prompt", "ab", "--run", "characters", "--length", "1", "--temperature", "0.01")[:3] in (
        "abc",
        "abd",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "--prompt", " "], "--prompt = ' ': must have at least one word or character"),
        (["generate", "--prompt", "zz qq"], "--prompt: none of its words is in the vocabulary of 11: zz, qq"),
        (
            ["generate", "--prompt", "the", "--temperature", "0"],
            "--temperature = 0.0: must be a number above 0, at least 1e-06",
        ),
        (
            ["generate", "--prompt", "the", "--temperature", "-1"],
            "--temperature = -1.0: must be a number above 0, at least 1e-06",
        ),
        (
            ["generate", "--prompt", "the", "--temperature", "nan"],
            "--temperature = nan: must be a number above 0, at least 1e-06",
        ),
        (["score", "absent.txt"], "absent.txt: cannot be read: No such file or directory"),
        (["score", "empty.txt"], "empty.txt: has no word in it"),
        (["score", "strange.txt"], "strange.txt: none of its words is in the vocabulary of 11: zz, qq"),
        (["score", "latin.txt"], "latin.txt, line 2: byte 0xe9 is not UTF-8; convert the file"),
        (["cloze", "the dog"], "SENTENCE = 'the dog': must have one gap, written ___, and at least one word beside it"),
        (["cloze", "___"], "SENTENCE = '___': must have one gap, written ___, and at least one word beside it"),
        (
            ["cloze", "___ the ___"],
            "SENTENCE = '___ the ___': must have one gap, written ___, and at least one word beside it",
        ),
    ],
)
def test_bad_input_is_one_line(trained, arguments, message):
    Path("empty.txt").write_text(" \n")
    Path("strange.txt").write_text("zz qq\n")
    Path("latin.txt").write_bytes("the\ncaf\u00e9\n".encode("latin-1"))
    with pytest.raises(UserError) as caught:
        call(*arguments, "--run", "trigram")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--run", "a_line"], "--run = 'a_line': must be one of trigram, bigram, characters, mixed, untrained"),
        (
            ["--run", "trigram", "--model-seed", "7"],
            "--model-seed = 7: must be one of 1, the seeds of language_modeling/trigram",
        ),
        (
            ["--run", "untrained"],
            "--run = 'language_modeling/untrained': data/models/language_modeling/untrained/1.safetensors is missing; "
            "`python -m stages repro language_modeling/untrained` makes it",
        ),
    ],
)
def test_a_wrong_run_is_named(trained, options, message):
    with pytest.raises(UserError) as caught:
        call("cloze", "the ___ sleeps", *options)
    assert str(caught.value) == message


def test_out_of_vocabulary_words_are_named_and_read_as_unk(trained):
    """The warning goes to stderr, the result to stdout."""
    done = invoke("generate", "--prompt", "the zebra", "--run", "bigram", "--length", "2")
    assert done.exit_code == 0
    assert done.stderr == "--prompt: out of vocabulary, read as <unk>: zebra\n"
    assert done.stdout.startswith("the <unk>")


def test_the_default_run_is_a_row(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert commands.DEFAULT_RUN in load_family("language_modeling").runs
