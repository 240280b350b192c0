"""A normal distribution with the mean and the covariance of the training images' pixels, cut off at black and white."""

from typing import Any

import torch
from torch import Tensor, nn

from stages.core.data import Data
from stages.core.schema import Strict
from stages.core.training import History
from stages.image_generation.data import intensities


class Args(Strict):
    """There is nothing to choose."""


class PixelGaussian(nn.Module):
    """`mean` float32 (784,) and `factor` float32 (784, 784), a square root of the covariance."""

    def __init__(self) -> None:
        """Allocate both, all zero."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(28 * 28))
        self.register_buffer("factor", torch.zeros(28 * 28, 28 * 28))

    def draw(self, count: int, draws: torch.Generator) -> Tensor:
        """Return float32 (count, 1, 28, 28) from 0 to 1."""
        noise = torch.randn(count, 28 * 28, generator=draws).to(self.mean.device)
        return (self.mean + noise @ self.factor).clamp(0, 1).view(-1, 1, 28, 28)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the model before it is fitted."""
    return PixelGaussian()


def train(model: PixelGaussian, data: Data, args: Args, seed: int, label: str) -> History:
    """Fit the distribution; return one record, whose loss is the mean squared distance of a pixel from its mean."""
    pixels = intensities(data.train.inputs).flatten(1).double()
    values, vectors = torch.linalg.eigh(pixels.T.cov())
    model.mean.copy_(pixels.mean(0))
    model.factor.copy_(values.clamp(min=0).sqrt()[:, None] * vectors.T)
    return [{"epoch": 1, "train_loss": (pixels - pixels.mean(0)).square().mean().item()}]
