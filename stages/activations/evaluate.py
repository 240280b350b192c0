"""How fast an MLP with one activation learned, how well it classifies, and what became of its units."""

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
        "reached": last["reached"],
        "epochs_to_loss": last["epochs_to_loss"],
        "train_loss": last["train_loss"],
        "test_loss": functional.cross_entropy(logits, test.targets).item(),
        "test_accuracy": accuracy(logits.argmax(1), test.targets),
        "num_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "chosen_rate": last["learning_rate"],
        "silent_share": mean(last[f"silent_{layer}"] for layer in layers),
        "dead_share": mean(last[f"dead_{layer}"] for layer in layers),
        "highest_rate": last["highest_rate"],
        "dead_share_lowest_rate": last["dead_lowest_rate"],
        "dead_share_highest_rate": last["dead_highest_rate"],
    }
