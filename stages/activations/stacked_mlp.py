"""Multilayer perceptrons of one shape side by side, one a learning rate, each layer one batched matrix product.

Small networks cost more calls than sums: five of them of 6 by 64 units in one `baddbmm` a layer take 0.8 times as long
as one after the other, and two thirds of what `torch.func.vmap` over the modules needs.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import AfterValidator, Field
from torch import Tensor, nn

from stages.activations.activation_functions import FIRST_LEAK, NUM_PIECES, ActivationName, activate
from stages.core.schema import distinct


def _ascending(rates: list[float]) -> list[float]:
    if rates != sorted(rates):
        raise ValueError("rates must be in ascending order")
    return rates


Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Rates = Annotated[list[Rate], Field(min_length=2), AfterValidator(distinct), AfterValidator(_ascending)]


class StackedMLP(nn.Module):
    """Networks of equal shape, `copies` of them; what `build` returns and what is saved is a single one.

    Attributes:
        weights: of each layer, float32 (copies, inputs, outputs); maxout has two outputs for each unit.
        biases: float32 (copies, 1, outputs).
        leaks: PReLU's slopes, float32 (copies, 1, 1), one a hidden layer; empty for other activations.
    """

    def __init__(self, layer_sizes: Sequence[int], activation: ActivationName, copies: int = 1) -> None:
        """Draw the same first weights for all copies, nn.Linear's U(-1/sqrt(a), 1/sqrt(a)) for a inputs."""
        super().__init__()
        self.layer_sizes, self.activation, self.copies = list(layer_sizes), activation, copies
        self.weights, self.biases, self.leaks = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        num_layers = len(layer_sizes) - 1
        for layer, (num_inputs, num_units) in enumerate(pairwise(layer_sizes), 1):
            hidden = layer < num_layers
            linear = nn.Linear(num_inputs, num_units * (NUM_PIECES if hidden and activation == "maxout" else 1))
            self.weights.append(linear.weight.detach().T.repeat(copies, 1, 1))
            self.biases.append(linear.bias.detach().repeat(copies, 1, 1))
            if hidden and activation == "prelu":
                self.leaks.append(torch.full((copies, 1, 1), FIRST_LEAK))

    def repeated(self, copies: int) -> "StackedMLP":
        """Return a stack of so many copies of this single network."""
        stack = StackedMLP(self.layer_sizes, self.activation, copies).to(self.weights[0].device)
        with torch.no_grad():
            for parameter, own in zip(stack.parameters(), self.parameters(), strict=True):
                parameter.copy_(own)
        return stack

    def load_copy(self, stack: "StackedMLP", copy: int) -> None:
        """Take the weights of one network of a stack into this single one."""
        with torch.no_grad():
            for own, parameter in zip(self.parameters(), stack.parameters(), strict=True):
                own.copy_(parameter[copy])

    def pre_activations(self, images: Tensor) -> list[Tensor]:
        """Return those of each hidden layer, float32 (copies, batch, outputs), and last the logits.

        `images` are float32 (batch, 1, height, width); all networks see the same.
        """
        h = images.flatten(1).expand(self.copies, -1, -1)
        found = []
        *hidden, last = zip(self.weights, self.biases, strict=True)
        for layer, (weight, bias) in enumerate(hidden):
            z = torch.baddbmm(bias, h, weight)
            found.append(z)
            h = self.activate(layer, z)
        # The other way round, (copies, classes, batch): so the units are columns of the gradient's products, too, and
        # what is equal for all of them stays equal bit for bit; rows are summed in another order at the end of a block.
        weight, bias = (parameter.transpose(1, 2) for parameter in last)
        return [*found, torch.baddbmm(bias, weight, h.transpose(1, 2)).transpose(1, 2)]

    def activate(self, layer: int, z: Tensor) -> Tensor:
        """Return the activations of a hidden layer, counted from 0, (copies, batch, units)."""
        return activate(self.activation, z, self.leak(layer))

    def leak(self, layer: int) -> Tensor | None:
        """Return the learned slope of a hidden layer, None if there is none."""
        return self.leaks[layer] if self.leaks else None

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits of all networks, float32 (copies, batch, classes)."""
        return self.pre_activations(images)[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the first network, float32 (batch, classes): the only one, once it is saved."""
        return self.logits(images)[0]
