"""Batch normalisation as document 002 derives it, for linear layers and for convolutions.

Ioffe and Szegedy 2015, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift,
algorithm 1 and section 3.2. A unit's value x becomes gamma (x - mean) / sqrt(variance + epsilon) + beta; mean and
variance are those of the batch in training, moving averages in evaluation. A feature map has one mean and variance over
all its places; a unit of a linear layer, over the batch alone.
"""

import torch
from torch import Tensor, nn

EPSILON, MOMENTUM = 1e-5, 0.1  # torch's


class BatchNorm(nn.Module):
    """Normalises (batch, features) or (batch, features, height, width)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int) -> None:
        """Begin with gamma = 1 and beta = 0, and with running statistics of N(0, 1)."""
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(num_features)), nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, values: Tensor) -> Tensor:
        """Return the normalised values, and in training move the running statistics towards the batch's."""
        values = values.float()
        if self.training:
            axes = [axis for axis in range(values.ndim) if axis != 1]
            mean = values.mean(axes)
            variance = (values - _along(mean, values)).square().mean(axes)
            with torch.no_grad():
                count = values.numel() // values.shape[1]
                self.running_mean.lerp_(mean, MOMENTUM)
                self.running_var.lerp_(variance * (count / (count - 1)), MOMENTUM)  # of the population
        else:
            mean, variance = self.running_mean, self.running_var
        scale = self.gamma * torch.rsqrt(variance + EPSILON)
        return values * _along(scale, values) + _along(self.beta - mean * scale, values)


def _along(statistic: Tensor, values: Tensor) -> Tensor:
    """Return (features,) in the shape in which it is broadcast over batch and places."""
    return statistic.view(1, -1, *[1] * (values.ndim - 2))
