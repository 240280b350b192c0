"""How far an optimizer with a tuned rate got, and over how many rates it gets nearly as far."""

import math

import torch
from torch import Tensor, nn

from stages.core.data import Data
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of the network of the chosen rate, and `good_decades` of rates.

    `train_loss`, of the last epoch's batches before each step, and `validation_loss` are in nats; `good_decades` are
    judged on the validation images, like the choice.
    """
    last = history[-1]
    found = classifiers.outputs(model, run, data)
    accuracies = [last[f"validation_accuracy_{number}"] for number in range(1, len(run.args.rates) + 1)]
    return {
        "train_loss": last["train_loss"],
        "validation_loss": last["validation_loss"],
        "test_accuracy": accuracy(found["predicted"], found["actual"]),
        "chosen_rate": last["learning_rate"],
        "good_decades": good_decades(run.args.rates, accuracies, run.args.close),
    }


def good_decades(rates: list[float], accuracies: list[float], close: float) -> float:
    """Return log10 of the greatest over the least of the neighbours of the best rate that come close to it."""
    best = accuracies.index(max(accuracies))
    good = [value >= accuracies[best] - close for value in accuracies]
    first = best - [*good[:best][::-1], False].index(False)
    last = best + [*good[best:], False].index(False) - 1
    return math.log10(rates[last] / rates[first])


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need: `predicted` and `actual` classes, int64 (n,), and the `rates`, float64 (rates,)."""
    return classifiers.outputs(model, run, data) | {"rates": torch.tensor(run.args.rates, dtype=torch.float64)}
