"""AlexNet: five convolutions, overlapping pooling, two hidden layers with dropout (documents 002 and 004).

Krizhevsky, Sutskever and Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 3 and
figure 2. Differences, for grey images of 28 by 28 pixels: the first convolution has a kernel of 5 by 5 and stride 1 in
place of 11 by 11 and stride 4, all sizes are smaller, there is one column and no local response normalisation.
"""

from typing import Annotated, Any

from pydantic import Field
from torch import nn

from stages.image_classification.layers import ConvolutionalNetwork, NetworkArgs, convolution, fully_connected


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        channels: feature maps of the five convolutions; the paper has 96, 256, 384, 384 and 256.
        num_hiddens: units of each of the two hidden layers; the paper has 4096.
        dropout: probability of zeroing one of them in training.
    """

    channels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=5, max_length=5)]
    num_hiddens: int = Field(ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    first, second, third, fourth, fifth = args.channels
    maps = nn.Sequential(
        *(convolution(info.get("channels", 1), first, 5), nn.MaxPool2d(3, 2, padding=1)),
        *(convolution(first, second, 5), nn.MaxPool2d(3, 2, padding=1)),
        *(convolution(second, third, 3), convolution(third, fourth, 3)),
        *(convolution(fourth, fifth, 3), nn.MaxPool2d(3, 2, padding=1)),
    )
    size = -(-info.get("size", 28) // 8)  # after three poolings that round up
    output = fully_connected(fifth * size**2, [args.num_hiddens] * 2, len(info["classes"]), args.dropout)
    return ConvolutionalNetwork(args, maps, output)
