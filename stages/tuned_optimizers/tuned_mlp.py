"""Multilayer perceptron with one hidden layer of ReLU, whose optimizer is an argument and whose rate is tuned.

All optimizers choose among as many rates, in even steps of a decade's root; those of each are around its usual one, and
a test says that none chosen is the first or last of them. First weights are N(0, 2 / inputs) (He et al. 2015, equation
10), biases zero.
"""

from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import nn

from stages.activations.stacked_mlp import Rates, StackedMLP
from stages.core.schema import Strict
from stages.optimization.optimizers import FirstOrder


class Args(Strict):
    """Hyperparameters.

    Attributes:
        optimizer: see `stages/optimization/optimizers.py`.
        rates: learning rates, in ascending order, to choose from; one network is trained with each.
        layer_sizes: pixels, hidden units and classes.
        num_epochs: passes over the training images.
        batch_size: images a step.
        num_train: how many training images are used, drawn by the seed; all if absent.
        pixels: how they are scaled, see `stages/image_classification/train.py`.
        close: a rate is good whose validation accuracy is at most so much below the best rate's.
    """

    optimizer: FirstOrder
    rates: Rates
    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2)]
    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    num_train: int | None = Field(default=None, ge=1)
    pixels: Literal["unit", "signed", "standardised"] = "standardised"
    close: float = Field(gt=0, lt=1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network; its weights come from torch's global generator."""
    network = StackedMLP(args.layer_sizes, "relu")
    with torch.no_grad():
        for weight, bias in zip(network.weights, network.biases, strict=True):
            weight.normal_(0, (2 / weight.shape[1]) ** 0.5)
            bias.zero_()
    return network
