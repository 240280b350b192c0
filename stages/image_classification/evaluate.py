"""Scores of image classifiers."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data, Split
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History, predict
from stages.image_classification.train import scale_pixels


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one trained model; losses in nats per image.

    `train_loss` is the document's: the mean over the last epoch as each image was seen, dropout on and
    penalty included. `test_loss` and the accuracies are the final model's, dropout off.
    """
    test = scale_pixels(data.test, data.info, run.args)
    logits = predict(model, test.inputs)
    metrics = {
        "train_loss": history[-1]["train_loss"],
        "test_loss": functional.cross_entropy(logits, test.targets).item(),
        "test_accuracy": accuracy(logits.argmax(1), test.targets),
    }
    if data.validation is not None:
        predicted = predicted_classes(model, run, data, data.validation)
        metrics["validation_accuracy"] = accuracy(predicted, data.validation.targets)
    return metrics


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need of the test split: `predicted` and `actual` classes, int64 (n,)."""
    return {"predicted": predicted_classes(model, run, data, data.test), "actual": data.test.targets}


def predicted_classes(model: nn.Module, run: Run, data: Data, split: Split) -> Tensor:
    """Return the likeliest class of each image of a split as prepared, int64 (n,)."""
    return predict(model, scale_pixels(split, data.info, run.args).inputs).argmax(1)


def accuracy_after(change: Callable[[Tensor], Tensor], model: nn.Module, run: Run, data: Data) -> float:
    """Return the accuracy on the test images after `change`, uint8 (n, channels, height, width) -> the same."""
    changed = Split(change(data.test.inputs), data.test.targets)
    return accuracy(predicted_classes(model, run, data, changed), changed.targets)
