"""Trained word vectors at work in the terminal: nearest words, analogies, similarities."""

from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor
from torch.nn import functional

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.run import MODELS, PARAMS, Run, load_run, one_of
from stages.core.schema import read_yaml, validate
from stages.core.vocabulary import Vocabulary
from stages.evaluate import load_model
from stages.word_vectors import evaluate as scores  # with SciPy, which warns once denormal numbers are zero

FAMILY = "word_vectors"


def nearest(word: str, run: str, seed: int | None, count: int) -> None:
    """Print the words with the greatest cosine with `word`, the nearest first.

    Raises:
        UserError: the word, the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    (asked,), vocabulary, unit = _look_up({"WORD": word}, run, seed)
    cosines, numbers = scores.nearest(unit, torch.tensor([asked], device=unit.device), count)
    _print_table(vocabulary, cosines[0], numbers[0])


def analogy(a: str, b: str, c: str, run: str, seed: int | None, count: int) -> None:
    """Print the best answers to "a is to b as c is to …", each with its cosine with b - a + c.

    Every word of the vocabulary may be an answer, but a, b and c themselves.

    Raises:
        UserError: a word, the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    asked, vocabulary, unit = _look_up({"A": a, "B": b, "C": c}, run, seed)
    cosines = scores.analogous(unit, torch.tensor([asked], device=unit.device))[0]
    best, numbers = cosines.topk(min(count, len(unit) - len(set(asked))))
    first, second, third = (vocabulary.words[number] for number in asked)
    print(f"{first} is to {second} as {third} is to …")
    _print_table(vocabulary, best, numbers)


def similarity(a: str, b: str, run: str, seed: int | None) -> None:
    """Print the cosine of two words.

    Raises:
        UserError: a word, the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    (first, second), _, unit = _look_up({"A": a, "B": b}, run, seed)
    print(f"{(unit[first] @ unit[second]).item():.4f}")


def _look_up(words: dict[str, str], name: str, seed: int | None) -> tuple[list[int], Vocabulary, Tensor]:
    """Return the numbers of words by the name of their argument, the vocabulary, and all vectors at length 1.

    Raises:
        UserError: see the commands.
    """
    cleaned = [_clean(argument, word) for argument, word in words.items()]
    run = run_of(FAMILY, name)
    seed = seed_of(run, seed, "--seed")
    path = MODELS / name / f"{seed}.safetensors"
    if not path.exists():
        raise UserError(f"--run = '{name}': {path} is missing; `dvc repro train@{name}` makes it")
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


def run_of(family: str, name: str) -> Run:
    """Return a run of a family that a user named; params.yaml was perhaps edited since it was checked.

    Raises:
        UserError: the family has no such run, or params.yaml is wrong.
    """
    params = validate(dict[str, Any], read_yaml(PARAMS), f"{PARAMS}:")
    runs = validate(dict[str, dict[str, Any]], params.get("runs"), f"{PARAMS}: runs")
    one_of(name, [key for key, entry in runs.items() if entry.get("family") == family], "--run")
    return load_run(name, params)


def seed_of(run: Run, seed: int | None, option: str) -> int:
    """Return the seed that a user named by `option`, or the run's first one.

    Raises:
        UserError: the run has no such seed.
    """
    seed = run.seeds[0] if seed is None else seed
    if seed not in run.seeds:
        raise UserError(f"{option} = {seed}: must be one of {', '.join(map(str, run.seeds))}, the seeds of {run.name}")
    return seed


def _print_table(vocabulary: Vocabulary, cosines: Tensor, numbers: Tensor) -> None:
    """Print words by number with their cosines."""
    table = Table("word", box=box.SIMPLE_HEAD)
    table.add_column("cosine", justify="right")
    for number, cosine in zip(numbers.tolist(), cosines.tolist(), strict=True):
        table.add_row(Text(vocabulary.words[number]), f"{cosine:.4f}")
    Console().print(table)
