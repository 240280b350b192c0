"""How much of a network is saturated, at zero, or dead."""

import torch
from torch import Tensor

from stages.activations.activation_functions import GREATEST_SLOPES, slope
from stages.activations.stacked_mlp import StackedMLP


@torch.no_grad()
def unit_shares(stack: StackedMLP, images: Tensor, silent_slope: float) -> tuple[Tensor, Tensor]:
    """Return how much of each hidden layer of each network is silent, and dead, float32 (layers, networks) each.

    A unit is silent for an image where the slope of its activation is below `silent_slope` times the greatest slope, on
    either side of zero: a saturated sigmoid or tanh, a ReLU at zero. The first share is of pairs of units and images. A
    unit is dead that is silent for all `images`, which are float32 (n, 1, height, width). Of maxout each piece counts
    as a unit.
    """
    least = silent_slope * GREATEST_SLOPES.get(stack.activation, 1.0)
    silent, dead = [], []
    for layer, z in enumerate(stack.pre_activations(images)[:-1]):
        is_silent = slope(stack.activation, z, stack.leak(layer)).abs() < least  # (networks, images, units)
        silent.append(is_silent.float().mean((1, 2)))
        dead.append(is_silent.all(1).float().mean(1))
    return torch.stack(silent), torch.stack(dead)
