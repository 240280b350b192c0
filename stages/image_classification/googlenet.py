"""GoogLeNet: Inception blocks of four branches side by side (documents 002 and 004).

Szegedy et al. 2015, Going Deeper with Convolutions, section 4, figure 2b: convolutions of 1 by 1, of 3 by 3 and of 5 by
5 behind one of 1 by 1, and a pooling before one of 1 by 1, whose feature maps are concatenated; then the mean of each
map. Differences, for images of 28 by 28 pixels: four blocks in place of nine, fewer feature maps, a stem of two
convolutions, no auxiliary classifiers, no dropout and no response normalisation.
"""

from functools import partial
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.image_classification.layers import ConvolutionalNetwork, NetworkArgs, Normalisation, averaged, convolution


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        stem: feature maps of the two convolutions before the blocks.
        widths: of each of the four blocks; a block gives eight times as many feature maps: 2 of 1 by 1, 4 of 3 by 3,
            1 of 5 by 5 and 1 behind the pooling, nearly as the paper's blocks divide theirs.
        normalisation: after each convolution; the paper has none, Ioffe and Szegedy 2015, section 4.2, that of batches.
    """

    stem: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]
    widths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=4, max_length=4)]
    normalisation: Normalisation = "none"


class Inception(nn.Module):
    """A block: (batch, num_inputs, height, width) -> (batch, 8 width, height, width)."""

    def __init__(self, num_inputs: int, width: int, normalisation: Normalisation = "none") -> None:
        """Build the branches, with half as many feature maps before the convolutions of 3 by 3 and 5 by 5."""
        super().__init__()
        layer = partial(convolution, normalisation=normalisation)
        self.branches = nn.ModuleList(
            [
                layer(num_inputs, 2 * width, 1),
                nn.Sequential(layer(num_inputs, 2 * width, 1), layer(2 * width, 4 * width, 3)),
                nn.Sequential(layer(num_inputs, width, 1), layer(width, width, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, padding=1), layer(num_inputs, width, 1)),
            ]
        )

    def forward(self, feature_maps: Tensor) -> Tensor:
        """Return the feature maps of all branches."""
        return torch.cat([branch(feature_maps) for branch in self.branches], 1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    outputs = [8 * width for width in args.widths]
    first, second, third, fourth = (
        Inception(before, width, args.normalisation)
        for before, width in zip([args.stem[1], *outputs], args.widths, strict=False)
    )
    layer = partial(convolution, normalisation=args.normalisation)
    maps = nn.Sequential(
        *(layer(info.get("channels", 1), args.stem[0], 5), nn.MaxPool2d(3, 2, padding=1), layer(*args.stem, 3)),
        *(first, second, nn.MaxPool2d(3, 2, padding=1), third, fourth),
    )
    return ConvolutionalNetwork(args, maps, averaged(outputs[-1], len(info["classes"])))
