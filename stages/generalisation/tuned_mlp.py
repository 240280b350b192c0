"""Multilayer perceptron whose weight decay is chosen by validation on folds of its own training images.

k-fold cross-validation (document 002, Task03, section 1; Stone 1974, Cross-Validatory Choice and Assessment of
Statistical Predictions): the images are divided into k folds, each is validated on once by a network trained on the
others, and the value with the fewest mistakes over all folds is chosen. A single split is a division of which only the
first fold is validated on. The network is that of `mlp`, trained anew on all images with the chosen value.
Pixels are scaled by mean and standard deviation of the whole training split, labels of other images are not used.
"""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from stages.core.schema import distinct
from stages.image_classification import mlp

build = mlp.build


class Args(mlp.Args):
    """Hyperparameters.

    Attributes:
        weight_decays: values of `weight_decay` to choose from; of equally good ones the first is chosen.
        num_folds: into how many folds of about equal size the training images are divided.
        num_validated: how many of them are validated on; all if absent, 1 for a single split.
        num_divisions: how often the same images are divided anew to see how the estimate scatters; the first division
            decides.
    """

    weight_decays: Annotated[
        list[Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(min_length=2), AfterValidator(distinct)
    ]
    num_folds: int = Field(ge=2)
    num_validated: int | None = Field(default=None, ge=1)
    num_divisions: int = Field(ge=2)

    @model_validator(mode="after")
    def _folds_are_there_and_the_decay_is_open(self) -> "Args":
        if self.num_validated is not None and self.num_validated > self.num_folds:
            raise ValueError(f"num_validated = {self.num_validated} must be at most num_folds = {self.num_folds}")
        if "weight_decay" in self.model_fields_set:
            raise ValueError(f"weight_decay = {self.weight_decay} must be absent: it is one of weight_decays")
        return self
