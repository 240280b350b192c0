"""DCGAN: a generator of transposed convolutions, a discriminator of strided ones (documents 002, 003 and 004).

Radford, Metz and Chintala 2016, Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks, sections 3 and 4: no pooling and no hidden fully connected layers; batch normalisation in both networks, but
for the generator's output layer and the discriminator's input layer; ReLU and tanh in the generator, leaky ReLU of
slope 0.2 in the discriminator; weights of N(0, 0.02); 100 numbers of uniform noise, from -1 to 1 as in the authors'
program; Adam with beta1 = 0.5 at the constant rate 0.0002; batches of 128. Differences, for images of 28 by 28 pixels
and few epochs:

- two (transposed) convolutions in each network in place of four, with kernels of 4 by 4 in place of 5 by 5;
- fewer feature maps, as many as in r1_gan.py: 64 in place of 1024 where the noise becomes feature maps;
- only so many epochs that training takes no longer than that of r1_gan.py.
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
    train_adversarially,
)

train = train_adversarially
SLOPE, SD = 0.2, 0.02


class Args(AdversarialArgs):
    """Hyperparameters.

    Attributes:
        num_channels: feature maps of 14 by 14 pixels in both networks; those of 7 by 7 are twice as many.
    """

    num_channels: int = Field(ge=1)


class UniformNoiseAdversaries(Adversaries):
    """Adversaries whose generator's noise is uniform."""

    noise_is_normal = False

    def noise(self, count: int, draws: torch.Generator) -> Tensor:
        """Return float32 (count, num_latents), uniform from -1 to 1."""
        noise = 2 * torch.rand(count, self.args.num_latents, generator=draws) - 1
        return noise.to(next(self.parameters()).device)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return untrained networks for images of 28 by 28 pixels."""
    few, many = args.num_channels, 2 * args.num_channels
    generator = nn.Sequential(
        *(nn.Linear(args.num_latents, many * QUARTER**2, bias=False), ToFeatureMaps(), nn.BatchNorm2d(many), nn.ReLU()),
        *(nn.ConvTranspose2d(many, few, **RESAMPLING), nn.BatchNorm2d(few), nn.ReLU()),
        *(nn.ConvTranspose2d(few, 1, **RESAMPLING), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, few, **RESAMPLING), nn.LeakyReLU(SLOPE)),
        *(nn.Conv2d(few, many, **RESAMPLING), nn.BatchNorm2d(many), nn.LeakyReLU(SLOPE)),
        *(ToVectors(), nn.Linear(many * QUARTER**2, 1)),
    )
    for network in (generator, discriminator):
        for layer in network:
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(layer.weight, 0.0, SD)
        network.to(memory_format=torch.channels_last)
    return UniformNoiseAdversaries(args, generator, discriminator)
