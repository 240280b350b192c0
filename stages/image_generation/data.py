"""Images to train on: those that image_classification prepared. No model here is trained on their classes."""

import torch
from torch import Tensor

PREPARED_BY = "image_classification"  # the family whose data these runs have


def intensities(images: Tensor) -> Tensor:
    """Return uint8 images (n, 1, height, width) as float32 from 0 to 1."""
    return images.float().div_(255)


def to_pixels(intensities: Tensor) -> Tensor:
    """Return float images from 0 to 1 as uint8."""
    return intensities.mul(255).round_().clamp_(0, 255).byte()


def random_subset(images: Tensor, count: int, seed: int) -> Tensor:
    """Return `count` of the images (n, 1, height, width), drawn without replacement; all if there are fewer."""
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]
    return images[chosen.to(images.device)]


def corrupt(images: Tensor, probability: float, draws: torch.Generator) -> Tensor:
    """Return float32 images (n, 1, height, width) with masking noise: each pixel is set to 0 with this probability."""
    return images * (torch.rand(images.shape, generator=draws) >= probability).to(images.device)
