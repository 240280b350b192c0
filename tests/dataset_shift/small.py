"""Shifts of small images, each in a fraction of a second."""

from dataclasses import replace

from stages.core.data import Data
from stages.core.run import Run
from stages.dataset_shift import concept_shift, covariate_shift, label_shift
from tests.image_classification.contract import PLANTED, noisy_images

SETTINGS = {
    "layer_sizes": [196, 10],
    "optimizer": "adam",
    "batch_size": 50,
    "learning_rate": 0.01,
    "num_epochs": 3,
    "pixels": "standardised",
    "num_train": 600,
}
KINDS = {
    covariate_shift: {
        "moved_pixels": 3,
        "source_share": 0.1,
        "target_share": 0.9,
        "ridge": 0.01,
        "largest_weight": 20.0,
        "num_steps": 50,
    },
    label_shift: {"concentration": 0.3},
    concept_shift: {
        "num_swaps": 1,
        "new_share": 0.1,
        "new_batch_size": 10,
        "new_num_epochs": 4,
        "on_learning_rate": 0.003,
        "anew_learning_rate": 0.01,
    },
}
DATA = Data(noisy_images(800, 1), noisy_images(1000, 3), noisy_images(300, 2), PLANTED.data.info)


def small_run(kind, **changes: object) -> Run:
    """Return a run of a kind of shift, a module, with changed arguments."""
    name = kind.__name__.rpartition(".")[2]
    args = kind.Args(**(SETTINGS | KINDS[kind] | changes))
    return replace(PLANTED.run, name="dataset_shift/small", family="dataset_shift", model=name, args=args)
