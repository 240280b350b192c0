"""What the generic tests need of this family: small data, a shortened run, and mistakes to plant."""

from dataclasses import replace
from unittest.mock import patch

import torch
from torch import Tensor, nn

from stages.core.family import family_module
from stages.core.run import Run
from stages.text_classification import text_cnn
from stages.text_classification import train as classifiers
from stages.text_classification.data import RatedTexts, Split, Texts
from tests.planted import Planted, Planting, dropout_left_on, learning_rate_ten_times_too_high, nothing
from tests.text_classification.small import small_texts


def small_data(run: Run) -> RatedTexts:
    """Return texts of praise and blame, with vectors of their words for a row that begins with some."""
    return small_texts(vectors=getattr(run.args, "vectors", "random") != "random")


def shortened(run: Run) -> Run:
    """Return the run with one epoch, and with fewer texts where it has fewer than there are."""
    given = run.args.model_dump()
    changes = {"num_epochs": 1}
    changes |= {"average_from": 1} if given.get("average_from") else {}
    changes |= {"num_train": 40} if given["num_train"] else {}
    return replace(run, args=run.args.model_copy(update={key: changes[key] for key in changes.keys() & given.keys()}))


def shuffled_ratings(run: Run, data: RatedTexts) -> Planting:
    """Give half of the training texts each other's ratings."""
    draws = torch.Generator().manual_seed(0)

    def mistaken(split: Split, ratings: Tensor) -> Tensor:
        chosen = split.train[: len(split.train) // 2]
        ratings = ratings.clone()
        ratings[chosen] = ratings[chosen[torch.randperm(len(chosen), generator=draws)]]
        return ratings

    true = data.ratings
    found = classifiers.train_network

    def train(model, data, args, seed, label):
        return found(model, replace(data, ratings=mistaken(data.split(seed), true)), args, seed, label)

    return run, data, patch.object(family_module(run.family, run.model), "train", train)


def other_words_in_use(run: Run, data: RatedTexts) -> Planting:
    """Number the words in the opposite order after training, as happens when a vocabulary is made again."""
    found = classifiers.Network.scores

    def scores(model: nn.Module, texts: Texts) -> Tensor:
        return found(model, texts._replace(tokens=len(model.known) - 1 - texts.tokens))

    return run, data, patch.object(classifiers.Network, "scores", scores)


def parts_of_folds_confused(run: Run, data: RatedTexts) -> Planting:
    """Take the wrong part of a fold: train on the test texts."""
    splits = {number: split._replace(train=split.test) for number, split in data.splits.items()}
    return nothing(run, replace(data, splits=splits))


ARGS = text_cnn.Args(
    embedding_size=40,
    widths=[1, 3],
    num_filters=6,  # so few that dropout left on does not average out
    num_epochs=8,
    batch_size=50,
    learning_rate=0.03,
    vector_learning_rate=0.05,
    vector_sd=0.5,
    vector_dropout=0.4,
    dropout=0.6,
)
PLANTED = Planted(
    Run("text_classification/small", "text_classification", "text_cnn", "opinions", ARGS, [1], "cpu"),
    small_texts(900, noise=1.6),
    [
        learning_rate_ten_times_too_high,
        dropout_left_on,
        shuffled_ratings,
        other_words_in_use,
        parts_of_folds_confused,
    ],
    gains={parts_of_folds_confused: {"test_roc_auc", "rating_correlation"}},
)
