"""What networks learned from their first weights, and whether their units are still equal."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History, predict
from stages.image_classification import evaluate as classifiers
from stages.image_classification.train import scale_pixels
from stages.initialisation.rules import initialise
from stages.initialisation.signals import signals, unit_difference
from stages.initialisation.train import watched_images

MEASURED_BEFORE = ("activation_ratio", "gradient_ratio", "silent_share")


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of the networks of one seed, each with its network at the end of its name: `loss_relu_20`.

    Test loss in nats (at most `highest_loss`) and accuracy, whether it learns (1 or 0), the unit difference after
    training, and what was measured before.
    """
    args, test = run.args, scale_pixels(data.test, data.info, run.args)
    scores = {}
    for name, network in model.items():
        logits = predict(network, test.inputs)
        right = accuracy(logits.argmax(1), test.targets)
        scores |= {
            f"loss_{name}": min(functional.cross_entropy(logits, test.targets).item(), args.highest_loss),
            f"accuracy_{name}": right,
            f"learns_{name}": int(right >= args.learns_at),
            f"unit_difference_{name}": unit_difference(network),
        }
        scores |= {f"{metric}_{name}": history[-1][f"{metric}_{name}"] for metric in MEASURED_BEFORE}
    return scores


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need.

    `predicted` and `actual` classes of the last network, int64 (n,); and of the deepest network of each activation,
    before training, of the first seed, `activation_sd_<activation>` and `gradient_sd_<activation>` by layer, see
    `signals`, float64 (hidden layers + 1,).
    """
    untrained, watched = run.build(data.info).to(run.device), watched_images(run, data)
    found = classifiers.outputs(model, run, data)
    for activation in run.args.activations:
        network = untrained[f"{activation}_{run.args.depths[-1]}"]
        initialise(network, run.args.rule, run.args.sd, torch.Generator().manual_seed(run.seeds[0]))
        found[f"activation_sd_{activation}"], found[f"gradient_sd_{activation}"] = signals(network, watched)
    return found
