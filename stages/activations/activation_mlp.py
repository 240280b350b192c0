"""Multilayer perceptron whose activation is an argument, and whose learning rate is tuned on validation images.

All hidden layers have the same number of units and the same activation (document 004, section 1.4.1: not mixed in one
network). First weights are N(0, gain^2 / inputs), biases zero; `GAINS` says which gain: each function starts with its
own usual rule, such as Kaiming's for the ReLU family.
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from stages.activations.activation_functions import GAINS, ActivationName
from stages.activations.stacked_mlp import Rates, StackedMLP
from stages.core.schema import Strict


class Args(Strict):
    """Hyperparameters.

    Attributes:
        activation: of all hidden layers.
        num_layers: hidden layers.
        num_hiddens: units of each hidden layer.
        num_inputs: pixels of an image.
        rates: learning rates, in ascending order, to choose from; one network is trained with each.
        momentum: of SGD.
        num_epochs: passes over the training images.
        batch_size: images a step.
        num_train: how many training images are used, drawn by the seed; all if absent.
        pixels: how they are scaled, see `stages/image_classification/train.py`.
        num_watched: validation images, the first ones, by which losses and units are watched and the rate is chosen.
        target_loss: validation loss in nats; the epochs until it is reached are counted, and
        looks_per_epoch: how often an epoch it is looked whether it is, at the epoch's end included.
        silent_slope: a unit is silent for an image where its slope is below this share of the greatest slope.
    """

    activation: ActivationName
    num_layers: int = Field(ge=1)
    num_hiddens: int = Field(ge=1)
    num_inputs: int = Field(default=784, ge=1)
    rates: Rates
    momentum: float = Field(default=0.0, ge=0, lt=1)
    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    num_train: int | None = Field(default=None, ge=1)
    pixels: Literal["unit", "signed", "standardised"] = "standardised"
    num_watched: int = Field(ge=1)
    target_loss: float = Field(gt=0, allow_inf_nan=False)
    looks_per_epoch: int = Field(default=1, ge=1)
    silent_slope: float = Field(gt=0, lt=1)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network; its weights come from torch's global generator."""
    sizes = [args.num_inputs, *[args.num_hiddens] * args.num_layers, len(info["classes"])]
    network = StackedMLP(sizes, args.activation)
    with torch.no_grad():
        for weight, bias in zip(network.weights, network.biases, strict=True):
            weight.normal_(0, GAINS[args.activation] / weight.shape[1] ** 0.5)
            bias.zero_()
    return network
