"""Covariate shift: other images, the same class for the same image.

Some images are moved or darker: a share of those of the source, another share of those of the target. Weights of the
training images mend that where the source has such images at all (`weights.py`; Zhang et al., Dive into Deep Learning,
section 4.7.3.1). Three networks are trained on the same images: without weights, with those that logistic regression
estimates, and with those that the two shares give. They are those of `mlp`; without hidden layers they are softmax
regression.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.core.training import History, predict
from stages.dataset_shift.networks import Networks, ShiftArgs, fit_weighted, side_by_side, untrained
from stages.dataset_shift.shifts import change, halves
from stages.dataset_shift.weights import about_weights, estimate_image_weights
from stages.image_classification.train import draw_images, scale_pixels


class Args(ShiftArgs):
    """Hyperparameters.

    Attributes:
        moved_pixels: how far a changed image is moved, to the right and down.
        brightness: what its pixels are multiplied by.
        source_share: share of source images that are changed. With 0 there are no weights that would be true.
        target_share: share of target images that are changed.
        ridge: of the logistic regression, see `estimate_image_weights`, as the next two.
        largest_weight: weight that greater ones are cut to.
        num_steps: of L-BFGS, at most.
    """

    moved_pixels: int = Field(default=0, ge=0)
    brightness: float = Field(default=1.0, gt=0, le=1)
    source_share: float = Field(ge=0, lt=1)
    target_share: float = Field(gt=0, le=1)
    ridge: float = Field(gt=0, allow_inf_nan=False)
    largest_weight: float = Field(gt=1, allow_inf_nan=False)
    num_steps: int = Field(ge=1)


def build(args: Args, info: dict[str, Any]) -> Networks:
    """Return the untrained networks."""
    names = ["unweighted", "weighted", "truly_weighted"]
    return Networks(args, info, names[:2] if args.source_share == 0 else names, in_use="weighted")


def views(images: Tensor, args: Args, info: dict[str, Any]) -> list[Tensor]:
    """Return images, uint8 (n, 1, height, width), scaled: as they are, and all of them changed."""
    changed = change(images, args.moved_pixels, args.brightness)
    return [scale_pixels(Split(found, found), info, args).inputs for found in (images, changed)]


def right(
    network: nn.Module, seen: list[Tensor], targets: Tensor, args: Args, shift: Mapping[str, float]
) -> tuple[Tensor, Tensor]:
    """Return how far each of the images `seen` (`views`) is right in the source and in the target, float64 (n,) each.

    An image counts both as it is and changed, each with its share: as exact as many draws of which ones are changed.
    """
    as_it_is, changed = ((predict(network, images).argmax(1) == targets).double() for images in seen)
    source, target = ((1 - share) * as_it_is + share * changed for share in (args.source_share, args.target_share))
    return source, target


def fit(run: Run, data: Data, seed: int) -> tuple[Networks, History]:
    """Return the networks and their history; logistic regression sees the first half of the validation split.

    A record has what `about_weights` says of the weights; the error only where there are true ones.
    """
    args, draws = run.args, torch.Generator().manual_seed(seed)
    first, second = halves(data.validation, seed)
    source, is_changed = change_some(draw_images(data.train, run, seed), args, args.source_share, draws)
    target, _ = change_some(first, args, args.target_share, draws)
    source, target = (scale_pixels(split, data.info, args) for split in (source, target))
    weights = {
        "unweighted": torch.ones_like(source.inputs[:, 0, 0, 0]),
        "weighted": estimate_image_weights(
            source.inputs, target.inputs, args.ridge, args.largest_weight, args.num_steps
        ),
    }
    if args.source_share > 0:
        rarer, more_frequent = (1 - args.target_share) / (1 - args.source_share), args.target_share / args.source_share
        weights["truly_weighted"] = torch.where(is_changed, more_frequent, rarer).float()

    seen = views(second.inputs, args, data.info)

    def accuracy(network: nn.Module) -> float:
        return right(network, seen, second.targets, args, {})[1].mean().item()

    model = untrained(run, data.info, seed)
    train = partial(fit_weighted, run, model, images=source, seed=seed, accuracy=accuracy)
    history = side_by_side({name: train(name, weights=found) for name, found in weights.items()}, model.in_use)
    constant = about_weights(weights["weighted"], weights.get("truly_weighted"))
    return model, [record | constant for record in history]


def change_some(images: Split, args: Args, share: float, draws: torch.Generator) -> tuple[Split, Tensor]:
    """Change each image with probability `share`; return all images, and which are changed, bool (n,)."""
    is_changed = (torch.rand(len(images.inputs), generator=draws) < share).to(images.inputs.device)
    changed = change(images.inputs, args.moved_pixels, args.brightness)
    return Split(torch.where(is_changed[:, None, None, None], changed, images.inputs), images.targets), is_changed
