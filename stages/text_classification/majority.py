"""The class that most training texts have: what a classifier must beat that has learned anything from the words."""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from stages.core.training import History
from stages.text_classification.data import RatedTexts, Texts
from stages.text_classification.train import Classifier, ClassifierArgs, targets, to_train_on

DATA_KINDS = ("folds", "embed")


class Args(ClassifierArgs):
    """Hyperparameters."""


class Majority(Classifier):
    """`logit` float32 () of the share of positive training texts, the same for each text."""

    def __init__(self, num_words: int) -> None:
        """Begin undecided."""
        super().__init__(num_words)
        self.logit = nn.Parameter(torch.tensor(0.0), requires_grad=False)

    def scores(self, texts: Texts) -> torch.Tensor:
        """Return the same logit for each text, float32 (texts,)."""
        return self.logit.expand(len(texts.lengths)).clone()


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return an undecided model."""
    return Majority(info["num_words"])


def train(model: Majority, data: RatedTexts, args: Args, seed: int, label: str) -> History:
    """Count; return one record with the training loss in nats."""
    chosen = to_train_on(data, args, seed, label)
    model.learn_words(data, chosen, args)
    wanted = targets(data.ratings[chosen], args)
    positive = (wanted.sum().item() + 1) / (len(wanted) + 2)  # rule of succession: never certain
    model.logit.fill_(math.log(positive / (1 - positive)))
    loss = functional.binary_cross_entropy_with_logits(model.scores(data.texts.select(chosen)), wanted)
    return [{"epoch": 1, "train_loss": loss.item()}]
