"""Training images themselves, each at most once: the best scores that samples can have, by memorisation alone."""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.data import Data
from stages.core.errors import UserError
from stages.core.schema import Strict
from stages.core.training import History
from stages.image_generation.data import intensities, random_subset


class Args(Strict):
    """Hyperparameters.

    Attributes:
        num_images: how many are kept to be drawn.
    """

    num_images: int = Field(default=10_000, ge=1)


class TrainingImages(nn.Module):
    """`images` uint8 (n, 1, 28, 28), in random order."""

    def __init__(self, num_images: int) -> None:
        """Allocate the images, all black."""
        super().__init__()
        self.register_buffer("images", torch.zeros(num_images, 1, 28, 28, dtype=torch.uint8))

    def draw(self, count: int, draws: torch.Generator) -> Tensor:
        """Return `count` different images, float32 (count, 1, 28, 28) from 0 to 1; all of them if there are fewer."""
        chosen = torch.randperm(len(self.images), generator=draws)[:count]
        return intensities(self.images[chosen.to(self.images.device)])


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the model without images."""
    return TrainingImages(args.num_images)


def train(model: TrainingImages, data: Data, args: Args, seed: int, label: str) -> History:
    """Keep images of the training split; there is no loss, which 0 stands for.

    Raises:
        UserError: there are too few.
    """
    images = data.train.inputs
    if len(images) < args.num_images:
        raise UserError(f"{label}: num_images = {args.num_images}: must be at most {len(images)}, the training images")
    model.images.copy_(random_subset(images, args.num_images, seed))
    return [{"epoch": 1, "train_loss": 0.0}]
