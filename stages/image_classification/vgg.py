"""VGG: blocks of convolutions of 3 by 3 and a pooling, then two hidden layers (documents 002 and 004).

Simonyan and Zisserman 2015, Very Deep Convolutional Networks for Large-Scale Image Recognition, section 2.1, table 1.
Differences, for images of 28 by 28 pixels: fewer blocks, because each halves the size, and smaller layers.
"""

from typing import Annotated, Any

from pydantic import Field, model_validator
from torch import nn

from stages.image_classification.layers import (
    ConvolutionalNetwork,
    NetworkArgs,
    Normalisation,
    convolution,
    fully_connected,
)


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        convolutions: how many each block has; the paper's VGG-11 has 1, 1, 2, 2 and 2.
        channels: feature maps of each block.
        num_hiddens: units of each of the two hidden layers; the paper has 4096.
        dropout: probability of zeroing one of them in training.
        normalisation: after each convolution; the paper has none, torchvision's vgg11_bn that of batches.
    """

    convolutions: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=4)]
    channels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=4)]
    num_hiddens: int = Field(ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    normalisation: Normalisation = "none"

    @model_validator(mode="after")
    def _as_many_numbers(self) -> "Args":
        if len(self.channels) != len(self.convolutions):
            raise ValueError(f"channels = {self.channels} must have one number a block, as convolutions has")
        return self


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    layers: list[nn.Module] = []
    before, size = info.get("channels", 1), info.get("size", 28)
    for count, channels in zip(args.convolutions, args.channels, strict=True):
        for _ in range(count):
            layers.append(convolution(before, channels, 3, normalisation=args.normalisation))
            before = channels
        layers.append(nn.MaxPool2d(2))
        size //= 2
    output = fully_connected(before * size**2, [args.num_hiddens] * 2, len(info["classes"]), args.dropout)
    return ConvolutionalNetwork(args, nn.Sequential(*layers), output)
