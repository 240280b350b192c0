"""Scores of image classifiers."""

from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data
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
        validation = scale_pixels(data.validation, data.info, run.args)
        metrics["validation_accuracy"] = accuracy(predict(model, validation.inputs).argmax(1), validation.targets)
    return metrics


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need of the test split: `predicted` and `actual` classes, int64 (n,)."""
    test = scale_pixels(data.test, data.info, run.args)
    return {"predicted": predict(model, test.inputs).argmax(1), "actual": test.targets}
