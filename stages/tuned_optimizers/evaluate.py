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

    `train_loss` and `validation_loss` are in nats; `good_decades` is log10 of the greatest good rate over the least,
    good being a validation accuracy at most `close` below the best rate's; on the validation images, like the choice.
    """
    last = history[-1]
    found = classifiers.outputs(model, run, data)
    accuracies = [last[f"validation_accuracy_{number}"] for number in range(1, len(run.args.rates) + 1)]
    good = [
        rate
        for rate, value in zip(run.args.rates, accuracies, strict=True)
        if value >= max(accuracies) - run.args.close
    ]
    return {
        "train_loss": last["train_loss"],
        "validation_loss": last["validation_loss"],
        "test_accuracy": accuracy(found["predicted"], found["actual"]),
        "chosen_rate": last["learning_rate"],
        "good_decades": math.log10(good[-1] / good[0]),
    }


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need: `predicted` and `actual` classes, int64 (n,), and the `rates`, float64 (rates,)."""
    return classifiers.outputs(model, run, data) | {"rates": torch.tensor(run.args.rates, dtype=torch.float64)}
