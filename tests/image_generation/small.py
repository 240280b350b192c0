"""A few images, quick to learn, and the arguments of a classifier of them."""

import torch
from torch import Tensor

from stages.core.data import Data, Split
from stages.image_classification import lenet

EXTRACTOR = lenet.Args(
    channels=[4],
    num_features=8,
    num_epochs=30,
    batch_size=16,
    learning_rate=0.01,
    optimizer="adam",
    precision="float32",
)


def small_images(count: int = 96, size: int = 28) -> Data:
    """Return bright squares somewhere on black, in four classes by the quarter that they lie in."""
    draws = torch.Generator().manual_seed(0)
    corners = torch.randint(1, size - 11, (2 * count, 2), generator=draws)
    images = torch.zeros(2 * count, 1, size, size, dtype=torch.uint8)
    for image, (top, left) in zip(images, corners.tolist(), strict=True):
        image[0, top : top + 10, left : left + 10] = 200
    classes = (corners[:, 0] > 8).long() * 2 + (corners[:, 1] > 8).long()
    return divided(images, classes, count)


def divided(images: Tensor, classes: Tensor, num_train: int) -> Data:
    """Return data of images, uint8 (n, 1, height, width), and classes, int64 (n,): the first are the training split.

    The others are both the test and the validation split.
    """
    pixels = images[:num_train].double() / 255
    info = {"task": "multiclass", "classes": [f"class {number}" for number in range(int(classes.max()) + 1)]}
    info |= {"pixel_mean": pixels.mean().item(), "pixel_sd": pixels.std().item()}
    train, test = (Split(images[part], classes[part]) for part in (slice(num_train), slice(num_train, None)))
    return Data(train, test, test, info)
