"""Multilayer perceptrons of several activations and depths with the same rule for their first weights.

Documents 001 (initialisation) and 002 (Task03, section 2). All hidden layers have the same width and activation. The
networks of a row are trained apart from each other, each with several learning rates.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from torch import Tensor, nn

from stages.activations.activation_functions import ActivationName
from stages.activations.stacked_mlp import StackedMLP
from stages.core.schema import Strict, distinct
from stages.initialisation.rules import Rule


class Args(Strict):
    """Hyperparameters.

    Attributes:
        rule: for the first weights, see `rules.py`.
        sd: standard deviation of the weights; of the rule `normal`, and of no other.
        activations: of the hidden layers, and
        depths: numbers of hidden layers, in ascending order: one network for each pair.
        num_hiddens: units of each hidden layer.
        num_inputs: pixels of an image.
        rates: learning rates, of which the one with the highest validation accuracy counts;
        accuracy_margin: accuracies this near to the highest count as equal: of them the least loss decides.
        momentum: of SGD.
        num_epochs: passes over the training images.
        batch_size: images a step.
        num_train: how many training images are used, drawn by the seed; all if absent.
        pixels: how they are scaled, see `stages/image_classification/train.py`.
        num_watched: validation images, the first ones, by which signals are measured and the rate is chosen.
        silent_slope: a unit is silent for an image where its slope is below this share of the greatest slope.
        learns_at: a network learns if its accuracy on test images is at least this after training. No other place says
            what learning is.
        highest_loss: test losses in nats above this count as this, or a single one that explodes decides the mean.
    """

    rule: Rule
    sd: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    activations: Annotated[list[ActivationName], Field(min_length=1), AfterValidator(distinct)]
    depths: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1), AfterValidator(distinct)]
    num_hiddens: int = Field(ge=1)
    num_inputs: int = Field(default=784, ge=1)
    rates: Annotated[
        list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=1), AfterValidator(distinct)
    ]
    accuracy_margin: float = Field(ge=0, lt=1)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    num_train: int | None = Field(default=None, ge=1)
    pixels: Literal["unit", "signed", "standardised"] = "standardised"
    num_watched: int = Field(ge=1)
    silent_slope: float = Field(gt=0, lt=1)
    learns_at: float = Field(gt=0, lt=1)
    highest_loss: float = Field(gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _sd_is_that_of_normal(self) -> "Args":
        if (self.rule == "normal") != (self.sd is not None):
            raise ValueError(f"sd = {self.sd} must be there for rule = 'normal', and for no other")
        if self.depths != sorted(self.depths):
            raise ValueError(f"depths = {self.depths} must be in ascending order")
        return self


class Networks(nn.ModuleDict):
    """The networks by activation and depth, such as `relu_20`; as a classifier, the last of them."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the last network's logits, (batch, classes), of images, float32 (batch, 1, height, width)."""
        return list(self.values())[-1](images)


def build(args: Args, info: dict[str, Any]) -> nn.Module:
    """Return the networks with nn.Linear's own weights; training draws the rule's from the seed's generator."""
    networks = {}
    for activation in args.activations:
        for depth in args.depths:
            sizes = [args.num_inputs, *[args.num_hiddens] * depth, len(info["classes"])]
            networks[f"{activation}_{depth}"] = StackedMLP(sizes, activation)
    return Networks(networks)
