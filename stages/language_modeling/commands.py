"""Trained language models at work in the terminal: text, the perplexity of a file, words for a gap."""

import math
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
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
from stages.core.run import Run, choose, family_file, load_family, load_run
from stages.core.schema import validate
from stages.core.trained import load_model, run_of, seed_of
from stages.core.vocabulary import UNKNOWN
from stages.language_modeling.data import Stream
from stages.language_modeling.evaluate import generate as generated
from stages.language_modeling.evaluate import read, repeated
from stages.language_modeling.figures import text_of
from stages.language_modeling.prepare import Mix
from stages.language_modeling.train import stream_log_likelihood
from stages.texts.decoding import decoded

FAMILY = Path(__file__).parent.name
DEFAULT_RUN = "lstm_400"
GAP = "___"
MANY = 0.25  # of a text out of vocabulary; the test part of the Brown corpus has 0.09
COLDEST = 1e-6  # below it the likeliest word is drawn anyway
BATCH = 256  # words tried in a gap at once
_QUOTES = str.maketrans({"“": "``", "”": "''", "‘": "'", "’": "'", "…": "..."})
# Signs around a word, one at a time.
_OPENING = re.compile(r"``|--|[\"'(\[{$*]")
_CLOSING = re.compile(r"(?:''|--|\.\.\.|[\"'.,;:!?)\]}%*])$")
_ENDS = {".", "?", "!"}

app = typer.Typer(no_args_is_help=True, help=__doc__)
RunOption = Annotated[str, typer.Option("--run", help="a row of this family")]
ModelSeed = Annotated[int | None, typer.Option(help="one of the row's seeds; the first if none")]


@app.command()
def generate(
    prompt: Annotated[str, typer.Option(help="how the text begins")],
    run: RunOption = DEFAULT_RUN,
    temperature: Annotated[float, typer.Option(help="above 0; below 1 the likely becomes likelier")] = 1.0,
    length: Annotated[int, typer.Option(min=1, help="how many words or characters to write")] = 60,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of the draws")] = 1,
    model_seed: ModelSeed = None,
) -> None:
    """Print `prompt` and what the model goes on with.

    \f
    Raises:
        UserError: the prompt is empty or none of its words is in the vocabulary, the temperature is not above 0, or
            the run is unknown or not trained.
    """
    if not (temperature >= COLDEST and math.isfinite(temperature)):
        raise UserError(f"--temperature = {temperature}: must be a number above 0, at least {COLDEST:g}")
    if not prompt.strip():
        raise UserError(f"--prompt = {prompt!r}: must have at least one word or character")
    model, data = _load(run, model_seed)
    tokens = _ids(_tokens(prompt, data, ends=False), data, "--prompt")
    draws = torch.Generator().manual_seed(seed)
    print(text_of(generated(model, tokens, length, temperature, draws, data)[1:].tolist(), data))


@app.command()
def score(file: Path, run: RunOption = DEFAULT_RUN, model_seed: ModelSeed = None) -> None:
    """Print the perplexity that a model gives a text file; every token is scored, the first as after EOS.

    \f
    Raises:
        UserError: the file cannot be read, is not UTF-8 or empty, or the run is unknown or not trained.
    """
    text = decoded(file).removeprefix("\ufeff")  # what some editors put before UTF-8
    model, data = _load(run, model_seed)
    tokens = _ids(_tokens(text, data), data, str(file))
    scores = stream_log_likelihood(model, tokens, 1)
    perplexity = math.exp(-scores.mean().item())
    unknown = (tokens[1:] == data.vocabulary.index[UNKNOWN]).double().mean().item()
    print(f"perplexity {perplexity:.2f} per {data.unit}, {math.log2(perplexity):.3f} bits")
    print(f"{len(scores):,} tokens with {data.eos}, of which {unknown:.1%} are out of vocabulary")
    if unknown > MANY:
        print(
            f"{file}: so many {data.unit}s are out of vocabulary that the perplexity says little of the text",
            file=sys.stderr,
        )


@app.command()
def cloze(
    sentence: Annotated[str, typer.Argument(help="with one gap, written ___")],
    run: RunOption = DEFAULT_RUN,
    count: Annotated[int, typer.Option(min=1, help="how many words")] = 10,
    model_seed: ModelSeed = None,
) -> None:
    """Print the words for the gap `___` that make the whole sentence most probable.

    No sentence is more probable than its beginning up to the gap's word: words are tried in the order of that, and no
    more once the rest cannot come among the first.

    \f
    Raises:
        UserError: there is not exactly one gap, no other word is in the vocabulary, or the run is unknown or not
            trained.
    """
    model, data = _load(run, model_seed)
    words = list(_tokens(sentence, data))
    if words.count(GAP) != 1 or len(words) < 2:
        raise UserError(f"SENTENCE = {sentence!r}: must have one gap, written {GAP}, and at least one word beside it")
    place = words.index(GAP)
    tokens = _ids([word for word in words if word != GAP], data, "SENTENCE")
    before, after = tokens[: place + 1], tokens[place + 1 :]
    scores, state = read(model, before)
    index = data.vocabulary.index
    scores[0, [index[UNKNOWN], index[data.eos]]] = -math.inf
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
        return load_model(run, seed, data.info)[0], data
    params = load_family(FAMILY)
    where = f"{family_file(FAMILY)}: data.mix"
    recipe = validate(Mix, choose(params.data["mix"], run.data, where), f"{where}.{run.data}")
    data = load_prepared(run.family, recipe.data, run.device)
    mixture = load_model(run, seed, data.info)[0]
    mixture.models = tuple(
        _model(load_run(f"{FAMILY}/{part}", params), seed, data) for part in (recipe.first, recipe.second)
    )
    return mixture, data


def _model(run: Run, seed: int, data: Stream) -> nn.Module:
    """Return the model of a part of a mixture: of its first seed where it has not the mixture's."""
    seed = seed_of(run, seed if seed in run.seeds else None, "--model-seed")
    return load_model(run, seed, data.info)[0]


def _tokens(text: str, data: Stream, *, ends: bool = True) -> Iterator[str]:
    """Yield the tokens of a text as the data have them, with EOS after sentences, or after poems."""
    yield from _characters(text, data, ends) if data.unit == "character" else _words(text, data, ends)


def _characters(text: str, data: Stream, ends: bool) -> Iterator[str]:
    """Yield characters; an empty line or one with % ends a poem, as in the texts that are trained on."""
    poems = re.split(r"(?:\n[ %]*)*\n[ %]*(?:\n|$)", text.strip(" \n%"))
    for poem in poems:
        lines = "\n".join(line.strip() for line in poem.splitlines())
        for part in re.split(f"({GAP})", lines):
            yield from [GAP] if part == GAP else part
        if ends and lines:
            yield data.eos


def _words(text: str, data: Stream, ends: bool) -> Iterator[str]:
    """Yield words and signs; what the vocabulary has as one word, such as "Aug." or "$20,000", stays one."""
    ended = False
    for match in re.finditer(r"\S+", text):
        for token in _peeled(match[0].translate(_QUOTES), data.vocabulary.index):
            closing = token == "''"
            if ended and not closing and token not in _ENDS:
                yield data.eos
            ended = ends and (token in _ENDS or (ended and closing))
            yield token
    if ended:
        yield data.eos


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


def _ids(words: Iterable[str], data: Stream, where: str) -> Tensor:
    """Return token ids after EOS, as a text begins: int64 (tokens + 1,); name out-of-vocabulary words on stderr.

    A word that is in the vocabulary in lower case only is taken in lower case.

    Raises:
        UserError: there is none, or none is in the vocabulary.
    """
    index = data.vocabulary.index
    unknown = index[UNKNOWN]
    ids, strange = array("q", [index[data.eos]]), dict[str, None]()
    for word in words:
        number = index.get(word, index.get(word.lower(), unknown))
        ids.append(number)
        if number == unknown:
            strange[word] = None
    if len(ids) == 1:
        raise UserError(f"{where}: has no {data.unit} in it")
    shown = ", ".join(list(strange)[:5]) + (", …" if len(strange) > 5 else "")
    found = set(ids[1:]) - {unknown, index[data.eos]}
    if not found:
        raise UserError(f"{where}: none of its {data.unit}s is in the vocabulary of {len(index):,}: {shown}")
    if strange:
        print(f"{where}: out of vocabulary, read as {UNKNOWN}: {shown}", file=sys.stderr)
    return torch.tensor(ids, dtype=torch.int64, device=data.tokens.device)
