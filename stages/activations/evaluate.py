"""How fast an MLP with one activation learned, how well it classifies, and what became of its units."""

from itertools import pairwise
from statistics import mean

from torch import nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History, predict
from stages.image_classification import evaluate as classifiers
from stages.image_classification.train import scale_pixels

outputs = classifiers.outputs


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of the network of the chosen rate; shares of units are means over the hidden layers."""
    test = scale_pixels(data.test, data.info, run.args)
    logits = predict(model, test.inputs)
    last, layers = history[-1], range(1, run.args.num_layers + 1)
    return {
        "epochs_to_loss": epochs_to(run.args.target_loss, [record["validation_loss"] for record in history]),
        "train_loss": last["train_loss"],
        "test_loss": functional.cross_entropy(logits, test.targets).item(),
        "test_accuracy": accuracy(logits.argmax(1), test.targets),
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "chosen_rate": last["learning_rate"],
        "silent_share": mean(last[f"silent_{layer}"] for layer in layers),
        "dead_share": mean(last[f"dead_{layer}"] for layer in layers),
        "dead_share_lowest_rate": last["dead_lowest_rate"],
        "dead_share_highest_rate": last["dead_highest_rate"],
    }


def epochs_to(target: float, losses: list[float]) -> float:
    """Return after how many epochs the loss is at most `target`, between two epochs on the straight line.

    `losses` are those after 0, 1, … epochs. One epoch more than there are where it is not reached.
    """
    if losses[0] <= target:
        return 0.0
    for epoch, (before, after) in enumerate(pairwise(losses)):
        if after <= target:
            return epoch + (before - target) / (before - after)
    return float(len(losses))
