"""Variational autoencoder: latents are kept close to a normal prior, from which new ones are drawn (document 004).

Kingma and Welling 2014, Auto-Encoding Variational Bayes: the ELBO of section 3, equation 10, with one draw of the
latents; the KL divergence of appendix B; a Bernoulli decoder (appendix C.1), for which a pixel's intensity is the
probability that the pixel is 1. Differences: ReLU, Adam. Three options make sharper images:

- convolutions with batch normalisation, as in DCGAN's generator (dcgan.py), in place of fully connected layers;
- a normal likelihood whose variance is the best one for the batch: Rybkin, Daniilidis and Levine 2021, Simple and
  Effective VAE Training with Calibrated Decoders, section 3.2;
- new latents from a Gaussian mixture fitted to the latents of training images when all else is trained: Ghosh et al.
  2020, From Variational to Deterministic Autoencoders, section 4, ex-post density estimation.
"""

import math
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data
from stages.core.training import History
from stages.image_generation.data import intensities, random_subset
from stages.image_generation.train import (
    QUARTER,
    RESAMPLING,
    Generator,
    NetworkArgs,
    ToFeatureMaps,
    ToVectors,
    fully_connected,
    train_by_reconstruction,
)

FITTED_LATENTS = 20_000  # that the mixture is fitted to
BATCH = 1000


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        layer_sizes: units of the encoder's fully connected hidden layers; the decoder has them in reverse order.
        num_channels: feature maps of 14 by 14 pixels of the convolutions before those layers, and half of those of 7 by
            7; 0 for no convolutions.
        likelihood: of a pixel.
        num_components: of the mixture that new latents are drawn from; 0 for the standard normal distribution.
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    num_channels: int = Field(default=0, ge=0)
    likelihood: Literal["bernoulli", "normal"] = "bernoulli"
    num_components: int = Field(default=0, ge=0)


class VAE(Generator):
    """An encoder to mean and log variance of the latents, and a decoder of latents."""

    def __init__(self, args: Args) -> None:
        """Build both networks, with PyTorch's default initial values."""
        super().__init__(args)
        sizes = [2 * args.num_channels * QUARTER**2 or 28 * 28, *args.layer_sizes]
        down, up = _convolutions(args.num_channels) if args.num_channels else ([nn.Flatten()], [])
        self.encoder = nn.Sequential(*down, *fully_connected([*sizes, 2 * args.num_latents], nn.ReLU))
        self.decoder = nn.Sequential(*fully_connected([args.num_latents, *sizes[::-1]], nn.ReLU), *up)
        self.to(memory_format=torch.channels_last)
        self.noise_is_normal = args.num_components == 0
        if components := args.num_components:
            self.register_buffer("shares", torch.zeros(components))
            self.register_buffer("means", torch.zeros(components, args.num_latents))
            self.register_buffer("factors", torch.zeros(components, args.num_latents, args.num_latents))

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the latents, each float32 (batch, num_latents)."""
        mean, log_variance = self.encoder(images).float().chunk(2, 1)
        return mean, log_variance

    def encode(self, images: Tensor) -> Tensor:
        """Return the means of the latents, float32 (batch, num_latents)."""
        return self.posterior(images)[0]

    def decode(self, latents: Tensor) -> Tensor:
        """Return images (batch, 1, height, width) from 0 to 1: the mean of each pixel."""
        return self.decoder(latents).float().view(-1, 1, 28, 28).sigmoid()

    def draw_latents(self, images: Tensor, draws: torch.Generator) -> Tensor:
        """Return latents of each image, drawn from their posterior, float32 (batch, num_latents)."""
        return reparameterise(*self.posterior(images), draws)

    def loss(self, images: Tensor, draws: torch.Generator) -> Tensor:
        """Return the negative ELBO of an image in nats, the mean over the batch.

        With a normal likelihood it is that of a density, which may be below 0.
        """
        with self.mixed_precision():
            mean, log_variance = self.posterior(images)
            logits = self.decoder(reparameterise(mean, log_variance, draws)).float().view_as(images)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum() / len(images)
        if self.args.likelihood == "bernoulli":
            reconstruction = functional.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)
        else:
            variance = functional.mse_loss(logits.sigmoid(), images)
            reconstruction = 0.5 * images[0].numel() * ((2 * math.pi * variance).log() + 1)
        return divergence + reconstruction

    def noise(self, count: int, draws: torch.Generator) -> Tensor:
        """Return new latents, float32 (count, num_latents)."""
        noise = super().noise(count, draws)
        if self.args.num_components and self.shares.any():  # else it is not fitted yet
            chosen = torch.multinomial(self.shares.cpu(), count, replacement=True, generator=draws).to(noise.device)
            noise = self.means[chosen] + (self.factors[chosen] @ noise[:, :, None])[:, :, 0]
        return noise

    def from_noise(self, noise: Tensor) -> Tensor:
        """Return images decoded from latents."""
        return self.decode(noise)

    @torch.no_grad()
    def fit_mixture(self, images: Tensor, seed: int) -> None:
        """Fit the mixture to latents of images, float32 (n, 1, height, width), one draw of each."""
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits

        draws = torch.Generator().manual_seed(seed)
        latents = torch.cat([self.draw_latents(batch, draws) for batch in images.split(BATCH)])
        with threadpool_limits(1):  # with more threads the last digits would depend on the machine
            # In float32 its many steps would make rounding, which differs between libraries, a different mixture.
            mixture = GaussianMixture(self.args.num_components, random_state=seed).fit(latents.double().cpu().numpy())
        self.shares.copy_(torch.from_numpy(mixture.weights_))
        self.means.copy_(torch.from_numpy(mixture.means_))
        self.factors.copy_(torch.linalg.cholesky(torch.from_numpy(mixture.covariances_)))


def reparameterise(mean: Tensor, log_variance: Tensor, draws: torch.Generator) -> Tensor:
    """Return a draw of latents from N(mean, variance) by the reparameterisation trick, float32 (batch, num_latents)."""
    noise = torch.randn(mean.shape, generator=draws).to(mean.device)
    return mean + (0.5 * log_variance).exp() * noise


def _convolutions(few: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """Return the encoder's first layers and the decoder's last ones, with `few` feature maps of 14 by 14 pixels."""
    many = 2 * few
    down = [
        *(nn.Conv2d(1, few, **RESAMPLING), nn.BatchNorm2d(few), nn.ReLU()),
        *(nn.Conv2d(few, many, **RESAMPLING), nn.BatchNorm2d(many), nn.ReLU(), ToVectors()),
    ]
    up = [
        *(ToFeatureMaps(), nn.BatchNorm2d(many), nn.ReLU()),
        *(nn.ConvTranspose2d(many, few, **RESAMPLING), nn.BatchNorm2d(few), nn.ReLU()),
        nn.ConvTranspose2d(few, 1, **RESAMPLING),
    ]
    return down, up


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return an untrained network for images of 28 by 28 pixels."""
    return VAE(args)


def train(model: VAE, data: Data, args: Args, seed: int, label: str) -> History:
    """Maximise the ELBO, then fit the mixture, if there is to be one."""
    history = train_by_reconstruction(model, data, args, seed, label)
    if args.num_components:
        model.eval().fit_mixture(intensities(random_subset(data.train.inputs, FITTED_LATENTS, seed)), seed)
    return history
