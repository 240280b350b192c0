"""A trained text classifier at work in the terminal: label, probability, and the words that decide."""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.run import load_family
from stages.core.trained import load_model, run_of, seed_of
from stages.core.vocabulary import UNKNOWN
from stages.prepare import load_recipes
from stages.text_classification.data import RatedTexts, Texts
from stages.text_classification.majority import Majority
from stages.text_classification.prepare import Folds
from stages.text_classification.vader import Vader
from stages.texts.recipes import load_text_recipe
from stages.tokenize import DIVIDERS

FAMILY = Path(__file__).parent.name
DEFAULT_RUN = "bilstm_subwords"
OF_A_TEXT, OF_A_LINE = 10, 5  # words shown if nothing else is asked for: in each direction, in all
LONGEST_WORD = 40  # characters of a word that a message shows
MOST_WORDS = 1000  # of a text whose words are weighed: it is scored once without each

Divide = Callable[[str], list[str]]


app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def commands() -> None:
    """Trained text classifiers at work in the terminal."""


@app.command()
def classify(
    text: Annotated[str | None, typer.Argument(help="such as a sentence; each line of standard input if none")] = None,
    run: Annotated[str, typer.Option("--run", help="a row of this family")] = DEFAULT_RUN,
    model_seed: Annotated[int | None, typer.Option(help="one of the row's seeds; the first if none")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="how many words; if none, 10 of TEXT, 5 of a line")] = None,
) -> None:
    """Print label and probability of a text and the words that pushed it; without one, of each line of standard input.

    How far a word pushes is the logit of the text minus its logit with `<unk>` in place of the word.

    \f
    Raises:
        UserError: the text is empty or none of its words is in the vocabulary, or the run is unknown or not trained;
            for standard input, after its last line, if a line was such a text or not UTF-8.
    """
    if text is not None and not text.strip():
        raise UserError(f"TEXT = {text!r}: must have at least one word")
    model, data, divide = _load(run, model_seed)
    if text is None:
        _classify_lines(sys.stdin.buffer, model, data, divide, count or OF_A_LINE)
        return
    logit, pushes = _explain(text, "TEXT", model, data, divide)
    print(f"{_label(logit)}, probability of a positive text {_probability(logit):.4f}")
    count = count or OF_A_TEXT
    shown = {"positive": [push for push in pushes if push[0] > 0][:count]}
    shown["negative"] = [push for push in reversed(pushes) if push[0] < 0][:count]
    for direction, words in shown.items():
        if words:
            table = Table(f"towards {direction}", box=box.SIMPLE_HEAD)
            table.add_column("logit", justify="right")
            for push, word in words:
                table.add_row(Text(word), f"{push:+.3f}")
            Console().print(table)


def _classify_lines(lines: Iterable[bytes], model: nn.Module, data: RatedTexts, divide: Divide, count: int) -> None:
    """Print label, probability and the `count` strongest words of each line, between tabs; an unusable line is named.

    Raises:
        UserError: after the last line, if there was none or one was unusable.
    """
    wrong, number = 0, 0
    for number, line in enumerate(lines, 1):
        try:
            logit, pushes = _explain(_decoded(line, number), f"line {number}", model, data, divide)
        except UserError as error:
            print(error, file=sys.stderr, flush=True)
            wrong += 1
            continue
        strongest = sorted(pushes, key=lambda push: -abs(push[0]))[:count]
        words = ", ".join(f"{word} {push:+.2f}" for push, word in strongest if push)
        print(f"{_label(logit)}\t{_probability(logit):.4f}\t{words}", flush=True)
    if not number:
        raise UserError("standard input: has no line; give a text as an argument, or one a line")
    if wrong:
        raise UserError(f"standard input: {wrong} of {number} lines could not be classified")


def _decoded(line: bytes, number: int) -> str:
    try:
        return line.decode("utf-8").removeprefix("\ufeff" if number == 1 else "")  # what some editors put before UTF-8
    except UnicodeDecodeError as error:
        raise UserError(f"line {number}: byte 0x{line[error.start]:02x} is not UTF-8; convert the text") from error


def _explain(
    text: str, where: str, model: nn.Module, data: RatedTexts, divide: Divide
) -> tuple[float, list[tuple[float, str]]]:
    """Return the logit of a text, and its words with how far each pushes it, the most positive first.

    Raises:
        UserError: it has no word, or none in the vocabulary.
    """
    words = divide(text)
    if not words:
        raise UserError(f"{where}: must have at least one word")
    index = data.vocabulary.index
    unknown = index[UNKNOWN]
    tokens = torch.tensor([index.get(word, unknown) for word in words], device=data.texts.tokens.device)
    # Rules have a lexicon of their own, and the larger class needs no word.
    if not isinstance(model, Vader | Majority) and not model.known[tokens].any():
        shown = ", ".join(_short(word) for word in dict.fromkeys(words[:5])) + (", …" if len(words) > 5 else "")
        raise UserError(f"{where}: none of its words is in the vocabulary of {model.known.sum():,}: {shown}")
    if len(words) > MOST_WORDS:
        print(
            f"{where}: has {len(words):,} words; which of them decide is shown for up to {MOST_WORDS:,}",
            file=sys.stderr,
        )
        return _logits(model, tokens[None], [text])[0].item(), []
    different = list(dict.fromkeys(words))
    places = torch.tensor([different.index(word) for word in words], device=tokens.device)
    without = tokens.expand(len(different), -1).clone()
    without[torch.arange(len(different), device=tokens.device)[:, None] == places] = unknown
    strings = [re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", text, flags=re.IGNORECASE) for word in different]
    logits = _logits(model, torch.cat([tokens[None], without]), [text, *strings])
    pushes = (logits[0] - logits[1:]).tolist()
    return logits[0].item(), sorted(zip(pushes, different, strict=True), key=lambda push: (-push[0], push[1]))


def _short(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else f"{word[:LONGEST_WORD]}…"


def _logits(model: nn.Module, tokens: Tensor, strings: list[str]) -> Tensor:
    """Return the logits of texts of the same length, tokens int64 (texts, time): float32 (texts,)."""
    lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
    return model.scores(Texts(tokens.flatten(), lengths, strings))


def _label(logit: float) -> str:
    return "positive" if logit > 0 else "negative"


def _probability(logit: float) -> float:
    return torch.tensor(logit, dtype=torch.float64).sigmoid().item()


def _load(name: str, model_seed: int | None) -> tuple[nn.Module, RatedTexts, Divide]:
    """Return a trained model of a run, its data, and what divides a text into words as the data are.

    Raises:
        UserError: the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    run = run_of(FAMILY, name)
    seed = seed_of(run, model_seed, "--model-seed")
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    recipes, _ = load_recipes(FAMILY, load_family(FAMILY))
    recipe = recipes[run.data]
    recipe = recipe if isinstance(recipe, Folds) else recipes[recipe.data]  # of which the vectors were put beside
    return load_model(run, seed, data.info)[0], data, DIVIDERS[load_text_recipe("tokenize", recipe.tokens).tokens]
