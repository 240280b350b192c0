"""The command that classifies texts, on a small network of made-up words."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import Result
from safetensors.torch import save_file
from typer.testing import CliRunner

from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.run import load_family, load_run
from stages.core.trained import load_model
from stages.text_classification import train
from stages.text_classification.commands import DEFAULT_RUN, app
from stages.text_classification.data import Split
from tests.conftest import ROOT
from tests.family_folder import make_family_folder
from tests.text_classification.small import EOS, FOLDS, small_texts

ARGS = {
    "embedding_size": 6,
    "num_epochs": 30,
    "batch_size": 16,
    "learning_rate": 0.03,
    "vector_learning_rate": 0.03,
    "vector_sd": 0.3,
}
ROW = {"data": "small", "preset": "none", "seeds": 1, "args": {}}
PARAMS = {
    "presets": {"none": {}, "average": ARGS},
    "data": {
        "folds": {"small": FOLDS.model_dump()},
        "embed": {"embedded": {"data": "small", "vectors": "some"}},
    },
    "runs": {
        "average": ROW | {"model": "word_avg", "preset": "average"},
        "same": ROW | {"model": "word_avg", "data": "embedded", "preset": "average"},
        "rules": ROW | {"model": "vader"},
        "untrained": ROW | {"model": "majority"},
    },
}
TOKENIZE = {"t": {"raw": "r", "reader": "movie_reviews", "tokens": "words_and_signs", "eos": EOS}}


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with prepared data and trained models of all runs but one; not to be changed."""
    root = tmp_path_factory.mktemp("trained")
    make_family_folder(root, "text_classification", PARAMS, tokenize=TOKENIZE)
    data = small_texts()
    for name in ("small", "embedded"):
        folder = root / "data/prepared/text_classification" / name
        folder.mkdir(parents=True)
        texts = {"tokens": data.texts.tokens, "lengths": data.texts.lengths, "ratings": data.ratings}
        write_tensors(folder / "texts.safetensors", texts)
        parts = {
            f"{part}_{number}": getattr(split, part) for number, split in data.splits.items() for part in Split._fields
        }
        write_tensors(folder / "splits.safetensors", parts)
        (folder / "texts.json").write_text(json.dumps(data.texts.strings))
        data.vocabulary.save(folder / "vocabulary.json")
        write_json(folder / "info.json", {"num_folds": 3, "mark": EOS})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in ("average", "rules"):
            torch.manual_seed(1)
            model, history = train.fit(load_run(f"text_classification/{name}"), data, 1)
            for run in (name, "same") if name == "average" else (name,):
                path = Path(f"data/models/text_classification/{run}/1.safetensors")
                path.parent.mkdir(parents=True)
                save_file(model.state_dict(), path)
                path.with_suffix(".json").write_text(json.dumps(history))
    return root


@pytest.fixture
def trained(trained_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory has the trained models."""
    monkeypatch.chdir(trained_once)


def invoke(*arguments: str, given: bytes | None = None, catch: bool = False) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, ["classify", *arguments], input=given, catch_exceptions=catch)


def call(*arguments: str, given: bytes | None = None) -> str:
    """Return what the command printed, or raise what it raised."""
    return invoke(*arguments, given=given).stdout


@pytest.mark.parametrize("run", ["average", "same"])
def test_label_probability_and_words(trained, run):
    """Praise pushes towards positive, blame towards negative, and what is not in the data stands in no table."""
    printed = call("fine1 thing2, poor3 fine4 fine5 zebra!", "--run", run)
    first, rest = printed.split("\n", 1)
    assert first.startswith("positive, probability of a positive text 0.")
    positive, negative = rest.split("towards negative")
    assert "towards positive" in positive
    for word in ("fine1", "fine4", "fine5"):
        assert word in positive
    assert "poor3" in negative
    zebra = [line for line in rest.splitlines() if "zebra" in line]
    assert not zebra


def test_a_word_pushes_by_what_the_logit_loses_without_it(trained):
    """Of a mean of two words one of which becomes `<unk>`: half their difference, times the weight."""
    (line,) = [line.split() for line in call("fine1 thing2", "--run", "average").splitlines() if "fine1" in line]
    data = small_texts()
    model, _ = load_model(load_run("text_classification/average"), 1, data.info)
    fine, unknown = (data.vocabulary.index[word] for word in ("fine1", "<unk>"))
    expected = (model.tuned[fine] - model.tuned[unknown]) @ model.output.weight[0] / 2
    assert float(line[1]) == pytest.approx(expected.item(), abs=0.001)


def test_rules_read_the_text_as_it_is_written(trained):
    """VADER's words are no words of the data; thing2 is there because a text must have an in-vocabulary word."""
    loud, quiet = (call(f"thing2 is {word}", "--run", "rules") for word in ("GREAT!!!", "great"))
    assert loud.startswith("positive")
    assert float(loud.split("\n")[0].split()[-1]) > float(quiet.split("\n")[0].split()[-1])
    assert "great" in quiet.split("towards positive")[1]


def test_rules_need_no_word_of_the_vocabulary(trained):
    """They have a lexicon of their own."""
    assert call("hooray", "--run", "rules").startswith("positive")


def test_lines_of_standard_input(trained):
    """One line each: label, probability, strongest words first."""
    printed = call("--run", "average", given="\ufefffine1 thing2\nthing3 poor1 poor2 poor3\n".encode())
    first, second = (line.split("\t") for line in printed.splitlines())
    assert (first[0], second[0]) == ("positive", "negative")
    assert first[2].startswith("fine1 +")
    assert all("poor" in word for word in second[2].split(", ")[:3])
    assert len(call("--run", "average", "--count", "1", given=b"fine1 thing2\n").split("\t")[2].split(", ")) == 1


def test_bad_lines_are_named_and_the_others_classified(trained):
    """Empty, without an in-vocabulary word, not UTF-8: one line each on stderr, and a failure at the end."""
    lines = b"fine1 thing2\n\nzebra quagga\nfine1 \xe9\npoor1 thing1\n"
    done = invoke("--run", "average", given=lines, catch=True)
    assert isinstance(done.exception, UserError)
    assert str(done.exception) == "standard input: 3 of 5 lines could not be classified"
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["positive", "negative"]
    assert done.stderr.splitlines() == [
        "line 2: must have at least one word",
        "line 3: none of its words is in the vocabulary of 46: zebra, quagga",
        "line 4: byte 0xe9 is not UTF-8; convert the text",
    ]


def test_a_text_of_100_000_words(trained):
    """It is classified; its words are not weighed one by one, and that is said."""
    given = (" ".join(["fine1 thing2"] * 50_000) + "\n").encode()
    result = invoke("--run", "average", given=given)
    assert result.exit_code == 0
    assert result.stdout.startswith("positive\t")
    assert "line 1: has 100,000 words; which of them decide is shown for up to 1,000" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["  "], r"TEXT = '  ': must have at least one word"),
        (["zebra"], r"TEXT: none of its words is in the vocabulary of \d+: zebra"),
        ([f"{EOS} <unk>"], r"TEXT: none of its words is in the vocabulary"),
        (
            ["fine1", "--run", "untrained"],
            r"data/models/text_classification/untrained/1\.safetensors is missing; `python -m stages repro text_class",
        ),
        (["fine1", "--run", "a_line"], r"--run = 'a_line': must be one of average, same, rules, untrained"),
        (
            ["fine1", "--model-seed", "9"],
            r"--model-seed = 9: must be one of 1, the seeds of text_classification/average",
        ),
    ],
)
def test_bad_input(trained, arguments, message):
    arguments = arguments if "--run" in arguments else [*arguments, "--run", "average"]
    with pytest.raises(UserError, match=message):
        call(*arguments)


def test_no_line_at_all(trained):
    with pytest.raises(UserError, match="standard input: has no line"):
        call("--run", "average", given=b"")


def test_the_default_run_is_a_row(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert DEFAULT_RUN in load_family("text_classification").runs
