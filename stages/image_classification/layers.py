"""What convolutional networks share: hyperparameters, blocks of layers, and the order of a forward pass."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from stages.core.device import product_dtype
from stages.image_classification.batch_norm import BatchNorm
from stages.image_classification.train import ImageArgs

Normalisation = Literal["none", "batch", "own_batch", "layer"]


class NetworkArgs(ImageArgs):
    """Hyperparameters of every convolutional network.

    Attributes:
        precision: of products and convolutions in training; evaluation is in float32. See `stages/core/device.py` for
            processors without bfloat16.
        mirrored_in_test: whether an image is classified by the mean of its logits and its mirror image's.
    """

    precision: Literal["float32", "bfloat16"] = "bfloat16"
    mirrored_in_test: bool = False


class ConvolutionalNetwork(nn.Module):
    """Feature maps, then logits: float32 (batch, channels, height, width) -> float32 (batch, classes).

    Networks are built for what `info`, of the data, says: `channels` and `size`, the height and width of an image. Data
    that say nothing are grey images of 28 by 28 pixels.
    """

    def __init__(self, args: NetworkArgs, maps: nn.Module, output: nn.Module) -> None:
        """Keep `maps`, images -> feature maps, and `output`, feature maps -> logits; both in channels-last order."""
        super().__init__()
        self.precision, self.mirrored_in_test = args.precision, args.mirrored_in_test
        self.maps = maps.to(memory_format=torch.channels_last)
        self.output = output.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        if self.mirrored_in_test and not self.training:
            return (self._logits(images) + self._logits(images.flip(-1))) / 2
        return self._logits(images)

    def _logits(self, images: Tensor) -> Tensor:
        dtype = product_dtype(self.precision, images.device.type)
        with torch.autocast(images.device.type, dtype, enabled=self.training and dtype != torch.float32):
            return self.output(self.maps(images.contiguous(memory_format=torch.channels_last))).float()


def normalisation_layer(kind: Normalisation, num_channels: int) -> list[nn.Module]:
    """Return the layer that normalises feature maps, (batch, num_channels, height, width), or none.

    `batch` is torch's, `own_batch` that of batch_norm.py, `layer` takes all channels and places of an image together
    (Ba et al. 2016, Layer Normalization, section 3; torch's name for that is a group normalisation of one group).
    """
    if kind == "none":
        return []
    if kind == "layer":
        return [nn.GroupNorm(1, num_channels)]
    return [nn.BatchNorm2d(num_channels) if kind == "batch" else BatchNorm(num_channels)]


def convolution(
    num_inputs: int, num_outputs: int, kernel_size: int, *, normalisation: Normalisation = "none", **options: Any
) -> nn.Sequential:
    """Return convolution, normalisation and ReLU; `options` are those of nn.Conv2d, by default such that sizes stay.

    The weights are of He et al. 2015 (Delving Deep into Rectifiers, equation 10), as deep networks without
    normalisation need.
    """
    layer = nn.Conv2d(
        num_inputs, num_outputs, kernel_size, bias=normalisation == "none", **{"padding": kernel_size // 2, **options}
    )
    kaiming(layer)
    return nn.Sequential(layer, *normalisation_layer(normalisation, num_outputs), nn.ReLU())


def kaiming(layer: nn.Conv2d | nn.Linear) -> None:
    """Draw weights of N(0, 2 / inputs of a unit), and set biases to zero."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def fully_connected(num_inputs: int, num_hiddens: list[int], num_outputs: int, dropout: float) -> nn.Sequential:
    """Return hidden layers, each with ReLU and dropout, and the output layer, on flattened feature maps."""
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in zip([num_inputs, *num_hiddens], num_hiddens, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        kaiming(layers[-3])
    return nn.Sequential(*layers, nn.Linear([num_inputs, *num_hiddens][-1], num_outputs))


def averaged(num_channels: int, num_outputs: int) -> nn.Sequential:
    """Return the mean of each feature map, and the output layer on those (Lin et al. 2014, section 3.2)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(num_channels, num_outputs))
