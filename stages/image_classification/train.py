"""Training of image classifiers: pixels are augmented and scaled, then the common loop with cross-entropy."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data, Split
from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.training import Augment, History, TrainingArgs, train
from stages.image_classification.augmentation import Augmentation, augment_pixels, augment_values

Watcher = Callable[[nn.Module, Split], Callable[[], dict[str, float]]]


class ImageArgs(TrainingArgs):
    """Hyperparameters of every image classifier.

    Attributes:
        pixels: `unit` scales to [0, 1], as torchvision's ToTensor does; `signed` to [-1, 1];
            `standardised` subtracts the training split's mean and divides by its standard deviation.
        augmentation: changes of training images, see `augmentation.py`.
        num_train: how many training images are used, drawn by the seed; all if absent.
        label_smoothing: share of the target that all classes divide among them (Szegedy et al. 2016, Rethinking the
            Inception Architecture, section 7).
    """

    pixels: Literal["unit", "signed", "standardised"] = "unit"
    augmentation: list[Augmentation] = []
    num_train: int | None = Field(default=None, ge=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


def scale_pixels(split: Split, info: dict[str, Any], args: ImageArgs) -> Split:
    """Return the split with float32 inputs (n, 1, height, width), scaled as `args.pixels` says.

    `info` holds the mean and the standard deviation of the training split's pixels.
    """
    centre, width = {
        "unit": (0.0, 1.0),
        "signed": (0.5, 0.5),
        "standardised": (info["pixel_mean"], info["pixel_sd"]),
    }[args.pixels]
    return Split(split.inputs.float().div_(255).sub_(centre).div_(width), split.targets)


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is as prepared, on the run's device.

    Raises:
        UserError: training diverged, or there are fewer training images than `num_train`.
    """
    return fit_watched(run, data, seed)


def fit_watched(run: Run, data: Data, seed: int, watcher: Watcher | None = None) -> tuple[nn.Module, History]:
    """Do what `fit` does; `watcher` gets the model and scaled training images and returns `watch` of the loop."""
    model = run.build(data.info).to(run.device)
    images = draw_images(data.train, run, seed)
    training = scale_pixels(images, data.info, run.args)
    watch = None if watcher is None else watcher(model, training)
    validation = None if data.validation is None else scale_pixels(data.validation, data.info, run.args)
    label = f"{run.name} seed {seed}"
    augment = None
    if run.args.augmentation:
        training, augment = images, augmenter(run.args, data.info, seed)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        smoothing = run.args.label_smoothing if model.training else 0.0
        return functional.cross_entropy(logits, targets, label_smoothing=smoothing)

    return model, train(
        model, loss, training, run.args, seed=seed, validation=validation, label=label, augment=augment, watch=watch
    )


def draw_images(split: Split, run: Run, seed: int) -> Split:
    """Return `num_train` of the images, or all.

    Raises:
        UserError: there are fewer.
    """
    count = run.args.num_train
    if count is None:
        return split
    if count > len(split.inputs):
        raise UserError(f"{run.name}: num_train = {count} must be at most the {len(split.inputs)} training images")
    chosen = torch.randperm(len(split.inputs), generator=torch.Generator().manual_seed(seed))[:count]
    return Split(split.inputs[chosen], split.targets[chosen])


def augmenter(args: ImageArgs, info: dict[str, Any], seed: int) -> Augment:
    """Return what changes a training batch as `args.augmentation` says, and scales it.

    Crops move in black, or the `background` that the data's `info` names.
    """
    draws = torch.Generator().manual_seed(seed)
    names = args.augmentation

    def augment(images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        changed = augment_pixels(images, names, draws, info.get("background", 0))
        values = scale_pixels(Split(changed, targets), info, args).inputs
        return augment_values(values, targets, names, len(info["classes"]), draws)

    return augment
