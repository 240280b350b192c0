"""Scores of language models: perplexity, exact and of every token; and what the figures show of them."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from stages.core.run import Run
from stages.core.training import History
from stages.core.vocabulary import UNKNOWN
from stages.language_modeling.data import Predictions, Stream
from stages.language_modeling.train import CHUNK, stream_log_likelihood

PARTS = ("validation", "test")
# Tokens by how often they occur in the training part; `<unk>`, which stands for many words, is a kind of its own.
LIMITS = (10, 100, 1_000, 10_000)
KINDS = ("under 10", "10 to 99", "100 to 999", "1,000 to 9,999", "10,000 and more", "unknown")
SAMPLES, OPENING, SAMPLE_LENGTH, TEMPERATURE = 2, 4, 60, 0.8


def example_scores(model: nn.Module, run: Run, data: Stream | Predictions) -> dict[str, Tensor]:
    """Return the log-probability of each token of `validation` and `test` in nats, float32 (tokens,)."""
    if isinstance(data, Predictions):
        return {part: model.mix(*data.pair(part, int(model.seed))) for part in PARTS}
    return {part: stream_log_likelihood(model, *data.part(part)).float() for part in PARTS}


def score(
    model: nn.Module,
    run: Run,
    data: Stream | Predictions,
    history: History,
    predictions: dict[str, Tensor] | None = None,
) -> dict[str, float]:
    """Return the metrics of one trained model; `predictions` are what `example_scores` returns.

    Perplexities are exponentials of the mean negative log-likelihood in nats of a token; `inverse_probability` is the
    test part's by the other formula, P^(-1/N) (document 000). Characters have `bits_per_character`, n-gram models the
    number of their n-grams and the logarithm to base 10 of that of all possible ones, mixtures the weight of the first
    model, networks `diverged`: 1 if the loss left the finite numbers or was worse than a guess at random, and those of
    characters `loss_jumps`, see `train_network`.
    """
    predictions = example_scores(model, run, data) if predictions is None else predictions
    losses = {part: -predictions[part].double().mean().item() for part in PARTS}
    metrics = {f"{part}_perplexity": math.exp(loss) for part, loss in losses.items()}
    metrics["inverse_probability"] = inverse_probability(predictions["test"])
    if isinstance(data, Stream) and data.unit == "character":
        metrics["bits_per_character"] = losses["test"] / math.log(2)
    if hasattr(model, "num_ngrams"):
        metrics["num_ngrams"] = float(model.num_ngrams)
        metrics["log10_possible_ngrams"] = model.order * math.log10(model.num_words)  # words ** order
    if hasattr(model, "models"):
        metrics["weight"] = model.weight.item()
    if "diverged" in history[-1]:
        metrics["diverged"] = max(record["diverged"] for record in history)
    if "loss_jumps" in history[-1]:
        metrics["loss_jumps"] = history[-1]["loss_jumps"]
    return metrics


def inverse_probability(scores: Tensor) -> float:
    """Return (1 / P)^(1/N) of a text from the log-probabilities of its N tokens, multiplied out in float64.

    The root is taken of each token's factor: the probability of the whole text is smaller than any number.
    """
    return (scores.double().exp() ** (-1 / len(scores))).prod().item()


def outputs(
    model: nn.Module, run: Run, data: Stream | Predictions, predictions: dict[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return what the figures need.

    `kind_tokens` int64 and `kind_losses` float64, both (kinds,): how many test tokens are of each of `KINDS`, and their
    mean loss in nats. `samples` int64 (samples, OPENING + SAMPLE_LENGTH): the model's continuations of the beginnings
    of the first sentences or poems of the test part. Mixtures have none of these, but their `weight`.
    """
    if isinstance(data, Predictions):
        return {"weight": model.weight.detach().clone()}
    predictions = example_scores(model, run, data) if predictions is None else predictions
    tokens, start = data.part("test")
    kinds = kinds_of(data)[tokens[start:]]
    counts = torch.bincount(kinds, minlength=len(KINDS))
    sums = torch.bincount(kinds, -predictions["test"].double(), minlength=len(KINDS))
    draws = torch.Generator().manual_seed(0)
    eos = data.vocabulary.index[data.eos]
    begins = (tokens[start : len(tokens) - OPENING] == eos).nonzero()[:SAMPLES, 0] + start
    samples = [
        generate(model, tokens[begin : begin + 1 + OPENING], SAMPLE_LENGTH, TEMPERATURE, draws, data)[1:]
        for begin in begins.tolist()
    ]
    return {"kind_tokens": counts, "kind_losses": sums / counts.clamp(min=1), "samples": torch.stack(samples)}


def kinds_of(data: Stream) -> Tensor:
    """Return the kind of each token of the vocabulary, a place in `KINDS`: int64 (words,)."""
    kinds = torch.bucketize(torch.tensor(data.vocabulary.counts), torch.tensor(LIMITS), right=True)
    kinds[data.vocabulary.index[UNKNOWN]] = KINDS.index("unknown")
    return kinds.to(data.tokens.device)


@torch.no_grad()
def generate(
    model: nn.Module, prompt: Tensor, length: int, temperature: float, draws: torch.Generator, data: Stream
) -> Tensor:
    """Return `prompt` and `length` tokens that the model goes on with, none of them `<unk>`.

    int64 (prompt + length,).

    Args:
        model: a language model in evaluation mode.
        prompt: int64 (tokens,), at least one.
        length: how many tokens to draw.
        temperature: log-probabilities are divided by it: below 1 the likely becomes likelier.
        draws: what tokens are drawn from, on the CPU.
        data: whose tokens they are.
    """
    unknown = data.vocabulary.index[UNKNOWN]
    scores, state = read(model, prompt)
    drawn = []
    for _ in range(length):
        scores[:, unknown] = -math.inf
        shares = (scores.double() / temperature).softmax(1).cpu()
        token = torch.multinomial(shares, 1, generator=draws).to(prompt.device)
        drawn.append(token[0])
        scores, state = model.predict(token, state)
    return torch.cat([prompt, *drawn])


def read(model: nn.Module, tokens: Tensor) -> tuple[Tensor, Any]:
    """Return the log-probabilities of what follows `tokens` (at least one), float32 (1, words), and the state."""
    scores, state = None, None
    for chunk in tokens[:, None].split(CHUNK):
        scores, state = model.predict(chunk, state)
    return scores, state


def repeated(state: Any, times: int) -> Any:
    """Return the state of one text `times` over, for so many continuations side by side."""
    if isinstance(state, tuple):
        return tuple(repeated(part, times) for part in state)
    return None if state is None else state.expand(-1, times, *state.shape[2:]).contiguous()
