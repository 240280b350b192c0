"""What the generic tests need of this family: small data, a shortened run, and mistakes to plant."""

import math
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import torch

from stages.core.run import Run
from stages.language_modeling import lstm, output_layer
from stages.language_modeling import train as language_models
from stages.language_modeling.data import Predictions, Stream
from tests.language_modeling.small import small_predictions, small_stream, small_tokens
from tests.planted import Planted, Planting, dropout_left_on, learning_rate_ten_times_too_high, nothing


def small_data(run: Run) -> Stream | Predictions:
    """Return a text in a made-up language, or what two models predicted."""
    if run.model == "mixture":
        return small_predictions()
    return small_stream(1800, unit="character" if run.data == "verse" else "word")


def shortened(run: Run) -> Run:
    """Return the run with one epoch; it must end better than a guess, although the text is short."""
    given = run.args.model_dump()
    changes = {
        "num_epochs": 5 if run.model == "transformer" else 1,  # that one begins worse than a guess
        "learning_rate": min(given.get("learning_rate", 0.5), 0.5),
        "batch_size": 2,
    }
    if given.get("num_frequent"):
        changes |= {"num_frequent": 16, "num_sampled": 8}
    return replace(run, args=run.args.model_copy(update={key: changes[key] for key in changes.keys() & given.keys()}))


def dropped_words(run: Run, data: Stream) -> Planting:
    """Lose every fifth token of the training part, as a mistake in reading sentences would."""
    kept = torch.arange(data.num_train) % 5 != 0
    tokens = torch.cat([data.train[kept], data.tokens[data.num_train :]])
    return nothing(run, replace(data, tokens=tokens, num_train=int(kept.sum())))


def targets_not_shifted(run: Run, data: Stream) -> Planting:
    """Train on predicting the token after the next."""
    found = language_models.batches

    def batches(*arguments):
        for inputs, targets in found(*arguments):
            yield inputs[:-1], targets[1:]

    return run, data, patch.object(language_models, "batches", batches)


def correction_forgotten(run: Run, data: Stream) -> Planting:
    """Sum over sampled words as if they were all words."""
    return run, data, patch.object(output_layer, "math", SimpleNamespace(log=lambda value: 0.0, inf=math.inf))


def test_part_in_training(run: Run, data: Stream) -> Planting:
    """Train on the test part too."""
    tokens = torch.cat([data.tokens[-data.num_test :], data.tokens])
    return nothing(run, replace(data, tokens=tokens, num_train=data.num_train + data.num_test))


test_part_in_training.__test__ = False  # for pytest


def genres() -> Stream:
    """Return a text whose test part has, as Brown's, more of another genre than what comes before: another language."""
    data = small_stream(4000)
    other = small_tokens(2000, seed=5, language=1)
    train, rare, half = data.num_train, data.num_train // 4, data.num_test // 2
    parts = [data.tokens[: train - rare], other[:rare], data.tokens[train:-half], other[-half:]]
    return replace(data, tokens=torch.cat(parts))


ARGS = lstm.Args(
    embedding_size=48,
    num_hiddens=48,
    num_epochs=6,
    batch_size=8,
    num_steps=16,
    learning_rate=0.02,
    min_improvement=0.15,
    clip_norm=1.0,
    dropout=0.3,
    num_frequent=20,
    num_sampled=3,
)
PLANTED = Planted(
    Run("language_modeling/small", "language_modeling", "lstm", "genres", ARGS, [1], "cpu"),
    genres(),
    [
        learning_rate_ten_times_too_high,
        dropout_left_on,
        dropped_words,
        targets_not_shifted,
        correction_forgotten,
        test_part_in_training,
    ],
    gains={test_part_in_training: {"test_perplexity"}},
)
