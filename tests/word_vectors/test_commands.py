"""The commands that use trained word vectors, on vectors made by hand."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.core.run import load_family
from stages.core.vocabulary import Vocabulary
from stages.word_vectors import evaluate
from stages.word_vectors.commands import DEFAULT_RUN, app, scores
from tests.conftest import ROOT
from tests.family_folder import make_family_folder

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


ARGS = {"dimensions": 4, "num_epochs": 1, "learning_rate": 0.1}
ROW = {"data": "tiny", "preset": "plain", "args": {}}
PARAMS = {
    "presets": {"plain": ARGS},
    "runs": {
        "skip_gram": ROW | {"model": "skip_gram", "seeds": 2},
        "cbow": ROW | {"model": "cbow", "seeds": 3},
    },
}
DATA = Path("data/prepared/word_vectors/tiny")


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with prepared data and the models of two runs; in one of seed 2 king and pear swap."""
    monkeypatch.chdir(tmp_path)
    make_family_folder(tmp_path, "word_vectors", PARAMS)
    DATA.mkdir(parents=True)
    np.save(DATA / "tokens.npy", np.arange(6, dtype=np.int32))
    np.save(DATA / "keep_probability.npy", np.ones(6, dtype=np.float32))
    Vocabulary(list(VECTORS), [1] * 6).save(DATA / "vocabulary.json")
    (DATA / "benchmarks.json").write_text('{"analogies": []}')

    vectors = torch.tensor(list(VECTORS.values()), dtype=torch.float32)
    swapped = vectors[[0, 1, 5, 3, 4, 2]]
    save_model("skip_gram", 1, vectors)
    save_model("skip_gram", 2, swapped)
    save_model("cbow", 1, swapped)
    return tmp_path


def save_model(run: str, seed: int, vectors: torch.Tensor) -> None:
    """Write what training writes; the output vectors, all alike, would give every pair of words the cosine 1."""
    path = Path(f"data/models/word_vectors/{run}/{seed}.safetensors")
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
    """The default is the row's first seed; a row may be named with its family."""
    first, second = "0.7071\n", "0.0000\n"
    assert call("similarity", "king", "man") == first
    assert call("similarity", "king", "man", "--seed", "1") == first
    assert call("similarity", "king", "man", "--seed", "2") == second
    assert call("similarity", "king", "man", "--run", "cbow") == second
    assert call("similarity", "king", "man", "--run", "word_vectors/cbow") == second


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--run", "glove"], "--run = 'glove': must be one of skip_gram, cbow"),
        (["--run", "regression/cbow"], "--run = 'regression/cbow': must be one of skip_gram, cbow"),
        (["--seed", "7"], "--seed = 7: must be one of 1, 2, the seeds of word_vectors/skip_gram"),
        (
            ["--run", "cbow", "--seed", "3"],
            "--run = 'word_vectors/cbow': data/models/word_vectors/cbow/3.safetensors is missing; "
            "`python -m stages repro word_vectors/cbow` makes it",
        ),
    ],
    ids=["unknown run", "other family", "unknown seed", "not trained"],
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
    (DATA / "vocabulary.json").unlink()
    with pytest.raises(UserError, match=rf"^{DATA}/vocabulary\.json is missing or damaged"):
        call("nearest", "king")


@pytest.mark.parametrize("content", ["", "runs:", "runs: {skip_gram: }", "runs: [skip_gram]"])
def test_a_broken_params_file_is_named(trained, content):
    """No stage comes before these commands that would read it."""
    path = Path("stages/word_vectors/params.yaml")
    path.write_text(content)
    with pytest.raises(UserError, match=rf"^{path}.*: (Input should be a valid dict|.*[Ff]ield required)"):
        call("nearest", "king")


@pytest.mark.parametrize("command", COMMANDS[:2], ids=lambda command: command[0])
def test_a_count_below_one_is_refused(command):
    result = CliRunner().invoke(app, [*command, "--count", "0"])
    assert result.exit_code == 2
    assert "count" in result.output


def test_results_come_without_warnings(trained, capfd):
    """SciPy warns where denormal numbers are zero when it is imported: it is, with the scores, before they are."""
    assert scores is evaluate
    assert scores.stats.spearmanr
    assert call("similarity", "king", "man") == "0.7071\n"
    assert capfd.readouterr().err == ""


def test_the_default_run_is_a_row(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert DEFAULT_RUN in load_family("word_vectors").runs
