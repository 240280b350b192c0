"""Rules for the first weights of a layer with `a` inputs and `b` outputs; biases are zero but for torch's default.

Xavier: Glorot and Bengio 2010, equation 16. Kaiming: He et al. 2015, equation 10. Orthogonal: Saxe et al. 2014, Exact
Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks, with gain 1. Torch's default is what
nn.Linear does. The scales of `normal` rules are the row's own.
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from stages.activations.stacked_mlp import StackedMLP

Rule = Literal["zeros", "constant", "normal", "xavier", "kaiming", "pytorch", "orthogonal"]


@torch.no_grad()
def initialise(network: StackedMLP, rule: Rule, sd: float | None, draws: torch.Generator) -> None:
    """Set all weights of a network, its copies to the same ones. `sd` is the standard deviation of `normal`."""
    for weight, bias in zip(network.weights, network.biases, strict=True):
        num_inputs, num_outputs = weight.shape[1:]
        weight.copy_(_draw(rule, num_inputs, num_outputs, sd, draws))
        bias.zero_()
        if rule == "pytorch":
            bound = num_inputs**-0.5
            bias.copy_(torch.empty(1, num_outputs).uniform_(-bound, bound, generator=draws))


def _draw(rule: Rule, num_inputs: int, num_outputs: int, sd: float | None, draws: torch.Generator) -> Tensor:
    """Return the weights of a layer, float32 (inputs, outputs)."""
    weight = torch.empty(num_inputs, num_outputs)
    match rule:
        case "zeros":
            return weight.zero_()
        case "constant":  # the mean of the inputs, so that what fails is the symmetry and not the scale
            return weight.fill_(1 / num_inputs)
        case "normal":
            return weight.normal_(0, sd, generator=draws)
        case "xavier":
            bound = math.sqrt(6 / (num_inputs + num_outputs))
            return weight.uniform_(-bound, bound, generator=draws)
        case "kaiming":
            return weight.normal_(0, math.sqrt(2 / num_inputs), generator=draws)
        case "pytorch":
            return weight.uniform_(-(num_inputs**-0.5), num_inputs**-0.5, generator=draws)
        case "orthogonal":
            return nn.init.orthogonal_(weight, generator=draws)
