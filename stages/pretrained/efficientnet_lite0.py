"""EfficientNet-Lite0 (Liu 2020, after Tan and Le 2019, EfficientNet, table 1), trained on ImageNet by its authors.

EfficientNet-B0 without squeeze and excitation and with ReLU6 in place of swish. A block is an inverted residual one
(Sandler et al. 2018, MobileNetV2, section 3.3): a convolution of 1 by 1 that widens, one of each channel alone, one of
1 by 1 that narrows, without an activation; input and output are added where their shapes agree.
"""

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from stages.core.errors import UserError

FOLDER = "efficientnet_lite0"  # in data/raw, and its entry in the catalogue
FILE = "efficientnet-lite0-57934424.pth"
# pixels from 0 to 255 are normalised so; the same for all three colours
MEAN, DEVIATION = 127.0, 128.0
# table 1: the size of the kernel, the stride of the first block, blocks, outputs, how many times they widen
STAGES = [
    (3, 1, 1, 16, 1),
    (3, 2, 2, 24, 6),
    (5, 2, 2, 40, 6),
    (3, 2, 3, 80, 6),
    (5, 1, 3, 112, 6),
    (5, 2, 4, 192, 6),
    (3, 1, 1, 320, 6),
]
STEM, HEAD = 32, 1280


def normalised(pixels: Tensor) -> Tensor:
    """Return pixels from 0 to 255, of any type, as the network wants them, float32."""
    return (pixels.float() - MEAN) / DEVIATION


class SameConv2d(nn.Conv2d):
    """A convolution to ceil(size / stride) pixels; where one side is padded more, it is the end, as in TensorFlow."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, out_channels, ceil(height / stride), ceil(width / stride))."""
        width, height = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(inputs.shape[:1:-1], self.stride[::-1], self.kernel_size[::-1], strict=True)
        )
        if width % 2 == height % 2 == 0:  # the convolution's own padding is faster
            padded, own = inputs, (height // 2, width // 2)
        else:
            padded, own = functional.pad(inputs, (width // 2, -(-width // 2), height // 2, -(-height // 2))), (0, 0)
        return functional.conv2d(padded, self.weight, self.bias, self.stride, own, self.dilation, self.groups)


def convolution(num_inputs: int, num_outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a convolution and its batch normalisation, with TensorFlow's momentum and epsilon."""
    return [
        SameConv2d(num_inputs, num_outputs, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(num_outputs, eps=1e-3, momentum=0.01),
    ]


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, num_inputs: int, num_outputs: int, kernel: int, stride: int, expansion: int):
        """Build the layers; without expansion there is no convolution that widens."""
        super().__init__()
        hidden = num_inputs * expansion
        widen = [*convolution(num_inputs, hidden, 1), nn.ReLU6()] if expansion > 1 else []
        depthwise = [*convolution(hidden, hidden, kernel, stride, groups=hidden), nn.ReLU6()]
        self.layers = nn.Sequential(*widen, *depthwise, *convolution(hidden, num_outputs, 1))
        self.is_residual = stride == 1 and num_inputs == num_outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, num_outputs, ceil(height / stride), ceil(width / stride))."""
        return inputs + self.layers(inputs) if self.is_residual else self.layers(inputs)


class EfficientNetLite0(nn.Module):
    """Stem, 16 blocks in seven stages, head, mean of each feature map, dropout and one linear layer.

    Attributes:
        stem: a convolution of 3 by 3 with stride 2, and ReLU6.
        blocks: the 16 blocks, first to last; `stage_ends` says after which of them a stage ends.
        head: a convolution of 1 by 1 to 1,280 feature maps, and ReLU6.
        classifier: the linear layer.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2):
        """Build the network with torch's random weights."""
        super().__init__()
        self.stem = nn.Sequential(*convolution(3, STEM, 3, stride=2), nn.ReLU6())
        self.blocks, self.stage_ends, channels = nn.ModuleList(), [], STEM
        for kernel, stride, repeats, outputs, expansion in STAGES:
            for number in range(repeats):
                self.blocks.append(Block(channels, outputs, kernel, stride if number == 0 else 1, expansion))
                channels = outputs
            self.stage_ends.append(len(self.blocks) - 1)
        self.head = nn.Sequential(*convolution(channels, HEAD, 1), nn.ReLU6())
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(HEAD, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (n, num_classes) of normalised pictures (n, 3, height, width) of any size."""
        return self.classifier(self.dropout(self.embed(inputs)))

    def embed(self, inputs: Tensor) -> Tensor:
        """Return what the classifier reads, (n, 1280), of normalised pictures (n, 3, height, width)."""
        hidden = self.stem(inputs)
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(hidden).mean((2, 3))

    def features(self, inputs: Tensor, num_stages: int = len(STAGES)) -> list[Tensor]:
        """Return the outputs of the first stages, (n, channels, height / s, width / s); s = 2, 4, 8, 16, 16, 32, 32."""
        hidden, outputs = self.stem(inputs), []
        for index, block in enumerate(self.blocks[: self.stage_ends[num_stages - 1] + 1]):
            hidden = block(hidden)
            if index in self.stage_ends:
                outputs.append(hidden)
        return outputs


def load_pretrained(path: Path, dropout: float = 0.2) -> EfficientNetLite0:
    """Return the network with the weights of a file, in evaluation mode, on the processor.

    The file names its tensors otherwise, but has them in the order of this network's.

    Raises:
        UserError: the file is missing, damaged, or of another network.
    """
    network = EfficientNetLite0(dropout=dropout)
    own = network.state_dict()
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(dict(zip(own, weights.values(), strict=True)))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing; `dvc repro` fetches it") from error
    except (OSError, RuntimeError, ValueError, AttributeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: is not a file of EfficientNet-Lite0's weights: {reason}") from error
    return network.eval()
