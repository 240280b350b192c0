"""Scores of deep networks: those of every image classifier, and how stable the values between layers were."""

import math
from itertools import pairwise
from statistics import mean

from torch import nn

from stages.core.data import Data
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers

outputs = classifiers.outputs
TINY = 1e-30  # in place of a variance of 0


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of image_classification, and by how much variances change from an epoch to the next.

    `activation_drift` and `gradient_drift` are means over layers and epochs of |ln(variance after / before)|: 0 where
    nothing moves, 0.69 where a variance doubles or halves.
    """
    return classifiers.score(model, run, data, history) | {
        "activation_drift": _drift(history, "activation_variance_"),
        "gradient_drift": _drift(history, "gradient_variance_"),
    }


def _drift(history: History, prefix: str) -> float:
    names = [name for name in history[0] if name.startswith(prefix)]
    return mean(
        abs(math.log(max(after[name], TINY) / max(before[name], TINY)))
        for before, after in pairwise(history)
        for name in names
    )
