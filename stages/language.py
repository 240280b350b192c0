"""Trained language models at work in the terminal: text, the perplexity of a file, words for a gap."""

import math
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.run import MODELS, PARAMS, Run, load_run
from stages.core.schema import read_yaml
from stages.core.vocabulary import UNKNOWN
from stages.evaluate import load_model
from stages.language_modeling.data import Stream
from stages.language_modeling.evaluate import generate as generated
from stages.language_modeling.evaluate import read, repeated
from stages.language_modeling.figures import text_of
from stages.language_modeling.train import stream_log_likelihood
from stages.texts.decoding import decoded
from stages.texts.recipes import Mix, load_text_recipe
from stages.words import run_of, seed_of

FAMILY = "language_modeling"
GAP = "___"
MANY = 0.25  # of a text unknown; the test part of the Brown corpus has 0.09
COLDEST = 1e-6  # below it the likeliest word is drawn anyway
BATCH = 256  # words tried in a gap at once
_QUOTES = str.maketrans({"“": "``", "”": "''", "‘": "'", "’": "'", "…": "..."})
# Signs around a word, one at a time.
_OPENING = re.compile(r"``|--|[\"'(\[{$*]")
_CLOSING = re.compile(r"(?:''|--|\.\.\.|[\"'.,;:!?)\]}%*])$")
_ENDS = {".", "?", "!"}


def generate(prompt: str, run: str, temperature: float, length: int, seed: int, model_seed: int | None) -> None:
    """Print `prompt` and what the model goes on with.

    Raises:
        UserError: the prompt is empty or has unknown words only, the temperature is not above 0, or the run is unknown
            or not trained.
    """
    if not (temperature >= COLDEST and math.isfinite(temperature)):
        raise UserError(f"--temperature = {temperature}: must be a number above 0, at least {COLDEST:g}")
    if not prompt.strip():
        raise UserError(f"--prompt = {prompt!r}: must have at least one word or character")
    model, data = _load(run, model_seed)
    tokens = _numbers(_tokens(prompt, data, ends=False), data, "--prompt")
    draws = torch.Generator().manual_seed(seed)
    print(text_of(generated(model, tokens, length, temperature, draws, data)[1:].tolist(), data))


def score(file: Path, run: str, model_seed: int | None) -> None:
    """Print the perplexity that a model gives a text file; every token is scored, the first as after a mark.

    Raises:
        UserError: the file cannot be read, is not UTF-8 or empty, or the run is unknown or not trained.
    """
    text = decoded(file).removeprefix("\ufeff")  # what some editors put before UTF-8
    model, data = _load(run, model_seed)
    tokens = _numbers(_tokens(text, data), data, str(file))
    scores = stream_log_likelihood(model, tokens, 1)
    perplexity = math.exp(-scores.mean().item())
    unknown = (tokens[1:] == data.vocabulary.index[UNKNOWN]).double().mean().item()
    print(f"perplexity {perplexity:.2f} per {data.unit}, {math.log2(perplexity):.3f} bits")
    print(f"tokens with the marks of ends: {len(scores):,}, of which unknown: {unknown:.1%}")
    if unknown > MANY:
        print(f"{file}: so many {data.unit}s are unknown that the perplexity says little of the text", file=sys.stderr)


def cloze(sentence: str, run: str, count: int, model_seed: int | None) -> None:
    """Print the words for the gap `___` that make the whole sentence most probable.

    No sentence is more probable than its beginning up to the gap's word: words are tried in the order of that, and no
    more once the rest cannot come among the first.

    Raises:
        UserError: there is not exactly one gap, the rest has unknown words only, or the run is unknown or not trained.
    """
    model, data = _load(run, model_seed)
    words = list(_tokens(sentence, data))
    if words.count(GAP) != 1 or len(words) < 2:
        raise UserError(f"SENTENCE = {sentence!r}: must have one gap, written {GAP}, and at least one word beside it")
    place = words.index(GAP)
    tokens = _numbers([word for word in words if word != GAP], data, "SENTENCE")
    before, after = tokens[: place + 1], tokens[place + 1 :]
    scores, state = read(model, before)
    index = data.vocabulary.index
    scores[0, [index[UNKNOWN], index[data.mark]]] = -math.inf
    begun = stream_log_likelihood(model, before, 1).sum().item() if place else 0.0
    ranked = _rank(model, scores[0].double(), state, after, count)

    table = Table("word", box=box.SIMPLE_HEAD)
    table.add_column("log-probability, nats", justify="right")
    table.add_column("ratio to the first", justify="right")
    for total, number in ranked:
        share = math.exp(total - ranked[0][0])
        table.add_row(Text(data.vocabulary.words[number]), f"{begun + total:.3f}", f"{share:.3g}")
    Console().print(table)


def _rank(model: nn.Module, scores: Tensor, state: object, after: Tensor, count: int) -> list[tuple[float, int]]:
    """Return the `count` best words for a gap, with the log-probability of the word and what comes after it.

    Args:
        model: a language model in evaluation mode.
        scores: of each word after what comes before, float64 (words,).
        state: of the model there, of one text.
        after: the tokens after the gap, int64 (tokens,).
        count: how many.
    """
    best: list[tuple[float, int]] = []
    ordered, numbers = scores.sort(descending=True)
    for begin in range(0, len(numbers), BATCH):
        part, totals = numbers[begin : begin + BATCH], ordered[begin : begin + BATCH].clone()
        if (len(best) == count and totals[0] <= best[-1][0]) or totals[0] == -math.inf:
            break
        if len(after):
            targets = after[:, None].expand(-1, len(part))
            inputs = torch.cat([part[None], targets[:-1]])
            found, _ = model.log_likelihood(inputs, targets.contiguous(), repeated(state, len(part)))
            totals += found.double().sum(0)
        best = sorted([*best, *zip(totals.tolist(), part.tolist(), strict=True)], reverse=True)[:count]
    return [entry for entry in best if entry[0] > -math.inf]


def _load(name: str, model_seed: int | None) -> tuple[nn.Module, Stream]:
    """Return a trained model of a run and the data it was trained on; that of a mixture has both models in it.

    Raises:
        UserError: the run or its seed is unknown, the run is not trained, or its data are missing.
    """
    run = run_of(FAMILY, name)
    seed = seed_of(run, model_seed, "--model-seed")
    prepare_device(run.device)
    if run.model != "mixture":
        data = load_prepared(run.family, run.data, run.device)
        return _model(run, seed, data), data
    params = read_yaml(PARAMS)
    recipe: Mix = load_text_recipe("mix", run.data, params)
    data = load_prepared(run.family, recipe.data, run.device)
    mixture = _model(run, seed, data)
    parts = [load_run(part, params) for part in (recipe.first, recipe.second)]
    mixture.models = tuple(_model(part, seed if seed in part.seeds else part.seeds[0], data) for part in parts)
    return mixture, data


def _model(run: Run, seed: int, data: Stream) -> nn.Module:
    if not (MODELS / run.name / f"{seed}.safetensors").exists():
        raise UserError(f"--run = '{run.name}': it has no model of seed {seed}; `dvc repro train@{run.name}` makes it")
    return load_model(run, seed, data.info)[0]


def _tokens(text: str, data: Stream, *, ends: bool = True) -> Iterator[str]:
    """Yield the tokens of a text as the data have them, with marks at the ends of sentences, or of poems."""
    yield from _characters(text, data, ends) if data.unit == "character" else _words(text, data, ends)


def _characters(text: str, data: Stream, ends: bool) -> Iterator[str]:
    """Yield characters; an empty line or one with % ends a poem, as in the texts that are trained on."""
    poems = re.split(r"(?:\n[ %]*)*\n[ %]*(?:\n|$)", text.strip(" \n%"))
    for poem in poems:
        lines = "\n".join(line.strip() for line in poem.splitlines())
        for part in re.split(f"({GAP})", lines):
            yield from [GAP] if part == GAP else part
        if ends and lines:
            yield data.mark


def _words(text: str, data: Stream, ends: bool) -> Iterator[str]:
    """Yield words and signs; what the vocabulary has as one word, such as "Aug." or "$20,000", stays one."""
    ended = False
    for match in re.finditer(r"\S+", text):
        for token in _peeled(match[0].translate(_QUOTES), data.vocabulary.index):
            closing = token == "''"
            if ended and not closing and token not in _ENDS:
                yield data.mark
            ended = ends and (token in _ENDS or (ended and closing))
            yield token
    if ended:
        yield data.mark


def _peeled(word: str, index: dict[str, int]) -> list[str]:
    """Return a word without the signs around it, and these, as tokens in their order."""
    before: list[str] = []
    after: list[str] = []
    while word and not (word in index or word.lower() in index or word == GAP):
        if "--" in word[1:-1] and not word.startswith("--"):
            first, _, rest = word.partition("--")
            return [*before, *_peeled(first, index), "--", *_peeled(rest, index), *after]
        if found := _OPENING.match(word):
            before.append("``" if found[0] == '"' else found[0])
            word = word[found.end() :]
        elif found := _CLOSING.search(word):
            after.insert(0, "''" if found[0] == '"' else found[0])
            word = word[: found.start()]
        else:
            break
    return [*before, *([word] if word else []), *after]


def _numbers(words: Iterable[str], data: Stream, where: str) -> Tensor:
    """Return the numbers of tokens after a mark, as a text begins: int64 (tokens + 1,); name unknown ones on stderr.

    A word that is known in lower case only is taken in lower case.

    Raises:
        UserError: there is none, or none is known.
    """
    index = data.vocabulary.index
    unknown = index[UNKNOWN]
    numbers, strange = array("q", [index[data.mark]]), dict[str, None]()
    for word in words:
        number = index.get(word, index.get(word.lower(), unknown))
        numbers.append(number)
        if number == unknown:
            strange[word] = None
    if len(numbers) == 1:
        raise UserError(f"{where}: has no {data.unit} in it")
    shown = ", ".join(list(strange)[:5]) + (", …" if len(strange) > 5 else "")
    known = set(numbers[1:]) - {unknown, index[data.mark]}
    if not known:
        raise UserError(f"{where}: none of its {data.unit}s is among the {len(index):,} known ones: {shown}")
    if strange:
        print(f"{where}: unknown, read as {UNKNOWN}: {shown}", file=sys.stderr)
    return torch.tensor(numbers, dtype=torch.int64, device=data.tokens.device)
