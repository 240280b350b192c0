"""An LSTM that reads an image row by row; a linear layer on its last output classifies (document 004).

Hochreiter and Schmidhuber 1997, Long Short-Term Memory; with forget gates, as torch's nn.LSTM has.
"""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.device import product_dtype
from stages.image_classification.layers import NetworkArgs


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        num_hiddens: units of a layer.
        num_layers: the document has one.
        dropout: probability of zeroing a value of the last output.
    """

    num_hiddens: int = Field(ge=1)
    num_layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class RowLSTM(nn.Module):
    """The network, float32 (batch, channels, height, width) -> logits, float32 (batch, classes)."""

    def __init__(self, args: Args, width: int, num_classes: int) -> None:
        """Build the layers; `width` is the number of values in a row of pixels, of all channels."""
        super().__init__()
        self.precision = args.precision
        self.lstm = nn.LSTM(width, args.num_hiddens, args.num_layers, batch_first=True)
        self.dropout, self.output = nn.Dropout(args.dropout), nn.Linear(args.num_hiddens, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        dtype = product_dtype(self.precision, images.device.type)
        with torch.autocast(images.device.type, dtype, enabled=self.training and dtype != torch.float32):
            outputs, _ = self.lstm(images.transpose(1, 2).flatten(2))  # (batch, height, channels * width)
            return self.output(self.dropout(outputs[:, -1])).float()


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network; images are grey and of 28 by 28 pixels if `info` does not say otherwise."""
    return RowLSTM(args, info.get("channels", 1) * info.get("size", 28), len(info["classes"]))
