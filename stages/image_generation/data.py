"""Images to learn to make: those that image_classification prepared, whose classes nothing here is trained on."""

from torch import Tensor

PREPARED_BY = "image_classification"  # the family whose data these runs have


def intensities(images: Tensor) -> Tensor:
    """Return uint8 images (n, 1, height, width) as float32 from 0 to 1."""
    return images.float().div_(255)


def to_pixels(intensities: Tensor) -> Tensor:
    """Return float images from 0 to 1 as uint8."""
    return intensities.mul(255).round_().clamp_(0, 255).byte()
