"""DenseNet: each layer of a block reads the feature maps of all layers before it (documents 000 and 002).

Huang, Liu, van der Maaten and Weinberger 2017, Densely Connected Convolutional Networks, section 3: normalisation and
ReLU come before a convolution; a layer adds `growth_rate` feature maps; transition layers halve their number and the
size (DenseNet-BC without bottlenecks). Differences: small sizes, and three blocks, as the paper has for CIFAR.
"""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.image_classification.layers import ConvolutionalNetwork, NetworkArgs, averaged, kaiming


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        layers: convolutions of each block.
        num_channels: feature maps of the first convolution.
        stem_pooling: whether a maximum pooling that halves the size follows it, as in the networks for ImageNet.
        growth_rate: feature maps that a layer adds.
    """

    layers: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=3)]
    num_channels: int = Field(ge=1)
    stem_pooling: bool = False
    growth_rate: int = Field(ge=1)


def _before_convolution(num_inputs: int, num_outputs: int, kernel_size: int) -> nn.Sequential:
    """Return normalisation, ReLU and convolution."""
    layer = nn.Conv2d(num_inputs, num_outputs, kernel_size, padding=kernel_size // 2, bias=False)
    kaiming(layer)
    return nn.Sequential(nn.BatchNorm2d(num_inputs), nn.ReLU(), layer)


class DenseBlock(nn.Module):
    """(batch, channels, height, width) -> (batch, channels + layers growth_rate, height, width)."""

    def __init__(self, num_layers: int, num_inputs: int, growth_rate: int) -> None:
        """Build the layers."""
        super().__init__()
        channels = (num_inputs + index * growth_rate for index in range(num_layers))
        self.layers = nn.ModuleList(_before_convolution(count, growth_rate, 3) for count in channels)

    def forward(self, feature_maps: Tensor) -> Tensor:
        """Return the inputs and what each layer adds."""
        for layer in self.layers:
            feature_maps = torch.cat([feature_maps, layer(feature_maps)], 1)
        return feature_maps


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    first = nn.Conv2d(info.get("channels", 1), args.num_channels, 3, padding=1, bias=False)
    kaiming(first)
    layers: list[nn.Module] = [first, nn.MaxPool2d(2)] if args.stem_pooling else [first]
    channels = args.num_channels
    for index, count in enumerate(args.layers):
        if index:
            layers += [_before_convolution(channels, channels // 2, 1), nn.AvgPool2d(2)]
            channels //= 2
        layers.append(DenseBlock(count, channels, args.growth_rate))
        channels += count * args.growth_rate
    maps = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU())
    return ConvolutionalNetwork(args, maps, averaged(channels, len(info["classes"])))
