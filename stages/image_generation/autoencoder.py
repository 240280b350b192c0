"""Autoencoder: an image is encoded as a latent vector of a few numbers and reconstructed from it (document 004).

Hinton and Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks. Differences: trained as a whole
from random weights, ReLU. With `noise`, the input is corrupted by masking noise, which sets some pixels to 0, and the
loss compares the reconstruction with the clean image: Vincent et al. 2008, Extracting and Composing Robust Features
with Denoising Autoencoders, section 2.3.
"""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from stages.image_generation.data import corrupt
from stages.image_generation.train import Network, NetworkArgs, fully_connected, train_by_reconstruction

train = train_by_reconstruction


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        layer_sizes: units of the encoder's hidden layers; the decoder has them in reverse order.
        noise: probability of setting a pixel of the input to 0, in training.
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    noise: float = Field(default=0.0, ge=0, lt=1)


class Autoencoder(Network):
    """Two fully connected networks, one the mirror image of the other."""

    def __init__(self, args: Args) -> None:
        """Build both networks, with PyTorch's default initial values."""
        super().__init__(args)
        sizes = [28 * 28, *args.layer_sizes, args.num_latents]
        self.encoder = fully_connected(sizes, nn.ReLU)
        self.decoder = fully_connected(sizes[::-1], nn.ReLU)

    def encode(self, images: Tensor) -> Tensor:
        """Return the latents, float32 (batch, num_latents)."""
        return self.encoder(images.flatten(1)).float()

    def decode(self, latents: Tensor) -> Tensor:
        """Return images (batch, 1, height, width) from 0 to 1."""
        return self.decoder(latents).float().sigmoid().view(-1, 1, 28, 28)

    def loss(self, images: Tensor, draws: torch.Generator) -> Tensor:
        """Return the squared error summed over an image, the mean over the batch."""
        inputs = corrupt(images, self.args.noise, draws) if self.args.noise else images
        with self.mixed_precision():
            reconstructions = self.decode(self.encode(inputs))
        return functional.mse_loss(reconstructions, images, reduction="sum") / len(images)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return an untrained network for images of 28 by 28 pixels."""
    return Autoencoder(args)
