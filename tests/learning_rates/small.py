"""A race and a schedule that take a fraction of a second."""

from dataclasses import replace

from stages.core.data import Data
from stages.core.run import Run
from stages.learning_rates import raced_mlp, scheduled_mlp
from tests.image_classification.contract import PLANTED, noisy_images

DATA = Data(noisy_images(200, 1), noisy_images(100, 3), noisy_images(100, 2), PLANTED.data.info)
SHARED = {
    "layer_sizes": [196, 16, 10],
    "pixels": "standardised",
    "initialisation": "kaiming",
    "num_train": 160,
    "num_watched": 80,
    "batch_size": 20,
    "num_epochs": 6,
    "learning_rates": [0.0001, 0.1],
}
RACE = SHARED | {"checks_per_epoch": 4, "loss_levels": [2.0, 1.5]}
SCHEDULE = SHARED | {"momentum": 0.9, "schedule": "cosine", "early_epochs": 2}


def raced(**changes: object) -> Run:
    """Return the run of a race, with changed arguments."""
    return _run("raced_mlp", raced_mlp.Args(**(RACE | changes)))


def scheduled(**changes: object) -> Run:
    """Return the run of a schedule, with changed arguments."""
    return _run("scheduled_mlp", scheduled_mlp.Args(**(SCHEDULE | changes)))


def _run(model: str, args: object) -> Run:
    return replace(PLANTED.run, name="learning_rates/small", family="learning_rates", model=model, args=args)
