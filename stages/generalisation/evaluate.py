"""Errors of image classifiers on training, validation and test images, and how good the estimate by folds was."""

import torch
from torch import Tensor, nn

from stages.core.data import Data
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers

CHOICE = ("chosen_decay", "estimated_error", "estimate_sd", "num_trainings")


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one trained model; errors are shares of images classified wrong.

    `train_error` is that of the images it was trained on, `generalisation_gap` the validation error minus that. Where
    the weight decay was chosen: `test_error`, what `choose_weight_decay` says of the choice, and `estimate_distance`,
    by how much the estimated error misses the test error.
    """
    last, predicted = history[-1], classifiers.outputs(model, run, data)
    test_error = 1 - accuracy(predicted["predicted"], predicted["actual"])
    if "chosen_decay" in last:
        distance = abs(last["estimated_error"] - test_error)
        return {"test_error": test_error, "estimate_distance": distance} | {name: last[name] for name in CHOICE}
    return {
        "train_error": last["train_error"],
        "validation_error": last["validation_error"],
        "generalisation_gap": last["validation_error"] - last["train_error"],
        "test_error": test_error,
    }


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need.

    Beside `predicted` and `actual` classes, int64 (n,): `num_images` trained on and `num_hiddens`, units of the first
    layer, int64 scalars; and the `weight_decays` that were tried, float64 (values,), where one was chosen.
    """
    count = run.args.num_train or len(data.train.inputs)
    found = classifiers.outputs(model, run, data) | {
        "num_images": torch.tensor(count),
        "num_hiddens": torch.tensor(run.args.layer_sizes[1]),
    }
    if decays := getattr(run.args, "weight_decays", []):
        found["weight_decays"] = torch.tensor(decays, dtype=torch.float64)
    return found
