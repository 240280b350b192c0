"""A few images, quick to learn."""

import torch

from stages.core.data import Data, Split


def small_images(count: int = 96, size: int = 28) -> Data:
    """Return bright squares somewhere on black, in four classes by the quarter that they lie in."""
    draws = torch.Generator().manual_seed(0)
    corners = torch.randint(1, size - 11, (2 * count, 2), generator=draws)
    images = torch.zeros(2 * count, 1, size, size, dtype=torch.uint8)
    for image, (top, left) in zip(images, corners.tolist(), strict=True):
        image[0, top : top + 10, left : left + 10] = 200
    classes = (corners[:, 0] > 8).long() * 2 + (corners[:, 1] > 8).long()
    pixels = images[:count].double() / 255
    info = {"task": "multiclass", "classes": [f"quarter {number}" for number in range(4)]}
    info |= {"pixel_mean": pixels.mean().item(), "pixel_sd": pixels.std().item()}
    return Data(Split(images[:count], classes[:count]), None, Split(images[count:], classes[count:]), info)
