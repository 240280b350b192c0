"""GAN of fully connected networks (documents 002, 003 and 004).

Goodfellow et al. 2014, Generative Adversarial Nets. Differences: leaky ReLU in both networks in place of
ReLU, sigmoid and maxout units; batch normalisation in the generator; images from -1 to 1 by tanh.
"""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor, nn

from stages.image_generation.train import AdversarialArgs, Adversaries, train_adversarially

train = train_adversarially
SLOPE = 0.2  # of leaky ReLU below 0


class Args(AdversarialArgs):
    """Hyperparameters.

    Attributes:
        layer_sizes: units of the generator's hidden layers; the discriminator has them in reverse order.
        dropout: of the discriminator's hidden units.
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Image(nn.Module):
    """The output layer, (batch, pixels) -> (batch, 1, height, width)."""

    def forward(self, values: Tensor) -> Tensor:
        """Return the values from -1 to 1 as square images."""
        size = round(values.shape[1] ** 0.5)
        return values.tanh().view(-1, 1, size, size)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return untrained networks for images of 28 by 28 pixels."""
    generator: list[nn.Module] = []
    sizes = [args.num_latents, *args.layer_sizes]
    for before, after in pairwise(sizes):
        generator += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.LeakyReLU(SLOPE)]
    generator += [nn.Linear(sizes[-1], 28 * 28), Image()]
    discriminator: list[nn.Module] = [nn.Flatten()]
    sizes = [28 * 28, *reversed(args.layer_sizes)]
    for before, after in pairwise(sizes):
        discriminator += [nn.Linear(before, after), nn.LeakyReLU(SLOPE), nn.Dropout(args.dropout)]
    discriminator.append(nn.Linear(sizes[-1], 1))
    return Adversaries(args, nn.Sequential(*generator), nn.Sequential(*discriminator))
