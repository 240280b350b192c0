"""Multilayer perceptron: H = relu(X W + b) for each hidden layer, logits O = H W + b (document 002, Task01, section 3).

Dropout follows every hidden layer's activation (document 002, Task03): a unit is zeroed with probability p
and divided by 1 - p otherwise. The activations of the last hidden layer are the `features` that image_generation
compares sets of images by.
"""

from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn

from stages.image_classification.train import ImageArgs


class Args(ImageArgs):
    """Hyperparameters.

    Attributes:
        layer_sizes: units of every layer, pixels and classes included.
        dropout: probability of zeroing a hidden unit.
        initialisation: of the weights. `pytorch` is nn.Linear's default, U(-1/sqrt(a), 1/sqrt(a)) for a
            inputs; `xavier` is U(-sqrt(6/(a+b)), sqrt(6/(a+b))) for a inputs and b outputs, biases zero
            (document 002, Task03, section 2; Glorot and Bengio 2010, equation 16); `kaiming` is
            N(0, 2/a), biases zero (He et al. 2015, equation 10).
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2)]
    dropout: float = Field(default=0.0, ge=0, lt=1)
    initialisation: Literal["pytorch", "xavier", "kaiming"] = "pytorch"


class MLP(nn.Sequential):
    """The network, float32 (batch, 1, height, width) -> logits, float32 (batch, classes)."""

    def features(self, images: Tensor) -> Tensor:
        """Return the activations of the last hidden layer, float32 (batch, its units)."""
        return self[:-1](images)

    def output(self, features: Tensor) -> Tensor:
        """Return the logits, float32 (batch, classes), of `features`."""
        return self[-1](features)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the untrained network."""
    layers: list[nn.Module] = [nn.Flatten()]
    for num_inputs, num_outputs in zip(args.layer_sizes[:-2], args.layer_sizes[1:-1], strict=True):
        layers += [_linear(num_inputs, num_outputs, args), nn.ReLU()]
        if args.dropout > 0:
            layers.append(nn.Dropout(args.dropout))
    layers.append(_linear(*args.layer_sizes[-2:], args))
    return MLP(*layers)


def _linear(num_inputs: int, num_outputs: int, args: Args) -> nn.Linear:
    layer = nn.Linear(num_inputs, num_outputs)
    if args.initialisation == "xavier":
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    elif args.initialisation == "kaiming":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    return layer
