"""Training of image classifiers: pixels are scaled, then the common loop with cross-entropy."""

from typing import Any, Literal

from torch import nn
from torch.nn import functional

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.core.training import History, TrainingArgs, train


class ImageArgs(TrainingArgs):
    """Hyperparameters of every image classifier.

    Attributes:
        pixels: `unit` scales to [0, 1], as torchvision's ToTensor does; `signed` to [-1, 1];
            `standardised` subtracts the training split's mean and divides by its standard deviation.
    """

    pixels: Literal["unit", "signed", "standardised"] = "unit"


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
        UserError: training diverged.
    """
    model = run.build(data.info).to(run.device)
    training = scale_pixels(data.train, data.info, run.args)
    validation = None if data.validation is None else scale_pixels(data.validation, data.info, run.args)
    label = f"{run.name} seed {seed}"
    loss = functional.cross_entropy
    return model, train(model, loss, training, run.args, seed=seed, validation=validation, label=label)
