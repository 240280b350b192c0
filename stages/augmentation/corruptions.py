"""What happens to pictures that nobody took with care: weak light, another pose, something in front (document 004).

Each maps images, uint8 (n, 1, height, width), to as many; draws have a seed of their own, so that every model is tested
on the same images.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from stages.image_classification.augmentation import crop, rotate

SEED = 0
BRIGHTNESS = 0.3
PIXELS = 4  # at most
DEGREES = 30  # at most


def darker(images: Tensor) -> Tensor:
    """Multiply all pixels by BRIGHTNESS."""
    return (images * BRIGHTNESS).round().to(torch.uint8)


def moved(images: Tensor) -> Tensor:
    """Move each image by up to PIXELS in both directions; zeros come in."""
    return crop(images, _draws(), PIXELS)


def turned(images: Tensor) -> Tensor:
    """Turn each image by up to DEGREES to either side; zeros come in."""
    angles = torch.deg2rad(DEGREES * (2 * torch.rand(len(images), generator=_draws()) - 1))
    return rotate(images, angles)


def covered(images: Tensor) -> Tensor:
    """Set a quarter of each image to 0: a square of half the height and half the width, anywhere."""
    height, width = images.shape[2:]
    draws = _draws()
    places = []
    for size in (height, width):
        start = torch.randint(size - size // 2 + 1, (len(images), 1), generator=draws)
        pixel = torch.arange(size)
        places.append((pixel >= start) & (pixel < start + size // 2))
    square = places[0][:, None, :, None] & places[1][:, None, None, :]
    return images.masked_fill(square, 0)


def _draws() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


CORRUPTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "darker": darker,
    "moved": moved,
    "turned": turned,
    "covered": covered,
}
