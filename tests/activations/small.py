"""A tuning of the rate that takes a fraction of a second."""

from dataclasses import replace

from stages.activations import activation_mlp
from stages.core.data import Data
from stages.core.run import Run
from tests.image_classification.contract import PLANTED, noisy_images

SETTINGS = {
    "activation": "relu",
    "num_layers": 2,
    "num_hiddens": 12,
    "num_inputs": 196,
    "rates": [0.001, 0.03, 0.1],
    "momentum": 0.9,
    "num_epochs": 3,
    "batch_size": 20,
    "num_train": 150,
    "num_watched": 60,
    "target_loss": 2.0,
    "silent_slope": 0.05,
}
DATA = Data(noisy_images(200, 1), noisy_images(100, 3), noisy_images(100, 2), PLANTED.data.info)


def small_run(**changes: object) -> Run:
    """Return a run with changed arguments."""
    args = activation_mlp.Args(**(SETTINGS | changes))
    return replace(PLANTED.run, name="activations/small", family="activations", model="activation_mlp", args=args)
