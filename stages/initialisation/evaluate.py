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
    training, the learning rate that was chosen, how many of the rates overflowed, and what was measured before.
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
            f"chosen_rate_{name}": history[-1][f"learning_rate_{name}"],
            f"overflowed_{name}": history[-1][f"overflowed_{name}"],
        }
        scores |= {f"{metric}_{name}": history[-1][f"{metric}_{name}"] for metric in MEASURED_BEFORE}
    return scores


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need.

    `predicted` and `actual` classes of the last network, int64 (n,); and of each network before training, such as
    `relu_20`, `activation_sd_relu_20` and `gradient_sd_relu_20` by layer, see `signals`, float64 (hidden layers + 1,):
    the geometric means over the seeds.
    """
    untrained, watched = run.build(data.info).to(run.device), watched_images(run, data)
    found = classifiers.outputs(model, run, data)
    for name, network in untrained.items():
        logs = []
        for seed in run.seeds:
            initialise(network, run.args.rule, run.args.sd, torch.Generator().manual_seed(seed))
            logs.append(torch.stack(signals(network, watched)).log())
        found[f"activation_sd_{name}"], found[f"gradient_sd_{name}"] = torch.stack(logs).mean(0).exp()
    return found
