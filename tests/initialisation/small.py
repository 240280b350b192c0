"""A row of first weights that takes a fraction of a second."""

from dataclasses import replace

from stages.core.data import Data
from stages.core.run import Run
from stages.initialisation import initialised_mlp
from tests.image_classification.contract import PLANTED, noisy_images

SETTINGS = {
    "rule": "kaiming",
    "activations": ["tanh", "relu"],
    "depths": [1, 3],
    "num_hiddens": 12,
    "num_inputs": 196,
    "rates": [0.003, 0.03],
    "accuracy_margin": 0.0,
    "momentum": 0.9,
    "num_epochs": 2,
    "batch_size": 20,
    "num_train": 150,
    "num_watched": 60,
    "silent_slope": 0.05,
    "learns_at": 0.5,
    "highest_loss": 10.0,
}
DATA = Data(noisy_images(200, 1), noisy_images(100, 3), noisy_images(100, 2), PLANTED.data.info)


def small_run(**changes: object) -> Run:
    """Return a run with changed arguments."""
    args = initialised_mlp.Args(**(SETTINGS | changes))
    return replace(
        PLANTED.run, name="initialisation/small", family="initialisation", model="initialised_mlp", args=args
    )
