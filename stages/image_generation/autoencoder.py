"""Autoencoder: an image is squeezed into a code of a few numbers and made again from it (document 004).

Hinton and Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks. Differences: trained as a whole
from random weights, rectified hidden units. With `noise`, the network sees images some of whose pixels were blackened
and is to make the whole ones: Vincent et al. 2008, Extracting and Composing Robust Features with Denoising
Autoencoders, section 2.3.
"""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from stages.image_generation.data import blackened
from stages.image_generation.train import Network, NetworkArgs, fully_connected, train_by_reconstruction

train = train_by_reconstruction


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        layer_sizes: units of the encoder's hidden layers; the decoder has them in reverse order.
        noise: probability of setting a pixel to 0 before encoding, in training.
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    noise: float = Field(default=0.0, ge=0, lt=1)


class Autoencoder(Network):
    """Two fully connected networks, one the mirror image of the other."""

    def __init__(self, args: Args) -> None:
        """Draw the weights torch's way."""
        super().__init__(args)
        sizes = [28 * 28, *args.layer_sizes, args.num_latents]
        self.encoder = fully_connected(sizes, nn.ReLU)
        self.decoder = fully_connected(sizes[::-1], nn.ReLU)

    def encode(self, images: Tensor) -> Tensor:
        """Return the codes, float32 (batch, num_latents)."""
        return self.encoder(images.flatten(1)).float()

    def decode(self, codes: Tensor) -> Tensor:
        """Return images (batch, 1, height, width) from 0 to 1."""
        return self.decoder(codes).float().sigmoid().view(-1, 1, 28, 28)

    def loss(self, images: Tensor, draws: torch.Generator) -> Tensor:
        """Return the squared error summed over an image, the mean over the batch."""
        seen = blackened(images, self.args.noise, draws) if self.args.noise else images
        with self.mixed_precision():
            made = self.decode(self.encode(seen))
        return functional.mse_loss(made, images, reduction="sum") / len(images)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return an untrained network for images of 28 by 28 pixels."""
    return Autoencoder(args)
