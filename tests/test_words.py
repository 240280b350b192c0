"""The commands that use trained word vectors, on vectors made by hand."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from stages.__main__ import app
from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.core.vocabulary import Vocabulary

# Directions: male, female, royal, fruit. Lengths differ, because only directions may count.
VECTORS = {
    "man": [1, 0, 0, 0],
    "woman": [0, 1, 0, 0],
    "king": [1, 0, 1, 0],
    "queen": [0, 2, 2, 0],
    "apple": [0, 0, 0, 9],
    "pear": [0, 0, 3, 4],
}
COMMANDS = [["nearest", "king"], ["analogy", "man", "king", "woman"], ["similarity", "king", "man"]]


@pytest.fixture
def params() -> dict:
    """No more than the commands need: neither tables nor the entries that the data are made from."""
    return {
        "seeds": [1, 2],
        "device": "cpu",
        "defaults": {"word_vectors": {"dimensions": 4, "num_epochs": 1, "learning_rate": 0.1}},
        "runs": {
            "a_line": {"family": "regression", "model": "linear_regression", "data": "line"},
            "word_vectors_skip_gram": {"family": "word_vectors", "model": "skip_gram", "data": "tiny"},
            "word_vectors_cbow": {"family": "word_vectors", "model": "cbow", "data": "tiny", "args": {"seeds": [0, 5]}},
        },
    }


@pytest.fixture
def trained(workspace: Path) -> Path:
    """The workspace with prepared data and the models of two runs; in those of seeds 2 and 0, king and pear swap."""
    data = workspace / "data/prepared/tiny"
    data.mkdir(parents=True)
    np.save(data / "tokens.npy", np.arange(6, dtype=np.int32))
    np.save(data / "keep_probability.npy", np.ones(6, dtype=np.float32))
    Vocabulary(list(VECTORS), [1] * 6).save(data / "vocabulary.json")
    (data / "benchmarks.json").write_text('{"analogies": []}')

    vectors = torch.tensor(list(VECTORS.values()), dtype=torch.float32)
    swapped = vectors[[0, 1, 5, 3, 4, 2]]
    save_model("word_vectors_skip_gram", 1, vectors)
    save_model("word_vectors_skip_gram", 2, swapped)
    save_model("word_vectors_cbow", 0, swapped)
    return workspace


def save_model(run: str, seed: int, vectors: torch.Tensor) -> None:
    """Write what training writes; the output vectors, all alike, would give every pair of words the cosine 1."""
    path = Path(f"data/models/{run}/{seed}.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, {"input.weight": vectors, "output.weight": torch.ones_like(vectors)})
    path.with_suffix(".json").write_text(json.dumps([{"epoch": 1, "train_loss": 1.0}]))


def call(*arguments: str) -> str:
    """Run a command in this process; return what it printed, or raise what it raised."""
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout


def answers(*arguments: str) -> list[tuple[str, str]]:
    """The lines of a printed table."""
    return re.findall(r"^ +(\w+) +(-?\d\.\d{4}) *$", call(*arguments), re.MULTILINE)


def test_the_nearest_words_come_first_without_the_word_itself(trained):
    assert answers("nearest", "king", "--count", "3") == [("man", "0.7071"), ("queen", "0.5000"), ("pear", "0.4243")]


def test_an_analogy_is_answered_without_the_words_of_the_question(trained):
    """woman, a part of the sum, has a greater cosine with it than pear has."""
    found = answers("analogy", "man", "king", "woman", "--count", "2")
    assert found == [("queen", "0.9586"), ("pear", "0.3369")]


def test_a_similarity_is_the_cosine_and_not_the_product(trained):
    assert call("similarity", "queen", "pear") == "0.4243\n"


def test_an_analogy_says_what_was_asked(trained):
    assert call("analogy", "MAN", "king", " woman").startswith("man is to king as woman is to …\n")


def test_case_and_spaces_around_a_word_do_not_matter(trained):
    assert call("similarity", " King", "MAN ") == call("similarity", "king", "man")


def test_no_more_words_are_printed_than_there_are(trained):
    """A count above the vocabulary is no mistake; the words asked for are never among the answers."""
    assert len(answers("nearest", "king", "--count", "99")) == 5
    assert len(answers("analogy", "man", "king", "woman", "--count", "99")) == 3
    assert len(answers("analogy", "man", "king", "man", "--count", "99")) == 4


def test_seed_and_run_choose_the_model(trained):
    """The default is the first seed of the run itself, which is not the first of params.yaml, and may be 0."""
    first, second = "0.7071\n", "0.0000\n"
    assert call("similarity", "king", "man") == first
    assert call("similarity", "king", "man", "--seed", "1") == first
    assert call("similarity", "king", "man", "--seed", "2") == second
    assert call("similarity", "king", "man", "--run", "word_vectors_cbow") == second


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--run", "a_line"], "--run = 'a_line': must be one of word_vectors_skip_gram, word_vectors_cbow"),
        (["--run", "glove"], "--run = 'glove': must be one of word_vectors_skip_gram, word_vectors_cbow"),
        (["--seed", "7"], "--seed = 7: must be one of 1, 2, the seeds of word_vectors_skip_gram"),
        (
            ["--run", "word_vectors_cbow", "--seed", "5"],
            "--run = 'word_vectors_cbow': data/models/word_vectors_cbow/5.safetensors is missing; "
            "`dvc repro train@word_vectors_cbow` makes it",
        ),
    ],
    ids=["other family", "unknown run", "unknown seed", "not trained"],
)
def test_a_wrong_option_is_named_with_what_is_allowed(trained, command, options, message):
    with pytest.raises(UserError) as caught:
        call(*command, *options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["nearest", " "], "WORD = ' ': must be a word"),
        (["analogy", "man", "king", ""], "C = '': must be a word"),
        (["similarity", "man", ""], "B = '': must be a word"),
        (["nearest", "quen"], "'quen' is not among the 6 words; closest spellings: queen"),
        (["nearest", "zz\nzz"], "'zz zz' is not among the 6 words; nothing is spelled like it"),
    ],
)
def test_a_wrong_word_is_named(trained, command, message):
    with pytest.raises(UserError) as caught:
        call(*command)
    assert str(caught.value) == message


def test_missing_data_are_named(trained):
    """A model alone does not say which word each of its vectors belongs to."""
    (trained / "data/prepared/tiny/vocabulary.json").unlink()
    with pytest.raises(UserError, match=r"^data/prepared/tiny/vocabulary\.json is missing or damaged"):
        call("nearest", "king")


@pytest.mark.parametrize("content", ["", "runs:", "runs: {word_vectors_skip_gram: }", "runs: [word_vectors_skip_gram]"])
def test_a_broken_params_file_is_named(trained, content):
    """No step `check` comes before these commands."""
    (trained / "params.yaml").write_text(content)
    with pytest.raises(UserError, match=r"^params\.yaml.*: Input should be a valid dictionary$"):
        call("nearest", "king")


@pytest.mark.parametrize("command", COMMANDS[:2], ids=lambda command: command[0])
def test_a_count_below_one_is_refused(command):
    result = CliRunner().invoke(app, [*command, "--count", "0"])
    assert result.exit_code == 2
    assert "count" in result.output


def test_a_mistake_is_one_line_in_the_terminal_and_a_result_comes_without_warnings(trained, run_stages):
    """In a process of their own, where torch's settings and imports come in the order that users have."""
    wrong = run_stages("nearest", "king", "--seed", "7")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr == "error: --seed = 7: must be one of 1, 2, the seeds of word_vectors_skip_gram\n"
    right = run_stages("similarity", "king", "man")
    assert (right.returncode, right.stdout, right.stderr) == (0, "0.7071\n", "")
