"""Activation functions and their slopes, each written out as its equation (documents 001 and 004).

Leaky ReLU: Maas et al. 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models. PReLU: He et al. 2015,
Delving Deep into Rectifiers, equation 1, with one learned slope a layer. Maxout: Goodfellow et al. 2013, Maxout
Networks, equation 1; document 004 has its two pieces. GELU: Hendrycks and Gimpel 2016, with
the normal distribution's own function and no approximation.
"""

import math
from typing import Literal

import torch
from torch import Tensor

ActivationName = Literal["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "maxout", "gelu"]

LEAK = 0.01  # slope of leaky ReLU below zero: Maas et al., section 2
FIRST_LEAK = 0.25  # of PReLU, before training: He et al., section 2.1
NUM_PIECES = 2  # of maxout: document 004's max(w1 x + b1, w2 x + b2)

# With weights of variance gain^2 / inputs a layer keeps the mean square of its values: gain^2 is 2 for functions that
# silence one half of a symmetric input (He et al. 2015, equation 10; a leak changes little), 1 for tanh near zero
# (Glorot and Bengio 2010) and for the larger of two independent values. Sigmoid has a quarter of tanh's slope at zero,
# so it gets four times tanh's gain (Theano's Deep Learning Tutorials, Multilayer Perceptron): with tanh's own the
# signal vanishes in a few layers, and six of them learn nothing at any rate.
GAINS: dict[ActivationName, float] = {
    "sigmoid": 4.0,
    "tanh": 1.0,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2),
    "prelu": math.sqrt(2),
    "maxout": 1.0,
    "gelu": math.sqrt(2),
}
GREATEST_SLOPES: dict[ActivationName, float] = {  # of the others it is 1
    "sigmoid": 0.25,
    "gelu": (1 + math.erf(1)) / 2 + math.exp(-1) / math.sqrt(math.pi),  # 1.129, at the square root of 2
}


def activate(name: ActivationName, z: Tensor, leak: Tensor | None = None) -> Tensor:
    """Return the activations of pre-activations `z` (…, units); maxout has (…, NUM_PIECES * units) of them.

    `leak` is PReLU's slope below zero, of a shape that broadcasts.
    """
    match name:
        case "sigmoid":
            return z.sigmoid()
        case "tanh":
            return z.tanh()
        case "relu":
            return z.relu()
        case "leaky_relu":
            return torch.nn.functional.leaky_relu(z, LEAK)
        case "prelu":
            return z.relu() - leak * (-z).relu()
        case "maxout":
            return torch.maximum(*z.chunk(NUM_PIECES, -1))
        case "gelu":
            return torch.nn.functional.gelu(z)


def slope(name: ActivationName, z: Tensor, leak: Tensor | None = None) -> Tensor:
    """Return the derivative of `activate` by each pre-activation, of the shape of `z`.

    Of maxout's pieces, each a pre-activation of its own, the one that is taken has the slope 1 and the other 0.
    """
    match name:
        case "sigmoid":
            return z.sigmoid() * (1 - z.sigmoid())
        case "tanh":
            return 1 - z.tanh().square()
        case "relu":
            return (z > 0).to(z.dtype)
        case "leaky_relu":
            return torch.where(z > 0, 1.0, LEAK)
        case "prelu":
            return torch.where(z > 0, 1.0, leak)
        case "maxout":
            first, second = z.chunk(NUM_PIECES, -1)
            return torch.cat([first >= second, first < second], -1).to(z.dtype)
        case "gelu":
            density = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi)
            return torch.special.ndtr(z) + z * density
