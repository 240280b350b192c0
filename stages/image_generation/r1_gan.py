"""A convolutional GAN with R1 penalty, minibatch deviation and EMA (documents 002, 003 and 004).

It is DCGAN (`dcgan.py`; Radford, Metz and Chintala 2016) with what later papers found to stabilise adversarial
training, for a better distance in as short a time:

- the R1 penalty in place of the discriminator's batch normalisation: Mescheder, Geiger and Nowozin 2018, Which Training
  Methods for GANs do actually Converge?, equation 9;
- a minibatch standard deviation layer before the discriminator's last convolution: Karras et al. 2018, Progressive
  Growing of GANs for Improved Quality, Stability, and Variation, section 3;
- one more convolution in each network, which leaves the size as it is;
- Adam with beta1 = 0 and a higher learning rate that falls to 0, and samples from the EMA of the generator's weights;
- normal noise in place of uniform noise, and PyTorch's default initial values of the discriminator's weights;
- with `candidates`, the discriminator selects the samples (see `Adversaries.draw`): not by its logit alone, which
  favours some classes over others from one step to the next, but by its last feature maps too.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.image_generation.train import (
    QUARTER,
    RESAMPLING,
    AdversarialArgs,
    Adversaries,
    ToFeatureMaps,
    ToVectors,
    flatten_channels_last,
    train_adversarially,
)

train = train_adversarially
SLOPE, SD = 0.2, 0.02
SMALLEST = 1e-8  # variance, because the square root has no gradient at 0


class Args(AdversarialArgs):
    """Hyperparameters.

    Attributes:
        num_channels: feature maps of 14 by 14 pixels in both networks; those of 7 by 7 are twice, those of 28 by 28,
            which the generator alone has, half as many.
    """

    num_channels: int = Field(ge=2)


class MinibatchDeviation(nn.Module):
    """Adds a constant feature map: the standard deviation over the batch, averaged over all features and places."""

    def forward(self, feature_maps: Tensor) -> Tensor:
        """Return (batch, channels + 1, height, width) for (batch, channels, height, width), a batch of at least 2."""
        # Sums over the batch are several times as fast in the order of memory.
        values = flatten_channels_last(feature_maps).float()
        variance = (values - values.mean(0)).square().sum(0) / (len(values) - 1)
        deviation = (variance + SMALLEST).sqrt().mean().to(feature_maps.dtype)
        return torch.cat([feature_maps, deviation.expand(len(feature_maps), 1, *feature_maps.shape[2:])], 1)


class ConvolutionalAdversaries(Adversaries):
    """Adversaries whose candidates are selected by the discriminator's last feature maps too."""

    def selection_features(self, images: Tensor) -> Tensor:
        """Return the logit and the spatial mean of each of the last feature maps, (n, 1 + feature maps)."""
        feature_maps = self.discriminator[:-2](images)
        return torch.cat([self.discriminator[-2:](feature_maps), feature_maps.mean((2, 3))], 1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return untrained networks for images of 28 by 28 pixels."""
    least, few, many = args.num_channels // 2, args.num_channels, 2 * args.num_channels
    generator = nn.Sequential(
        *(nn.Linear(args.num_latents, many * QUARTER**2, bias=False), ToFeatureMaps(), nn.BatchNorm2d(many), nn.ReLU()),
        *(nn.ConvTranspose2d(many, few, **RESAMPLING), nn.BatchNorm2d(few), nn.ReLU()),
        *(nn.ConvTranspose2d(few, least, **RESAMPLING), nn.BatchNorm2d(least), nn.ReLU()),
        *(nn.Conv2d(least, 1, 3, padding=1), nn.Tanh()),
    )
    for layer in generator:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, SD)
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, few, **RESAMPLING), nn.LeakyReLU(SLOPE)),
        *(nn.Conv2d(few, many, **RESAMPLING), nn.LeakyReLU(SLOPE), MinibatchDeviation()),
        *(nn.Conv2d(many + 1, many, 3, padding=1), nn.LeakyReLU(SLOPE)),
        *(ToVectors(), nn.Linear(many * QUARTER**2, 1)),
    )
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)
    return ConvolutionalAdversaries(args, generator, discriminator, num_selection_features=1 + many)
