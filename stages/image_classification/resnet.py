"""Residual networks with basic blocks or bottlenecks, and plain networks of the same layers (documents 000, 002, 004).

He, Zhang, Ren and Sun 2016, Deep Residual Learning for Image Recognition, sections 3.3 and 4.2, the networks for
CIFAR-10: a convolution, stages of blocks, of which each further stage halves the size and doubles the feature maps, the
mean of each map. Bottlenecks: figure 5. Where sizes change, the shortcut is a convolution of 1 by 1 (option
B; the paper's networks for CIFAR-10 have A), and a bottleneck's stride is that of its convolution of 3 by 3.
"""

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn

from stages.image_classification.layers import (
    ConvolutionalNetwork,
    NetworkArgs,
    Normalisation,
    averaged,
    convolution,
)

EXPANSION = 4  # a bottleneck's outputs for each feature map within


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        blocks: how many each stage has.
        num_channels: feature maps of the first stage.
        stem_channels: of the first convolution; as many as those of the first stage if absent.
        block: `basic` has two convolutions of 3 by 3; `bottleneck` one of them, with a quarter of the feature maps,
            between two of 1 by 1.
        stem_stride: by which the first convolution divides height and width; 2 makes a deep network cheap.
        stem_pooling: whether a maximum pooling that halves the size follows it, as in the networks for ImageNet.
        shortcuts: false for the plain network, the same layers one after the other.
        normalisation: after each convolution.
        dropout: probability of zeroing the mean of a feature map before the output layer.
    """

    blocks: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=3)]
    num_channels: int = Field(ge=4)
    stem_channels: int | None = Field(default=None, ge=1)
    stem_stride: int = Field(default=1, ge=1, le=4)
    stem_pooling: bool = False
    block: Literal["basic", "bottleneck"] = "basic"
    shortcuts: bool = True
    normalisation: Normalisation = "batch"
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Block(nn.Module):
    """ReLU(residual + shortcut), or ReLU(residual) in a plain network."""

    def __init__(self, num_inputs: int, num_outputs: int, stride: int, args: Args) -> None:
        """Build the layers; `stride` divides height and width."""
        super().__init__()
        kind = args.normalisation
        if args.block == "basic":
            first = convolution(num_inputs, num_outputs, 3, normalisation=kind, stride=stride)
            layers = [first, convolution(num_outputs, num_outputs, 3, normalisation=kind)]
        else:
            few = num_outputs // EXPANSION
            layers = [
                convolution(num_inputs, few, 1, normalisation=kind),
                convolution(few, few, 3, normalisation=kind, stride=stride),
                convolution(few, num_outputs, 1, normalisation=kind),
            ]
        layers[-1] = layers[-1][:-1]  # the last ReLU comes after the sum
        self.residual = nn.Sequential(*layers)
        self.shortcut: nn.Module | None = None
        if args.shortcuts and (stride > 1 or num_inputs != num_outputs):
            projection = convolution(num_inputs, num_outputs, 1, normalisation=kind, stride=stride)
            self.shortcut = projection[:-1]
        elif args.shortcuts:
            self.shortcut = nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, feature_maps: Tensor) -> Tensor:
        """Return the block's feature maps."""
        residual = self.residual(feature_maps)
        return self.relu(residual if self.shortcut is None else residual + self.shortcut(feature_maps))


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    kind = args.normalisation
    before = args.stem_channels or args.num_channels
    layers: list[nn.Module] = [
        convolution(info.get("channels", 1), before, 3, normalisation=kind, stride=args.stem_stride)
    ]
    if args.stem_pooling:
        layers.append(nn.MaxPool2d(2))
    for stage, count in enumerate(args.blocks):
        channels = args.num_channels * 2**stage * (1 if args.block == "basic" else EXPANSION)
        for index in range(count):
            layers.append(Block(before, channels, 2 if stage and not index else 1, args))
            before = channels
    output = averaged(before, len(info["classes"]))
    if args.dropout:
        output.insert(2, nn.Dropout(args.dropout))
    return ConvolutionalNetwork(args, nn.Sequential(*layers), output)
