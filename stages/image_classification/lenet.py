"""LeNet with batch normalisation: convolutions, pooling, a hidden layer (documents 000, 002 and 004).

LeCun et al. 1998, Gradient-Based Learning Applied to Document Recognition, section II.B; Ioffe and Szegedy 2015, Batch
Normalization, section 3.2. Differences from LeNet-5: ReLU, maximum pooling, every feature map is connected to all
of the layer before, one hidden layer in place of two, softmax in place of radial basis functions; sizes are arguments.
The activations of the hidden layer are the `features` that image_generation compares sets of images by.
"""

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.device import product_dtype
from stages.image_classification.train import ImageArgs


class Args(ImageArgs):
    """Hyperparameters.

    Attributes:
        channels: feature maps of each convolution; each is followed by pooling, which halves height and width.
        kernel_size: height and width of the filters; odd.
        num_features: units of the hidden layer.
        dropout: probability of zeroing one of them in training.
        precision: of products and convolutions in training; evaluation is in float32. See `stages/core/device.py` for
            processors without bfloat16.
    """

    channels: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=4)]
    kernel_size: int = Field(default=5, ge=1)
    num_features: int = Field(ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["float32", "bfloat16"] = "bfloat16"


class LeNet(nn.Module):
    """The network, float32 (batch, channels, height, width) -> logits, float32 (batch, classes)."""

    def __init__(self, args: Args, num_classes: int, size: int = 28, num_inputs: int = 1) -> None:
        """Build the layers, with PyTorch's default values, for images of `num_inputs` channels and size `size`."""
        super().__init__()
        self.precision = args.precision
        layers: list[nn.Module] = []
        for before, channels in zip([num_inputs, *args.channels], args.channels, strict=False):
            convolution = nn.Conv2d(before, channels, args.kernel_size, padding=args.kernel_size // 2, bias=False)
            layers += [convolution, nn.MaxPool2d(2), nn.BatchNorm2d(channels), nn.ReLU()]
            size //= 2
        self.maps = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        hidden = nn.Linear(args.channels[-1] * size**2, args.num_features, bias=False)
        self.hidden = nn.Sequential(nn.Flatten(), hidden, nn.BatchNorm1d(args.num_features), nn.ReLU())
        self.dropout, self.output = nn.Dropout(args.dropout), nn.Linear(args.num_features, num_classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the activations of the hidden layer, float32 (batch, num_features)."""
        dtype = product_dtype(self.precision, images.device.type)
        with torch.autocast(images.device.type, dtype, enabled=self.training and dtype != torch.float32):
            feature_maps = self.maps(images.contiguous(memory_format=torch.channels_last))
            return self.hidden(feature_maps).float()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        return self.output(self.dropout(self.features(images)))


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network; images are grey and of 28 by 28 pixels if `info` does not say otherwise."""
    return LeNet(args, len(info["classes"]), info.get("size", 28), info.get("channels", 1))
