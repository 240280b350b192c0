"""A choice of the weight decay that takes a fraction of a second."""

from dataclasses import replace

from stages.core.data import Data
from stages.core.run import Run
from stages.generalisation import tuned_mlp
from tests.image_classification.contract import PLANTED, noisy_images

SETTINGS = {
    "layer_sizes": [196, 16, 10],
    "optimizer": "sgd",
    "batch_size": 20,
    "learning_rate": 0.05,
    "num_epochs": 15,
    "pixels": "standardised",
    "initialisation": "kaiming",
    "num_train": 60,
}
CHOICE = {"weight_decays": [0.0, 5.0], "num_folds": 3, "num_divisions": 2}
DATA = Data(noisy_images(200, 1), noisy_images(100, 3), noisy_images(100, 2), PLANTED.data.info)


def small_run(**changes: object) -> Run:
    """Return a run that chooses, with changed arguments."""
    args = tuned_mlp.Args(**(SETTINGS | CHOICE | changes))
    return replace(PLANTED.run, name="generalisation/small", family="generalisation", model="tuned_mlp", args=args)
