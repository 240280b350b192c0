"""The command that classifies texts, on a small network of made-up words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from stages.__main__ import app
from stages.core.data import write_tensors
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.core.run import load_run
from stages.text_classification import train
from stages.text_classification.data import Split
from tests.conftest import ENVIRONMENT
from tests.text_classification.small import MARK, small_texts

FOLD = {"family": "text_classification", "raw": "r", "reader": "movie_reviews", "vocab": "v", "mark": MARK, "seed": 0}
ARGS = {
    "embedding_size": 6,
    "num_epochs": 30,
    "batch_size": 16,
    "learning_rate": 0.03,
    "vector_learning_rate": 0.03,
    "vector_sd": 0.3,
}
ROW = {"family": "text_classification", "data": "small"}


@pytest.fixture
def params() -> dict:
    return {
        "seeds": [1],
        "device": "cpu",
        "defaults": {},
        "tokenize": {"t": {"raw": "r", "reader": "movie_reviews", "tokens": "words_and_signs", "mark": MARK}},
        "corpora": {"c": ["t"]},
        "vocab": {"v": {"corpus": "c"}},
        "fold": {"small": FOLD},
        "embed": {"embedded": {"family": "text_classification", "data": "small", "run": "vectors"}},
        "runs": {
            "average": ROW | {"model": "word_avg", "args": ARGS},
            "same": ROW | {"model": "word_avg", "data": "embedded", "args": ARGS},
            "rules": ROW | {"model": "vader", "args": {}},
            "untrained": ROW | {"model": "majority", "args": {}},
            "a_line": {"family": "regression", "model": "linear_regression", "data": "line"},
        },
    }


@pytest.fixture
def trained(workspace: Path) -> Path:
    """The workspace with prepared data and trained models of all runs but one."""
    data = small_texts()
    for name in ("small", "embedded"):
        folder = Path("data/prepared") / name
        folder.mkdir(parents=True)
        texts = {"tokens": data.texts.tokens, "lengths": data.texts.lengths, "ratings": data.ratings}
        write_tensors(folder / "texts.safetensors", texts)
        parts = {
            f"{part}_{number}": getattr(split, part) for number, split in data.splits.items() for part in Split._fields
        }
        write_tensors(folder / "splits.safetensors", parts)
        (folder / "texts.json").write_text(json.dumps(data.texts.strings))
        data.vocabulary.save(folder / "vocabulary.json")
        write_json(folder / "info.json", {"num_folds": 3, "mark": MARK})
    for name in ("average", "same", "rules"):
        torch.manual_seed(1)
        model, history = train.fit(load_run(name), data, 1)
        path = Path(f"data/models/{name}/1.safetensors")
        path.parent.mkdir(parents=True)
        save_file(model.state_dict(), path)
        path.with_suffix(".json").write_text(json.dumps(history))
    return workspace


def call(*arguments: str, given: bytes | None = None) -> str:
    """Run the command in this process; return what it printed, or raise what it raised."""
    arguments = ("classify", *arguments)
    return CliRunner().invoke(app, list(arguments), input=given, catch_exceptions=False).stdout


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
    """Of a mean of two words one of which becomes unknown: half their difference, times the weight."""
    (line,) = [line.split() for line in call("fine1 thing2", "--run", "average").splitlines() if "fine1" in line]
    data = small_texts()
    torch.manual_seed(1)
    model, _ = train.fit(load_run("average"), data, 1)
    fine, unknown = (data.vocabulary.index[word] for word in ("fine1", "<unk>"))
    expected = (model.tuned[fine] - model.tuned[unknown]) @ model.output.weight[0] / 2
    assert float(line[1]) == pytest.approx(expected.item(), abs=0.001)


def test_rules_read_the_text_as_it_is_written(trained):
    """VADER's words are no words of the data; thing2 is there because a text must have a known one."""
    loud, quiet = (call(f"thing2 is {word}", "--run", "rules") for word in ("GREAT!!!", "great"))
    assert loud.startswith("positive")
    assert float(loud.split("\n")[0].split()[-1]) > float(quiet.split("\n")[0].split()[-1])
    assert "great" in quiet.split("towards positive")[1]


def test_rules_need_no_known_word(trained):
    """A lexicon of its own, and a class that no word decides: nothing is unknown to them."""
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
    """Empty, of unknown words only, not UTF-8: one line each on stderr, and a failure at the end."""
    lines = b"fine1 thing2\n\nzebra quagga\nfine1 \xe9\npoor1 thing1\n"
    done = subprocess.run(
        [sys.executable, "-m", "stages", "classify", "--run", "average"],
        input=lines,
        capture_output=True,
        env=ENVIRONMENT,
    )
    assert done.returncode == 1
    assert [line.split(b"\t")[0] for line in done.stdout.splitlines()] == [b"positive", b"negative"]
    assert done.stderr.decode().splitlines() == [
        "line 2: must have at least one word",
        "line 3: none of its words is among the 46 known ones: zebra, quagga",
        "line 4: byte 0xe9 is not UTF-8; convert the text",
        "error: standard input: 3 of 5 lines could not be classified",
    ]


def test_a_text_of_100_000_words(trained):
    """It is classified; its words are not judged one by one, and that is said."""
    given = (" ".join(["fine1 thing2"] * 50_000) + "\n").encode()
    result = CliRunner().invoke(app, ["classify", "--run", "average"], input=given)
    assert result.exit_code == 0
    assert result.stdout.startswith("positive\t")
    assert "line 1: has 100,000 words; which of them decide is shown for up to 1,000" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["  "], r"TEXT = '  ': must have at least one word"),
        (["zebra"], r"TEXT: none of its words is among the \d+ known ones: zebra"),
        ([f"{MARK} <unk>"], r"TEXT: none of its words is among"),
        (
            ["fine1", "--run", "untrained"],
            r"--run = 'untrained': it has no model of seed 1; `dvc repro train@untrained`",
        ),
        (["fine1", "--run", "a_line"], r"--run = 'a_line': must be one of average, same, rules, untrained"),
        (["fine1", "--model-seed", "9"], r"--model-seed = 9: must be one of 1, the seeds of average"),
    ],
)
def test_bad_input(trained, arguments, message):
    arguments = arguments if "--run" in arguments else [*arguments, "--run", "average"]
    with pytest.raises(UserError, match=message):
        call(*arguments)


def test_no_line_at_all(trained):
    with pytest.raises(UserError, match="standard input: has no line"):
        call("--run", "average", given=b"")
