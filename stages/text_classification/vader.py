"""VADER: a lexicon of rated words and five rules, nothing learned from the texts.

Hutto and Gilbert 2014, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text, by their own
program. Its compound score c from -1 to 1 is taken for the probability (1 + c) / 2.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from stages.core.training import History
from stages.text_classification.data import RatedTexts, Texts
from stages.text_classification.train import Classifier, ClassifierArgs, targets, to_train_on

DATA_KINDS = ("folds", "embed")
LARGEST = 0.99995  # compound scores have four decimals


class Args(ClassifierArgs):
    """Hyperparameters; the rules have none."""


class Vader(Classifier):
    """The rules; they read texts as they were written."""

    def __init__(self, num_words: int) -> None:
        """Read the lexicon."""
        super().__init__(num_words)
        self.rules = SentimentIntensityAnalyzer()

    def scores(self, texts: Texts) -> Tensor:
        """Return the logit of (1 + c) / 2 for the compound score c of each text, float32 (texts,)."""
        compound = [self.rules.polarity_scores(text)["compound"] for text in texts.strings]
        scores = torch.tensor(compound, dtype=torch.float64).clamp(-LARGEST, LARGEST)
        return (2 * scores.atanh()).float().to(texts.tokens.device)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the rules."""
    return Vader(info["num_words"])


def train(model: Vader, data: RatedTexts, args: Args, seed: int, label: str) -> History:
    """Learn nothing; return one record with the training texts' loss in nats."""
    chosen = to_train_on(data, args, seed, label)
    model.learn_words(data, chosen, args)
    wanted = targets(data.ratings[chosen], args)
    loss = functional.binary_cross_entropy_with_logits(model.scores(data.texts.select(chosen)), wanted)
    return [{"epoch": 1, "train_loss": loss.item()}]
