"""Multilayer perceptron whose learning rate warms up and decays, trained for a fixed number of epochs.

Warm-up: with large batches the direction of the first steps is unstable, so that the rate starts small and grows.
Decay: smaller steps come nearer to the minimum at the end (document 001, learning rate). The rate at its highest is
chosen by the validation loss after the last epoch. The network is that of `mlp` with one hidden layer.
"""

from typing import Annotated

from pydantic import Field, model_validator

from stages.image_classification import mlp
from stages.learning_rates.raced_mlp import TunedArgs
from stages.learning_rates.schedules import Schedule

build = mlp.build


class Args(TunedArgs):
    """Hyperparameters.

    Attributes:
        momentum: of SGD.
        schedule: see `schedules.py`.
        milestones: shares of the steps after which `step` divides the rate.
        last_factor: where `exponential` and `inverse_time` would end after the last step.
        warmup_epochs: the rate grows linearly over these first epochs.
        early_epochs: the first ones, in which the rise of the loss is watched, whether the rate warms up or not.
    """

    momentum: float = Field(ge=0, lt=1)
    schedule: Schedule
    milestones: list[Annotated[float, Field(gt=0, lt=1)]] = []
    last_factor: float = Field(default=0.01, gt=0, lt=1)
    warmup_epochs: int = Field(default=0, ge=0)
    early_epochs: int = Field(ge=1)

    @model_validator(mode="after")
    def _warmup_ends(self) -> "Args":
        if self.warmup_epochs >= self.num_epochs:
            raise ValueError(f"warmup_epochs = {self.warmup_epochs} must be below num_epochs = {self.num_epochs}")
        return self
