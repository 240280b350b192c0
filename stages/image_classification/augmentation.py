"""Augmentation: other images of the same classes, drawn anew for each batch (documents 002 and 004).

On whole batches of tensors, each image with draws of its own; torchvision's own classes where these do so too. Policies
of operations (AugMix, AutoAugment) are drawn for a few images at a time, since torchvision draws one a call; mixup and
CutMix have one share for a batch, also as in torchvision. AugMix comes without its paper's consistency loss.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

Augmentation = Literal["autoaugment", "augmix", "flip", "crop", "jitter", "erasing", "mixup", "cutmix"]
NAMES: tuple[Augmentation, ...] = get_args(Augmentation)  # in the order in which they are applied
OF_PIXELS, OF_VALUES = NAMES[:5], NAMES[5:]  # on bytes, and on scaled values
PADDING = 2  # pixels around an image of 28 by 28, as 4 around one of 32 by 32 and more (He et al. 2016, section 4.2)
JITTER = 0.4  # brightness and contrast are multiplied by 0.6 to 1.4
ERASED, OBLONG = (0.02, 0.33), 0.3  # share of the image, and the least ratio of the sides: torchvision's
SIMILAR = 8  # images that share a draw of a policy

Change = Callable[[Tensor, torch.Generator], Tensor]


def augment_pixels(
    images: Tensor, names: Collection[Augmentation], draws: torch.Generator, background: int = 0
) -> Tensor:
    """Return images, uint8 (n, channels, height, width), changed by those of `names` that change bytes.

    `background` is the value of what a crop moves in. Policies draw from torch's global generator.
    """
    changes: dict[str, Change] = {"flip": flip, "crop": partial(crop, background=background), "jitter": jitter}
    for name in OF_PIXELS:
        if name in names:
            images = _policy(name, images) if name in ("autoaugment", "augmix") else changes[name](images, draws)
    return images


def augment_values(
    images: Tensor, targets: Tensor, names: Collection[Augmentation], num_classes: int, draws: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return scaled images, float32 (n, channels, height, width), and their classes, changed by the rest of `names`.

    The classes, int64 (n,), become shares, float32 (n, num_classes), where images are mixed: that draws from torch's
    global generator.
    """
    if "erasing" in names:
        images = erase(images, draws)
    mixes = [name for name in names if name in ("mixup", "cutmix")]
    if mixes:
        from torchvision.transforms import v2

        kinds = {"mixup": v2.MixUp, "cutmix": v2.CutMix}
        mix = v2.RandomChoice([kinds[name](alpha=1.0, num_classes=num_classes) for name in mixes])
        images, targets = mix(images, targets)
    return images, targets


def flip(images: Tensor, draws: torch.Generator) -> Tensor:
    """Mirror half of the images, left to right."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=draws) < 0.5
    return torch.where(mirrored, images.flip(-1), images)


def crop(images: Tensor, draws: torch.Generator, padding: int = PADDING, background: int = 0) -> Tensor:
    """Move each image by up to `padding` pixels in both directions; pixels of value `background` move in."""
    offsets = torch.randint(2 * padding + 1, (2, len(images)), generator=draws)
    padded = functional.pad(images, (padding,) * 4, value=background)
    windows = padded.unfold(2, images.shape[2], 1).unfold(3, images.shape[3], 1)
    return windows[torch.arange(len(images)), :, offsets[0], offsets[1]]


def rotate(images: Tensor, radians: Tensor) -> Tensor:
    """Turn images, uint8 (n, channels, height, width), counter-clockwise by their angles, (n,), or by one, (1,).

    Zeros come in.
    """
    cosines, sines, zeros = radians.cos(), radians.sin(), torch.zeros_like(radians)
    rotations = torch.stack([cosines, -sines, zeros, sines, cosines, zeros], 1).float().view(-1, 2, 3)
    grid = functional.affine_grid(rotations, [len(radians), *images.shape[1:]], align_corners=False)
    turned = functional.grid_sample(images.float(), grid.expand(len(images), -1, -1, -1), align_corners=False)
    return turned.round().to(torch.uint8)


def jitter(images: Tensor, draws: torch.Generator) -> Tensor:
    """Multiply brightness and contrast, which is the distance to the image's mean."""
    brightness, contrast = (1 + JITTER * (2 * torch.rand(2, len(images), 1, 1, 1, generator=draws) - 1)).unbind()
    values = images * brightness
    mean = values.mean((1, 2, 3), keepdim=True)
    return (mean + (values - mean) * contrast).round().clamp(0, 255).to(torch.uint8)


def erase(images: Tensor, draws: torch.Generator) -> Tensor:
    """Fill a rectangle of half of the images with normal noise (Zhong et al. 2020, algorithm 1, uniform there)."""
    height, width = images.shape[2:]
    count = len(images)
    area = ERASED[0] + (ERASED[1] - ERASED[0]) * torch.rand(count, generator=draws)
    ratio = OBLONG ** (2 * torch.rand(count, generator=draws) - 1)
    sides = [(area * ratio).sqrt() * height, (area / ratio).sqrt() * width]
    places = []
    for size, side in zip((height, width), sides, strict=True):
        side = side.round().clamp(1, size)
        start = (torch.rand(count, generator=draws) * (size - side + 1)).floor()
        pixel = torch.arange(size)
        places.append((pixel >= start[:, None]) & (pixel < (start + side)[:, None]))
    rectangle = places[0][:, None, :, None] & places[1][:, None, None, :]
    chosen = torch.rand(count, 1, 1, 1, generator=draws) < 0.5
    return torch.where(rectangle & chosen, torch.randn(images.shape, generator=draws), images)


def _policy(name: str, images: Tensor) -> Tensor:
    """Draw a policy for each `SIMILAR` images (Cubuk et al. 2019, AutoAugment; Hendrycks et al. 2020, AugMix)."""
    from torchvision.transforms import v2

    policy = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10) if name == "autoaugment" else v2.AugMix()
    return torch.cat([policy(few) for few in images.split(SIMILAR)])
