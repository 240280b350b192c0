"""Accuracies of each network in the target, and of the first and the corrected one in the source."""

import torch
from torch import Tensor

from stages.core.data import Data
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.training import History
from stages.dataset_shift.networks import Networks
from stages.dataset_shift.shifts import change

SHOWN = 10  # images
WEIGHTS = ("weight_error", "error_without_weights", "effective_share")


def score(model: Networks, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of the networks of one seed.

    `<network>_accuracy` of test images in the target; in the source, `source_accuracy` of the network that was trained
    there as ever, and `source_accuracy_after` of the one in use; and what the history says of weights.
    """
    kind, last = family_module(run.family, run.model), history[-1]
    seen = kind.views(data.test.inputs, run.args, data.info)
    scores, in_source = {}, {}
    for name, network in model.by_name.items():
        source, target = kind.right(network, seen, data.test.targets, run.args, last)
        in_source[name], scores[f"{name}_accuracy"] = source.mean().item(), target.mean().item()
    first = next(iter(in_source.values()))
    scores |= {"source_accuracy": first, "source_accuracy_after": in_source[model.in_use]}
    return scores | {name: last[name] for name in WEIGHTS if name in last}


def outputs(model: Networks, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need.

    How strong the shift is, `target_share` or `concentration`, float32 scalars. With covariate shift `images`, uint8
    (SHOWN, 1, height, width), the first of the test split, and `changed`, the same changed; and `right`, float64 (n,),
    how far the network in use is right on each test image in the target.
    """
    names = ("target_share", "concentration")
    found = {name: torch.tensor(float(getattr(run.args, name))) for name in names if hasattr(run.args, name)}
    if "target_share" in found:
        kind, args, images = family_module(run.family, run.model), run.args, data.test.inputs[:SHOWN]
        seen = kind.views(data.test.inputs, args, data.info)
        right = kind.right(model, seen, data.test.targets, args, {})[1]
        found |= {"right": right, "images": images, "changed": change(images, args.moved_pixels, args.brightness)}
    return found
