"""Network in network: each convolution is followed by a small network at every place (documents 002 and 004).

Lin, Chen and Yan 2014, Network In Network, section 3: the small network is two convolutions of 1 by 1; the last block
has a feature map for each class, and their means are the logits, so that there is no fully connected layer.
Differences, for images of 28 by 28 pixels: fewer feature maps, and the first kernel is 5 by 5.
"""

from typing import Annotated, Any

from pydantic import Field
from torch import nn

from stages.image_classification.layers import ConvolutionalNetwork, NetworkArgs, Normalisation, convolution


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        channels: feature maps of each of the three blocks before the last one.
        dropout: probability of zeroing a value before the last block in training.
        normalisation: after each convolution but the last; the paper, older than that of batches, has none.
    """

    channels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)]
    dropout: float = Field(default=0.5, ge=0, lt=1)
    normalisation: Normalisation = "none"


def block(num_inputs: int, num_outputs: int, kernel_size: int, kind: Normalisation) -> nn.Sequential:
    """Return a convolution and a network of two layers at every place of its feature maps."""
    places = (convolution(num_outputs, num_outputs, 1, normalisation=kind) for _ in range(2))
    return nn.Sequential(convolution(num_inputs, num_outputs, kernel_size, normalisation=kind), *places)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    first, second, third = args.channels
    num_classes, kind = len(info["classes"]), args.normalisation
    maps = nn.Sequential(
        *(block(info.get("channels", 1), first, 5, kind), nn.MaxPool2d(3, 2, padding=1)),
        *(block(first, second, 5, kind), nn.MaxPool2d(3, 2, padding=1)),
        *(block(second, third, 3, kind), nn.MaxPool2d(3, 2, padding=1), nn.Dropout(args.dropout)),
    )
    last = block(third, num_classes, 3, kind)
    last[-1] = nn.Conv2d(num_classes, num_classes, 1)  # logits, which may be negative
    return ConvolutionalNetwork(args, maps, nn.Sequential(last, nn.AdaptiveAvgPool2d(1), nn.Flatten()))
