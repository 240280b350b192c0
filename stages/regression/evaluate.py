"""Scores of the regression family: losses, accuracy, and how well known weights are recovered."""

from torch import Tensor, nn

from stages.core.data import Data
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History, mean_loss, predict
from stages.regression.train import LOSSES


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of one trained model.

    `train_loss` is the document's: the mean over the last epoch, as it was seen; `test_loss` is the mean
    over the test split (squared error per target, or nats per example). Where the data were drawn with
    known weights, the learned ones and `max_weight_error` (absolute) are there too.
    """
    loss = LOSSES[data.info["task"]]
    metrics = {"train_loss": history[-1]["train_loss"], "test_loss": mean_loss(model, loss, data.test)}
    if data.info["task"] != "regression":
        metrics["train_accuracy"] = accuracy(classify(predict(model, data.train.inputs)), data.train.targets)
        metrics["test_accuracy"] = accuracy(classify(predict(model, data.test.inputs)), data.test.targets)
    truth = data.info.get("truth")
    if truth is not None and isinstance(model, nn.Linear):
        learned = {f"weight_{i}": weight for i, weight in enumerate(model.weight[0].tolist(), 1)}
        learned["bias"] = model.bias.item()
        metrics |= learned
        metrics["max_weight_error"] = max(abs(learned.get(name, 0.0) - truth[name]) for name in truth)
    return metrics


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need of the test split: `predicted` (values or classes) and `actual`, shape (n, …)."""
    predicted = predict(model, data.test.inputs)
    if data.info["task"] != "regression":
        predicted = classify(predicted)
    return {"predicted": predicted, "actual": data.test.targets}


def classify(predictions: Tensor) -> Tensor:
    """Return classes: (n, 1) log-odds give (n, 1) 0 or 1; (n, classes) logits give (n,) int64."""
    if predictions.shape[-1] == 1:
        return (predictions > 0).float()
    return predictions.argmax(dim=-1)
