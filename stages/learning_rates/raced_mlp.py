"""Multilayer perceptron of which several learning rates race to a stated loss; the first to reach it is chosen.

Gradient descent uses all examples for each step, stochastic gradient descent one, and mini-batches lie between
(document 001, stochastic gradient descent). How many steps and epochs a batch size needs depends on the rate, so that
each is tuned on its own, among as many rates (Shallue et al. 2019, Measuring the Effects of Data Parallelism on Neural
Network Training, who count steps to a stated error on held-out examples). The network is that of `mlp` with one hidden
layer, the optimizer plain SGD.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from stages.core.schema import Strict, distinct
from stages.image_classification import mlp

build = mlp.build
Rates = Annotated[
    list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=2), AfterValidator(distinct)
]


class TunedArgs(Strict):
    """What all networks of this family have; `pixels`, `num_train` and `initialisation` are those of `mlp`.

    Attributes:
        layer_sizes: pixels, hidden units and classes.
        batch_size: examples of a step; all if absent.
        num_epochs: passes over the training images.
        learning_rates: to choose from.
        num_watched: validation images, the first of them, by whose loss the rate is chosen.
    """

    layer_sizes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=3, max_length=3)]
    pixels: Literal["unit", "signed", "standardised"]
    initialisation: Literal["pytorch", "xavier", "kaiming"]
    dropout: Literal[0] = 0
    num_train: int = Field(ge=1)
    num_watched: int = Field(ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    num_epochs: int = Field(ge=1)
    learning_rates: Rates


class Args(TunedArgs):
    """Hyperparameters; `num_epochs` is how many passes there are at most.

    Attributes:
        loss_levels: falling validation losses, in nats, whose first passing is recorded; training ends at the last.
        checks_per_epoch: how often the validation loss is looked at, evenly over the steps of an epoch; after each step
            if there are fewer.
    """

    loss_levels: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1)]
    checks_per_epoch: int = Field(ge=1)

    @model_validator(mode="after")
    def _levels_fall(self) -> "Args":
        if self.loss_levels != sorted(set(self.loss_levels), reverse=True):
            raise ValueError(f"loss_levels = {self.loss_levels} must fall")
        return self
