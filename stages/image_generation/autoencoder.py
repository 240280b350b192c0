"""Autoencoder: an image is encoded as a latent vector of a few numbers and reconstructed from it (document 004).

Hinton and Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks. Differences: trained as a whole
from random weights, ReLU. With `noise`, the input is corrupted by masking noise, which sets some pixels to 0, and the
loss compares the reconstruction with the clean image: Vincent et al. 2008, Extracting and Composing Robust Features
with Denoising Autoencoders, section 2.3. With `whiten`, the latents are whitened after training (ZCA: Bell and
Sejnowski 1997, The "Independent Components" of Natural Scenes are Edge Filters): a control with the mean and the
covariance of a VAE's prior, but without its training.
"""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.training import History
from stages.image_generation.data import corrupt, intensities
from stages.image_generation.train import Network, NetworkArgs, fully_connected, train_by_reconstruction

BATCH = 1000


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        layer_sizes: units of the encoder's hidden layers; the decoder has them in reverse order.
        noise: probability of setting a pixel of the input to 0, in training.
        whiten: whether the latents of training images get mean 0 and covariance I after training.
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    noise: float = Field(default=0.0, ge=0, lt=1)
    whiten: bool = False


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

    @torch.no_grad()
    def whiten(self, images: Tensor) -> None:
        """Give the latents of images, float32 (n, 1, height, width), mean 0 and covariance I; reconstructions stay.

        The encoder's last layer whitens, z -> C^(-1/2) (z - m), and the decoder's first layer undoes it.
        """
        latents = torch.cat([self.encode(batch) for batch in images.split(BATCH)]).double()
        mean = latents.mean(0)
        values, vectors = torch.linalg.eigh(latents.T.cov())
        root = (vectors * values.sqrt()) @ vectors.T
        inverse = (vectors / values.sqrt()) @ vectors.T
        last, first = self.encoder[-1], self.decoder[0]
        last.bias.copy_(inverse @ (last.bias - mean))
        last.weight.copy_(inverse @ last.weight.double())
        first.bias.add_((first.weight.double() @ mean).float())
        first.weight.copy_(first.weight.double() @ root)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return an untrained network for images of 28 by 28 pixels."""
    return Autoencoder(args)


def train(model: Autoencoder, data: Data, args: Args, seed: int, label: str) -> History:
    """Minimise the error of the reconstructions, then whiten the latents if that is asked for."""
    history = train_by_reconstruction(model, data, args, seed, label)
    if args.whiten:
        model.eval().whiten(intensities(data.train.inputs))
    return history
