"""TextCNN: convolutions over the words of a text and the greatest value of each filter (documents 000, 002 and 003).

Kim 2014, Convolutional Neural Networks for Sentence Classification, sections 2 and 2.1. Differences: filters see
vectors of 0 beyond both ends of a text, as in a wide convolution, so that a text may be shorter than a filter and how
much a batch is padded changes nothing; no bound on the norm of the output weights; Adam in place of Adadelta; with
`vectors: both` each channel has filters of its own, whose results are added up, where the paper gives both channels the
same ones.
"""

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.text_classification.train import Network, NetworkArgs, train_network, vector_size

DATA_KINDS, train = ("folds", "embed"), train_network


class Args(NetworkArgs):
    """Hyperparameters.

    Attributes:
        widths: words that a filter sees.
        num_filters: of each width.
    """

    widths: list[Annotated[int, Field(ge=1)]] = Field(default=[3, 4, 5], min_length=1)
    num_filters: int = Field(ge=1)


class TextCNN(Network):
    """Filters of several widths, their maximum over time, and ReLU."""

    def __init__(self, args: Args, info: dict[str, Any]) -> None:
        """Draw the filters from U(-1/sqrt(w d), 1/sqrt(w d)) for width w and d elements of a word: torch's way."""
        super().__init__(args, info, args.num_filters * len(args.widths))
        size = vector_size(args, info)
        self.filters = nn.ModuleList(
            nn.Conv1d(size, args.num_filters, width, padding=width - 1) for width in args.widths
        )

    def features(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return the maximum of each filter over the places where it sees a word of the text, (batch, filters)."""
        vectors = vectors.transpose(1, 2)  # (batch, d, time), in memory still as before: the convolutions' fast way
        pooled = []
        for width, filters in zip(self.args.widths, self.filters, strict=True):
            responses = filters(vectors)  # (batch, filters, time + width - 1)
            seen = torch.arange(responses.shape[2], device=lengths.device) < lengths[:, None] + width - 1
            pooled.append(responses.masked_fill(~seen[:, None], -torch.inf).max(2).values)
        return torch.cat(pooled, 1).relu()


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network for `info["num_words"]` different words."""
    return TextCNN(args, info)
