"""Trained word vectors at work in the terminal: nearest words, analogies, similarities."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor
from torch.nn import functional

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.trained import load_model, run_of, seed_of
from stages.core.vocabulary import Vocabulary
from stages.word_vectors import evaluate as scores  # with SciPy, which warns once denormal numbers are zero

FAMILY = Path(__file__).parent.name
DEFAULT_RUN = "skip_gram"

app = typer.Typer(no_args_is_help=True, help=__doc__)
RunOption = Annotated[str, typer.Option("--run", help="a row of this family")]
Seed = Annotated[int | None, typer.Option(help="one of the row's seeds; the first if none")]
Count = Annotated[int, typer.Option(min=1, help="how many words")]


@app.command()
def nearest(word: str, run: RunOption = DEFAULT_RUN, seed: Seed = None, count: Count = 10) -> None:
    """Print the words with the greatest cosine with WORD, the nearest first.

    \f
    Raises:
        UserError: the word, the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    (asked,), vocabulary, unit = _look_up({"WORD": word}, run, seed)
    cosines, numbers = scores.nearest(unit, torch.tensor([asked], device=unit.device), count)
    _print_table(vocabulary, cosines[0], numbers[0])


@app.command()
def analogy(a: str, b: str, c: str, run: RunOption = DEFAULT_RUN, seed: Seed = None, count: Count = 5) -> None:
    """Print the best answers to "a is to b as c is to …", each with its cosine with b - a + c.

    Every word of the vocabulary may be an answer, but a, b and c themselves.

    \f
    Raises:
        UserError: a word, the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    asked, vocabulary, unit = _look_up({"A": a, "B": b, "C": c}, run, seed)
    cosines = scores.analogous(unit, torch.tensor([asked], device=unit.device))[0]
    best, numbers = cosines.topk(min(count, len(unit) - len(set(asked))))
    first, second, third = (vocabulary.words[number] for number in asked)
    print(f"{first} is to {second} as {third} is to …")
    _print_table(vocabulary, best, numbers)


@app.command()
def similarity(a: str, b: str, run: RunOption = DEFAULT_RUN, seed: Seed = None) -> None:
    """Print the cosine of two words.

    \f
    Raises:
        UserError: a word, the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    (first, second), _, unit = _look_up({"A": a, "B": b}, run, seed)
    print(f"{(unit[first] @ unit[second]).item():.4f}")


def _look_up(words: dict[str, str], name: str, seed: int | None) -> tuple[list[int], Vocabulary, Tensor]:
    """Return the ids of words by the name of their argument, the vocabulary, and all vectors at length 1.

    Raises:
        UserError: see the commands.
    """
    cleaned = [_clean(argument, word) for argument, word in words.items()]
    run = run_of(FAMILY, name)
    seed = seed_of(run, seed, "--seed")
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    numbers = [data.vocabulary.find(word) for word in cleaned]
    model, _ = load_model(run, seed, data.info)
    return numbers, data.vocabulary, functional.normalize(model.vectors())


def _clean(argument: str, word: str) -> str:
    """Return a word as vocabularies have it: lower case, without spaces around it, and on one line."""
    cleaned = " ".join(word.lower().split())
    if not cleaned:
        raise UserError(f"{argument} = {word!r}: must be a word")
    return cleaned


def _print_table(vocabulary: Vocabulary, cosines: Tensor, numbers: Tensor) -> None:
    """Print words by number with their cosines."""
    table = Table("word", box=box.SIMPLE_HEAD)
    table.add_column("cosine", justify="right")
    for number, cosine in zip(numbers.tolist(), cosines.tolist(), strict=True):
        table.add_row(Text(vocabulary.words[number]), f"{cosine:.4f}")
    Console().print(table)
