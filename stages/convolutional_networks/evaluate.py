"""Scores of image classifiers, what they cost, and how they take images that are moved or turned."""

import math
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification import evaluate as classifiers
from stages.image_classification.augmentation import rotate
from stages.image_classification.evaluate import accuracy_after
from stages.image_classification.train import scale_pixels

PIXELS = range(7)  # that images are moved by
DEGREES = range(0, 181, 15)  # that images are turned by
FAR, QUARTER_TURN = 4, 90  # what the metrics are of
CURVE = 2500  # test images, the first ones, that the curves over all of these are of
DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def score(model: nn.Module, run: Run, data: Data, history: History) -> dict[str, float]:
    """Return the metrics of image_classification and more of one trained model.

    `multiply_adds` are those of an image's products, counted by torch; `moved_accuracy` is the mean accuracy on test
    images moved by FAR pixels to the right, left, bottom and top, `turned_accuracy` that on those turned by a right
    angle. Zeros come in from the sides.
    """
    return classifiers.score(model, run, data, history) | {
        "multiply_adds": multiply_adds(model, data),
        "moved_accuracy": moved_accuracy(model, run, data, FAR),
        "turned_accuracy": turned_accuracy(model, run, data, QUARTER_TURN),
    }


def outputs(model: nn.Module, run: Run, data: Data) -> dict[str, Tensor]:
    """Return what the figures need.

    Beside `predicted` and `actual` classes, int64 (n,): `moved` and `turned`, the accuracies by PIXELS and DEGREES on
    the first CURVE test images, float32; of a convolutional network `filters` of its first layer, float32 (filters,
    height, width), and `feature_maps`, what they make of the first test image, float32 (filters, 28, 28).
    """
    few = replace(data, test=Split(data.test.inputs[:CURVE], data.test.targets[:CURVE]))
    found = classifiers.outputs(model, run, data) | {
        "moved": torch.tensor([moved_accuracy(model, run, few, pixels) for pixels in PIXELS]),
        "turned": torch.tensor([turned_accuracy(model, run, few, degrees) for degrees in DEGREES]),
    }
    layer = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), None)
    if layer is not None:
        first = scale_pixels(Split(data.test.inputs[:1], data.test.targets[:1]), data.info, run.args).inputs
        with torch.no_grad():
            found |= {"filters": layer.weight[:, 0].detach(), "feature_maps": layer(first)[0]}
    return found


def multiply_adds(model: nn.Module, data: Data) -> float:
    """Return the multiplications, each with an addition, of the products that classify an image."""
    image = data.test.inputs[:1].float()
    unfused = torch.backends.mkldnn.flags(enabled=False)  # the counter does not see the products in oneDNN's LSTM
    with FlopCounterMode(display=False) as counter, torch.no_grad(), unfused:
        model.eval()(image)
    return counter.get_total_flops() / 2


def moved_accuracy(model: nn.Module, run: Run, data: Data, pixels: int) -> float:
    """Return the mean accuracy on test images moved by `pixels` in each of four directions."""
    directions = DIRECTIONS if pixels else DIRECTIONS[:1]
    changes = (lambda images, d=d: move(images, d[0] * pixels, d[1] * pixels) for d in directions)
    return sum(accuracy_after(change, model, run, data) for change in changes) / len(directions)


def turned_accuracy(model: nn.Module, run: Run, data: Data, degrees: float) -> float:
    """Return the accuracy on test images turned by `degrees`."""
    return accuracy_after(lambda images: turn(images, degrees), model, run, data)


def move(images: Tensor, down: int, right: int) -> Tensor:
    """Return images (n, channels, height, width) moved by whole pixels; zeros come in."""
    height, width = images.shape[2:]
    reach = max(abs(down), abs(right))
    padded = functional.pad(images, (reach,) * 4)
    return padded[:, :, reach - down : reach - down + height, reach - right : reach - right + width]


def turn(images: Tensor, degrees: float) -> Tensor:
    """Return images, uint8 (n, channels, height, width), turned counter-clockwise; zeros come in."""
    return rotate(images, torch.tensor([math.radians(degrees)], dtype=torch.float64))
