"""What flows through a network forwards and backwards, layer by layer, and how equal its units are."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from stages.activations.stacked_mlp import StackedMLP
from stages.core.data import Split


def signals(network: StackedMLP, images: Split) -> tuple[Tensor, Tensor]:
    """Return the standard deviations of activations and of gradients by layer, float64 (hidden layers + 1,) each.

    Of the pixels and of each hidden layer's activations; and of the gradients of each image's cross-entropy by the
    pre-activations of each hidden layer and by the logits. Each is the variance over the images, a mean over the units,
    and its root: what tells the images apart. Units that differ from each other alike for all images, as sigmoids do,
    pass on no signal. `images` are float32 (n, 1, height, width). In float64, because a signal may leave the range of
    float32 in either direction.
    """
    network = copy.deepcopy(network).double()
    pixels = images.inputs.double()
    layers = network.pre_activations(pixels)
    loss = functional.cross_entropy(layers[-1][0], images.targets, reduction="sum")
    gradients = torch.autograd.grad(loss, layers)
    activations = [pixels.flatten(1)[None], *(network.activate(layer, z) for layer, z in enumerate(layers[:-1]))]
    return _deviations(activations), _deviations(gradients)


def _deviations(layers: Sequence[Tensor]) -> Tensor:
    """Return them of layers (1, images, units)."""
    return torch.stack([layer.detach().var(1, correction=0).mean().sqrt() for layer in layers])


@torch.no_grad()
def unit_difference(network: StackedMLP) -> float:
    """Return by how much the units of a hidden layer differ at most, as a share of its largest weight: from 0 to 2.

    The largest difference between an incoming weight or the bias of a unit and that of its layer's first unit; 0, to
    the last bit, where all units of each layer compute the same.
    """
    differences = [0.0]
    for weight, bias in list(zip(network.weights, network.biases, strict=True))[:-1]:
        incoming = torch.cat([weight, bias], 1).double()  # (1, inputs + 1, units)
        largest = incoming.abs().max()
        if largest > 0:
            differences.append(((incoming - incoming[..., :1]).abs().max() / largest).item())
    return max(differences)
